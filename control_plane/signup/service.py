"""The registry's part of a sign-up. Each step can be repeated: it answers with what is so."""

import asyncio
from datetime import timedelta
from uuid import UUID

from contracts.operations import Home
from contracts.placements import Placement, State
from contracts.placing import RegionFull, Reserve, Unfinished
from control_plane.act import acting
from control_plane.audit.service import Actor
from control_plane.placement import queries as placement_queries
from control_plane.placement import service as placement
from control_plane.placement.service import NoCellHasRoom, Wanted
from control_plane.placement.sizes import Size
from control_plane.placement.states import Change, TransitionRefused
from control_plane.signup import queries
from kit import logs
from kit.database import Database, now
from kit.refusals import NotFound

# Sign-ups of a region wait for one lock; no more of them than these hold a connection meanwhile, so that feeds, owners
# and operators find one too.
_PLACING = asyncio.Semaphore(4)

log = logs.get("sign-up")


async def reserve(database: Database, by: Actor, wanted: Reserve) -> Placement:
    """Choose a cell and reserve room, once for each request key; as it is by now.

    Raises RegionFull, and what else `placement` raises.

    What an operator reserved under this request key, and of what size, is what is finished.
    """
    made = await _reserved(database, wanted)
    if made is not None:
        return made
    try:
        async with _PLACING, acting(database, by) as act:
            asked = Wanted(wanted.region, Size(wanted.size), wanted.request_key)
            return (await placement.reserve(act, asked)).placement
    except NoCellHasRoom as refusal:
        log.error("no room", region=wanted.region, size=wanted.size, verdicts=refusal.facts.get("verdicts"))
        raise RegionFull from None


async def change(database: Database, by: Actor, workspace_id: UUID, what: Change, why: str) -> Placement:
    """Change a placement, or find it changed already. Raises NotFound, TransitionRefused."""
    found = await _find(database, workspace_id)
    try:
        async with acting(database, by) as act:
            return (await placement.transition(act, found.key, what, why)).placement
    except TransitionRefused:
        found = await _find(database, workspace_id)
        if _is_so(what, found.state):
            return found
        raise


async def unfinished(database: Database, asked: Unfinished) -> list[Placement]:
    """Sign-ups of a region that began so long ago and have not ended."""
    begun_before = now() - timedelta(seconds=asked.older_than_s)
    async with database.outside() as session:
        found = queries.unfinished(asked.region, begun_before, asked.after, asked.limit)
        rows = (await session.execute(found)).all()
    return [placement.placement_of(row[0], row[1]) for row in rows]


class Registry:
    """Where workspaces live, for the table of who may call what."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def home(self, workspace_id: UUID) -> Home | None:
        """Region and cell of a workspace, or None."""
        async with self._database.outside() as session:
            row = (await session.execute(queries.by_id(workspace_id))).first()
        return None if row is None else Home(row[0].region, row[1].cell)


async def _reserved(database: Database, wanted: Reserve) -> Placement | None:
    async with database.outside() as session:
        row = (await session.execute(placement_queries.by_request(wanted.request_key))).first()
    return placement.placement_of(row[0], row[1]) if row is not None and row[0].region == wanted.region else None


async def _find(database: Database, workspace_id: UUID) -> Placement:
    async with database.outside() as session:
        row = (await session.execute(queries.by_id(workspace_id))).first()
    if row is None:
        raise NotFound
    return placement.placement_of(row[0], row[1])


def _is_so(what: Change, state: State) -> bool:
    """Whether a change has happened, to judge by the state: the answer to its first request may have been lost."""
    gone = {State.DELETING, State.DELETED}
    match what:
        case Change.ACTIVATE:
            return state is not State.PROVISIONING and state not in gone
        case Change.ABANDON | Change.ERASED:
            return state is State.DELETED
        case Change.DELETE:
            return state in gone
        case _:
            return False
