"""The jobs of sessions: thin wrappers round functions that can be called without a broker."""

from datetime import datetime
from uuid import UUID

from cell.resources import Cell
from cell.sessions import ending, kinds, refusing
from kit.jobs import Tasks

TASKS: Tasks[Cell] = Tasks()


@TASKS.does(kinds.END)
async def end(cell: Cell, workspace_id: UUID, arguments: list[str]) -> None:
    """End a person's sessions, in case that whoever changed something could not."""
    person_id, moment, but = arguments
    await ending.end_earlier(cell.redis, workspace_id, UUID(person_id), datetime.fromisoformat(moment), but)


@TASKS.does(kinds.END_MANY)
async def end_many(cell: Cell, workspace_id: UUID, arguments: list[str]) -> None:
    """The same for many people."""
    moment, *people = arguments
    before = datetime.fromisoformat(moment)
    await ending.end_many(cell.redis, workspace_id, [UUID(one) for one in people], before)


@TASKS.does(kinds.END_LOCAL)
async def end_local(cell: Cell, workspace_id: UUID, arguments: list[str]) -> None:
    """End sessions that were not by single sign-on, in case that whoever made it the only way in could not."""
    async with cell.database.reading(workspace_id) as tx:
        await ending.end_local_earlier(tx, cell.redis, datetime.fromisoformat(arguments[0]))


@TASKS.does(kinds.REFUSED)
async def refused(cell: Cell, workspace_id: UUID, arguments: list[str]) -> None:
    """Write refused sign-ins of a person into the log."""
    person_id, digest, reason = arguments
    await refusing.tell(cell, workspace_id, UUID(person_id), digest, reason)
