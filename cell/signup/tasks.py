"""The jobs of sign-ups: thin wrappers round functions that can be called without a broker."""

from uuid import UUID

from cell.resources import Cell
from cell.signup import confirming, kinds
from kit.jobs import Tasks

TASKS: Tasks[Cell] = Tasks()


@TASKS.does(kinds.ASK)
async def ask(cell: Cell, workspace_id: UUID, arguments: list[str]) -> None:
    """Ask the founder by mail to confirm the address."""
    await confirming.ask(cell, workspace_id, UUID(arguments[0]), arguments[1])
