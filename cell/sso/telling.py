"""Telling the registry what connection a workspace wants; the feed brings it to cell and provisioning."""

from uuid import UUID

from cell.resources import Cell
from cell.sso import queries
from cell.workspaces import service as workspaces
from contracts.identity import connection_of
from contracts.peers import REGISTRY
from contracts.signing_in import SSO_SET, SetSso
from kit.calls import PeerUnavailable
from kit.jobs import GiveUp, RunAgain
from kit.refusals import Kind, NotFound, Refusal

AWAY_S = 10  # until a registry that does not answer is told again

# Refusals that saying it again does not change.
_FINAL = {Kind.INVALID, Kind.FORBIDDEN, Kind.CONFLICT, Kind.NOT_FOUND}


async def tell(cell: Cell, workspace_id: UUID) -> None:
    """Say what is wanted now. Raises RunAgain while the registry is away or when another change came in between.

    Two that say different things at the same time would leave either; so whoever spoke looks once more afterwards.
    """
    if cell.calls is None:
        raise GiveUp("this cell has no registry to tell")
    key = await workspaces.key_of(cell.database, workspace_id)
    if key is None:
        raise NotFound
    async with cell.database.reading(workspace_id) as tx:
        row = await tx.one(queries.settings())
    connection = None if row.connection is None else connection_of(key, row.connection)
    refused = ""
    try:
        await cell.calls.call(REGISTRY, SSO_SET, SetSso(workspace_id=workspace_id, connection=connection))
    except PeerUnavailable:
        raise RunAgain(AWAY_S) from None
    except Refusal as refusal:
        if refusal.kind not in _FINAL:
            raise
        refused = refusal.title
    async with cell.database.writing(workspace_id) as tx:
        now_there = await tx.one(queries.settings().with_for_update())
        if now_there.version == row.version:
            now_there.refused = refused
    if now_there.version != row.version:
        raise RunAgain(0)
    if refused:
        raise GiveUp(refused)
