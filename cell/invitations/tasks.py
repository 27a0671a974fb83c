"""The jobs of invitations: thin wrappers round functions that can be called without a broker."""

from uuid import UUID

from cell.invitations import kinds, sending
from cell.resources import Cell
from kit.jobs import Tasks

TASKS: Tasks[Cell] = Tasks()


@TASKS.does(kinds.SEND)
async def send(cell: Cell, workspace_id: UUID, arguments: list[str]) -> None:
    """Send the mail of an invitation."""
    await sending.send(cell, workspace_id, UUID(arguments[0]), arguments[1])
