"""The jobs of sessions: thin wrappers round functions that can be called without a broker."""

from datetime import datetime
from uuid import UUID

from cell.resources import Cell
from cell.sessions import ending, kinds
from kit.jobs import Tasks

TASKS: Tasks[Cell] = Tasks()


@TASKS.does(kinds.END)
async def end(cell: Cell, workspace_id: UUID, arguments: list[str]) -> None:
    """End a person's sessions, in case that whoever changed something could not."""
    person_id, moment, but = arguments
    await ending.end_earlier(cell.redis, workspace_id, UUID(person_id), datetime.fromisoformat(moment), but)
