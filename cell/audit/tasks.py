"""The jobs of the audit log: thin wrappers round functions that can be called without a broker."""

from uuid import UUID

from cell.audit import heads, kinds
from cell.resources import Cell
from kit.jobs import RunAgain, Tasks

TASKS: Tasks[Cell] = Tasks()
EVERY_S = kinds.HEAD_EVERY.total_seconds()


async def gave_up(cell: Cell, workspace_id: UUID, arguments: list[str], reason: str) -> None:
    """The next entry asks for another try."""
    await heads.forgotten(cell.database, workspace_id)


@TASKS.does(kinds.PUBLISH_HEAD, gave_up=gave_up)
async def publish_head(cell: Cell, workspace_id: UUID, arguments: list[str]) -> None:
    """Publish a signed head, again as long as the log grows; one that differs from its head is said again and again."""
    try:
        seq = await heads.publish(cell, workspace_id)
    except heads.LogDiffers as error:
        raise RunAgain(EVERY_S) from error
    if not await heads.settled(cell.database, workspace_id, seq):
        raise RunAgain(EVERY_S)
