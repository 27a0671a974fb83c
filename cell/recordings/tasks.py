"""The jobs of recordings: thin wrappers round functions that can be called without a broker."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from cell.recordings import assembly, kinds, service
from cell.resources import Cell
from kit.jobs import RunAgain, Tasks
from kit.marking import N_
from kit.storage import StorageUnavailable

TASKS: Tasks[Cell] = Tasks()
OUTAGE_S = 10  # until a bucket that did not answer is asked again
UNEXPECTED = N_("We could not prepare this recording. What was sent is kept.")


@contextmanager
def _waiting_for_the_bucket() -> Iterator[None]:
    """A bucket that is away is waited for, however long: nothing is wrong with the work itself."""
    try:
        yield
    except StorageUnavailable as error:
        raise RunAgain(OUTAGE_S) from error


@TASKS.does(kinds.FOLLOW)
async def follow(cell: Cell, workspace_id: UUID, arguments: list[str]) -> None:
    """Look after an upload, again and again while it runs."""
    with _waiting_for_the_bucket():
        goes_on = await assembly.follow(cell, workspace_id, UUID(arguments[0]))
    if goes_on:
        raise RunAgain(cell.settings.follow_every_s)


async def could_not_assemble(cell: Cell, workspace_id: UUID, arguments: list[str], reason: str) -> None:
    """The recording fails, and says why."""
    await service.fail(cell.database, cell.redis, workspace_id, UUID(arguments[0]), reason or UNEXPECTED)


@TASKS.does(kinds.ASSEMBLE, gave_up=could_not_assemble)
async def assemble(cell: Cell, workspace_id: UUID, arguments: list[str]) -> None:
    """Turn chunks into a video."""
    with _waiting_for_the_bucket():
        await assembly.assemble(cell, workspace_id, UUID(arguments[0]))


@TASKS.does(kinds.STORYBOARD)
async def storyboard(cell: Cell, workspace_id: UUID, arguments: list[str]) -> None:
    """Make the pictures of the seek bar."""
    with _waiting_for_the_bucket():
        await assembly.storyboard(cell, workspace_id, UUID(arguments[0]))


@TASKS.does(kinds.CLEAR_CHUNKS)
async def clear_chunks(cell: Cell, workspace_id: UUID, arguments: list[str]) -> None:
    """Remove what the video was made from."""
    with _waiting_for_the_bucket():
        await assembly.clear_chunks(cell, workspace_id, UUID(arguments[0]))


@TASKS.does(kinds.ERASE)
async def erase(cell: Cell, workspace_id: UUID, arguments: list[str]) -> None:
    """Remove everything of a deleted or discarded recording."""
    with _waiting_for_the_bucket():
        await assembly.erase(cell, workspace_id, UUID(arguments[0]))
