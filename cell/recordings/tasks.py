"""The jobs of recordings: thin wrappers round functions that can be called without a broker."""

from uuid import UUID

from cell.recordings import assembly, kinds, service
from cell.resources import Cell
from kit.jobs import RunAgain, Tasks
from kit.marking import N_

TASKS: Tasks[Cell] = Tasks()
UNEXPECTED = N_("We could not prepare this recording. What was sent is kept.")


@TASKS.does(kinds.FOLLOW)
async def follow(cell: Cell, workspace_id: UUID, arguments: list[str]) -> None:
    """Look after an upload, again and again while it runs."""
    left_s = await assembly.follow(cell, workspace_id, UUID(arguments[0]))
    if left_s is not None:
        raise RunAgain(max(left_s, cell.settings.follow_every_s))


async def could_not_assemble(cell: Cell, workspace_id: UUID, arguments: list[str], reason: str) -> None:
    """The recording fails, and says why."""
    await service.fail(cell.database, cell.redis, workspace_id, UUID(arguments[0]), reason or UNEXPECTED)


@TASKS.does(kinds.ASSEMBLE, gave_up=could_not_assemble)
async def assemble(cell: Cell, workspace_id: UUID, arguments: list[str]) -> None:
    """Turn chunks into a video."""
    await assembly.assemble(cell, workspace_id, UUID(arguments[0]))


@TASKS.does(kinds.STORYBOARD)
async def storyboard(cell: Cell, workspace_id: UUID, arguments: list[str]) -> None:
    """Make the pictures of the seek bar."""
    await assembly.storyboard(cell, workspace_id, UUID(arguments[0]))


@TASKS.does(kinds.CLEAR_CHUNKS)
async def clear_chunks(cell: Cell, workspace_id: UUID, arguments: list[str]) -> None:
    """Remove what the video was made from."""
    await assembly.clear_chunks(cell, workspace_id, UUID(arguments[0]))


@TASKS.does(kinds.ERASE)
async def erase(cell: Cell, workspace_id: UUID, arguments: list[str]) -> None:
    """Remove everything of a deleted or discarded recording."""
    await assembly.erase(cell, workspace_id, UUID(arguments[0]))
