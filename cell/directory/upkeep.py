"""Once a day for each workspace that has a directory: old lines leave the log."""

from uuid import UUID

from cell.directory import journal, queries
from cell.resources import Cell
from kit.database import now
from kit.jobs import RunAgain

DAY_S = 86_400


async def look_after(cell: Cell, workspace_id: UUID) -> None:
    """Do the day's work. Raises RunAgain as long as there is more to come."""
    await journal.forget_old(cell.database, workspace_id)
    async with cell.database.writing(workspace_id) as tx:
        lives = await tx.first(queries.living(now()).limit(1)) is not None
        idle = not lives and await tx.first(queries.any_line()) is None
        waiting = await tx.first(queries.upkeep())
        if idle and waiting is not None:
            await tx.delete(waiting)
    if not idle:
        raise RunAgain(DAY_S)
