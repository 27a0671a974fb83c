"""The jobs of domains: thin wrappers round functions that can be called without a broker."""

from uuid import UUID

from cell.domains import kinds, telling
from cell.resources import Cell
from kit.jobs import Tasks

TASKS: Tasks[Cell] = Tasks()


@TASKS.does(kinds.TELL)
async def tell(cell: Cell, workspace_id: UUID, arguments: list[str]) -> None:
    """Tell the registry which domains are verified."""
    await telling.tell(cell, workspace_id)
