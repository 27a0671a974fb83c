"""The jobs of the directory: thin wrappers round functions that can be called without a broker."""

from uuid import UUID

from cell.directory import kinds, upkeep
from cell.resources import Cell
from kit.jobs import Tasks

TASKS: Tasks[Cell] = Tasks()


@TASKS.does(kinds.LOOK_AFTER)
async def look_after(cell: Cell, workspace_id: UUID, arguments: list[str]) -> None:
    """Do what is to be done once a day."""
    await upkeep.look_after(cell, workspace_id)
