"""The jobs of people: thin wrappers round functions that can be called without a broker."""

from uuid import UUID

from cell.people import finding, kinds, resetting
from cell.resources import Cell
from kit.jobs import Tasks

TASKS: Tasks[Cell] = Tasks()


@TASKS.does(kinds.RESET)
async def reset(cell: Cell, workspace_id: UUID, arguments: list[str]) -> None:
    """Send the mail that lets a person choose another password."""
    await resetting.send(cell, workspace_id, UUID(arguments[0]), arguments[1])


@TASKS.does(kinds.FIND)
async def find(cell: Cell, workspace_id: UUID, arguments: list[str]) -> None:
    """Send a person the addresses of their workspaces in this cell."""
    await finding.send(cell, workspace_id, UUID(arguments[0]), arguments[1])
