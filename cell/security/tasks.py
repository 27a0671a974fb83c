"""The jobs of security: thin wrappers round functions that can be called without a broker."""

from uuid import UUID

from cell.resources import Cell
from cell.security import kinds, notices
from kit.jobs import Tasks

TASKS: Tasks[Cell] = Tasks()


@TASKS.does(kinds.NOTICE)
async def notice(cell: Cell, workspace_id: UUID, arguments: list[str]) -> None:
    """Tell a person what has changed about how they sign in."""
    person_id, what, moment = arguments
    await notices.send(cell, workspace_id, UUID(person_id), what, moment)
