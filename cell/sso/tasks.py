"""The jobs of single sign-on: thin wrappers round functions that can be called without a broker."""

from uuid import UUID

from cell.resources import Cell
from cell.sso import kinds, telling, upkeep
from kit.jobs import Tasks

TASKS: Tasks[Cell] = Tasks()


@TASKS.does(kinds.TELL)
async def tell(cell: Cell, workspace_id: UUID, arguments: list[str]) -> None:
    """Tell the registry what connection is wanted."""
    await telling.tell(cell, workspace_id)


@TASKS.does(kinds.UPKEEP)
async def look_after(cell: Cell, workspace_id: UUID, arguments: list[str]) -> None:
    """Do the day's work."""
    await upkeep.look_after(cell, workspace_id)


@TASKS.does(kinds.WARN)
async def warn(cell: Cell, workspace_id: UUID, arguments: list[str]) -> None:
    """Tell one person by mail that a certificate ends."""
    await upkeep.warn(cell, workspace_id, UUID(arguments[0]), arguments[1])
