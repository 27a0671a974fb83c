"""Changing who owns a workspace: by signed call of the registry, to something later only, and never beside a writer."""

from uuid import UUID

from redis.asyncio import Redis

from cell.ownership import gate
from cell.ownership.gate import Held
from cell.workspaces import service as workspaces
from cell.workspaces.models import Ownership
from contracts.placements import State
from kit import logs
from kit.database import Database
from kit.refusals import NotFound

# Everybody who wants to write waits behind a change that waits for a writer, so it does not wait for long.
WRITERS_END_WITHIN_S = 5

log = logs.get("ownership")


async def set_to(database: Database, redis: "Redis", workspace_id: UUID, wanted: Held) -> Held:
    """Apply what the registry says if it is later than what is held; what is held then.

    Writers in flight end first, under the epoch that they began with; grants stop before the change is visible.
    Raises NotFound for a workspace that is not here, WritersInFlight.
    """
    async with database.stopping_writes(workspace_id, within_s=WRITERS_END_WITHIN_S) as session:
        row = await session.get(Ownership, workspace_id)
        held = _held(row)
        if row is not None and (wanted.epoch, wanted.version) > (held.epoch, held.version):
            await gate.shut(redis, workspace_id, wanted)
            row.epoch, row.version, row.state = wanted.epoch, wanted.version, wanted.state.value
            held = wanted
            log.info("ownership", workspace_id=str(workspace_id), epoch=held.epoch, state=held.state.value)
    await gate.put(redis, workspace_id, held)
    return held


async def state_of(database: Database, redis: "Redis", workspace_id: UUID) -> State:
    """Whether the workspace may be written, from its row; the copy follows. Raises NotFound."""
    held = await _look(database, workspace_id)
    while True:
        await gate.put(redis, workspace_id, held)
        # The row may have changed meanwhile, and a Redis that was told so may have forgotten it since.
        current = await _look(database, workspace_id)
        if current == held:
            return held.state
        held = current


async def _look(database: Database, workspace_id: UUID) -> Held:
    return _held(await workspaces.ownership_of(database, workspace_id))


def _held(row: Ownership | None) -> Held:
    if row is None:
        raise NotFound
    return Held(row.epoch, row.version, State(row.state))
