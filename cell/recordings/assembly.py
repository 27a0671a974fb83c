"""From chunks to a video: joined and checked, remuxed, made ready; and clearing up after.

Everything is fetched at the end: 600 chunks of 125 kB take some 0.2 s, so joining them earlier would gain nothing.
"""

import asyncio
import hashlib
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from uuid import UUID

from cell import media
from cell.recordings import counts, grants, kinds, limits, objects, queries, service
from cell.recordings.gate import Gates
from cell.recordings.models import Recording
from cell.recordings.states import UPLOADING, State
from cell.resources import Cell
from kit import logs
from kit.database import now
from kit.jobs import GiveUp, later
from kit.marking import N_
from kit.storage import NotFound, Stored

HASH_BYTES = 32

log = logs.get("assembly")


class Damaged(GiveUp):
    """What lies in the bucket is not what the browser recorded."""


@asynccontextmanager
async def scratch(cell: Cell) -> AsyncIterator[Path]:
    """A folder that is gone afterwards."""
    cell.settings.scratch_dir.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=cell.settings.scratch_dir))
    try:
        yield folder
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


class Steps:
    """How long each step took, for the log line that says where a slow recording lost its time."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._since = time.monotonic()

    def done(self, step: str) -> None:
        """The step ends here."""
        moment = time.monotonic()
        self.seconds[f"{step}_s"] = round(moment - self._since, 3)
        self._since = moment


async def assemble(cell: Cell, workspace_id: UUID, recording_id: UUID) -> None:
    """Turn a finished recording into a video that seeks, and make it ready; again after a crash, from the start.

    Raises GiveUp with a reason that the agent can read.
    """
    gates = Gates(cell.redis)
    async with cell.database.writing(workspace_id) as tx:
        recording = await tx.first(queries.by_id_locked(recording_id))
        if recording is not None and State(recording.state) is State.FINISHING:
            await service.change(tx, gates, recording, State.PROCESSING)
    if recording is None:
        await _erase_ours(cell, workspace_id, recording_id)
        return
    if State(recording.state) is not State.PROCESSING:
        return
    steps = Steps()
    async with scratch(cell) as folder:
        await _join(cell, recording, folder / "joined")
        steps.done("join")
        try:
            final = await media.remux(folder / "joined", folder)
            steps.done("remux")
            poster = await media.thumbnail(final.path, folder / objects.THUMBNAIL, duration_ms=final.duration_ms)
        except media.Unplayable as error:
            raise GiveUp(str(error)) from error
        steps.done("thumbnail")
        at = objects.final(workspace_id, recording_id, final.path.name)
        await asyncio.gather(
            cell.bucket.put_file(at, final.path, final.media_type),
            cell.bucket.put_file(objects.final(workspace_id, recording_id, objects.THUMBNAIL), poster, "image/jpeg"),
        )
        steps.done("store")
        size = final.path.stat().st_size
    log.info("assembled", recording_id=str(recording_id), size=size, **steps.seconds)
    await _make_ready(cell, gates, recording, final, size)


async def _make_ready(cell: Cell, gates: Gates, recording: Recording, final: media.Final, size: int) -> None:
    async with cell.database.writing(recording.workspace_id) as tx:
        row = await tx.first(queries.by_id_locked(recording.id))
        if row is not None and State(row.state) is State.PROCESSING:
            row.final, row.media_type, row.size = final.path.name, final.media_type, size
            row.duration_ms, row.width, row.height = final.duration_ms, final.width, final.height
            row.thumbnail, row.storyboard, row.ready_at = True, False, now()
            await service.change(tx, gates, row, State.READY)
            counts.PROCESSED.labels("ready").observe(await service.since_finished(tx, row.id))
            later(tx, kinds.STORYBOARD, row.id)
            later(tx, kinds.CLEAR_CHUNKS, row.id, at=_clear_at(recording))
    if row is None:
        await _erase_ours(cell, recording.workspace_id, recording.id)


async def _erase_ours(cell: Cell, workspace_id: UUID, recording_id: UUID) -> None:
    """The recording was deleted meanwhile, and its objects perhaps before we wrote ours."""
    await cell.bucket.delete_all(objects.prefix(workspace_id, recording_id))


def _clear_at(recording: Recording) -> datetime:
    """When nothing can come any more: grants have died, and nobody may resume."""
    if recording.swept_at is not None:
        return recording.swept_at + limits.RESUME_WINDOW + limits.GRANT_LIFE
    return now() + limits.GRANT_LIFE


async def _join(cell: Cell, recording: Recording, joined: Path) -> None:
    """Write the recording's bytes, checked against its manifest, into one file."""
    async with cell.database.reading(recording.workspace_id) as tx:
        manifest = await tx.first(queries.manifest(recording.id))
    keys = await _arrived_in_order(cell, recording) if manifest is None else _named(recording, len(manifest.sizes))
    if not keys:
        raise Damaged(N_("Nothing of this recording arrived."))
    hashes = bytearray()
    with joined.open("wb") as file:
        try:
            async for content in cell.bucket.get_many(keys, limit=limits.CHUNK_BYTES):
                hashes += hashlib.sha256(content).digest()
                file.write(content)
        except NotFound:  # they were all there when its manifest was accepted
            log.error("chunk missing", recording_id=str(recording.id), chunk=len(hashes) // HASH_BYTES)
            raise Damaged(N_("The recording arrived damaged.")) from None
    if manifest is not None and hashes != manifest.hashes:
        log.error("damaged", recording_id=str(recording.id), chunk=_first_difference(hashes, manifest.hashes))
        raise Damaged(N_("The recording arrived damaged."))


def _named(recording: Recording, count: int) -> list[str]:
    """The objects of a recording whose manifest was accepted; how much they hold was judged then."""
    return [objects.chunk(recording.workspace_id, recording.id, index) for index in range(count)]


async def _arrived_in_order(cell: Cell, recording: Recording) -> list[str]:
    """What lies in the bucket up to the first hole: what follows that cannot be joined to what is before it."""
    found = await grants.arrived(cell, recording.workspace_id, recording.id)
    chunks = [stored for at, (index, stored) in enumerate(found) if index == at]
    if sum(stored.size for stored in chunks) > limits.BYTES:
        raise Damaged(N_("The recording is too large."))
    return [stored.key for stored in chunks]


def _first_difference(found: bytes | bytearray, expected: bytes) -> int:
    for at in range(0, len(expected), HASH_BYTES):
        if found[at : at + HASH_BYTES] != expected[at : at + HASH_BYTES]:
            return at // HASH_BYTES
    return len(expected) // HASH_BYTES


async def storyboard(cell: Cell, workspace_id: UUID, recording_id: UUID) -> None:
    """Make the pictures that the seek bar shows; the recording is watched meanwhile."""
    async with cell.database.reading(workspace_id) as tx:
        recording = await tx.first(queries.by_id(recording_id))
    if recording is None:
        await _erase_ours(cell, workspace_id, recording_id)
        return
    if State(recording.state) is not State.READY or recording.final is None:
        return
    at = objects.final(workspace_id, recording_id, recording.final)
    async with scratch(cell) as folder:
        video = folder / recording.final
        with video.open("wb") as file:
            await cell.bucket.get_to(at, file)
        try:
            board = await media.storyboard(_final(recording, video), folder)
        except media.Unplayable as error:
            raise GiveUp(str(error)) from error
        for path, kind in ((board.sprite, "image/jpeg"), (board.vtt, "text/vtt")):
            await cell.bucket.put_file(objects.final(workspace_id, recording_id, path.name), path, kind)
    async with cell.database.writing(workspace_id) as tx:
        row = await tx.first(queries.by_id_locked(recording_id))
        if row is not None and row.version == recording.version:
            row.storyboard = True
    if row is None:
        await _erase_ours(cell, workspace_id, recording_id)


def _final(recording: Recording, video: Path) -> media.Final:
    """What remuxing told of it, as the row kept it."""
    shape = recording.duration_ms or 0, recording.width or 0, recording.height or 0
    return media.Final(video, recording.media_type, *shape)


async def clear_chunks(cell: Cell, workspace_id: UUID, recording_id: UUID) -> None:
    """Remove the chunks, every version, once the video stands and nobody will send more."""
    async with cell.database.reading(workspace_id) as tx:
        recording = await tx.first(queries.by_id(recording_id))
    if recording is None or State(recording.state) is not State.READY:
        return
    if service.may_resume(recording, now()):
        return
    await cell.bucket.delete_all(objects.chunks(workspace_id, recording_id))


async def erase(cell: Cell, workspace_id: UUID, recording_id: UUID) -> None:
    """Remove everything that a deleted or discarded recording left: objects first, then, if deleted, the rows."""
    async with cell.database.reading(workspace_id) as tx:
        deleted = await tx.first(queries.deleted(recording_id)) is not None
        living = await tx.first(queries.by_id(recording_id))
    if not deleted and (living is None or State(living.state) is not State.ABANDONED):
        return
    await cell.bucket.delete_all(objects.prefix(workspace_id, recording_id))
    if deleted:
        async with cell.database.writing(workspace_id) as tx:
            for statement in queries.everything_of(recording_id):
                await tx.execute(statement)


def newest(chunks: list[tuple[int, Stored]], since: float) -> float:
    """When the last chunk arrived, or `since` if that is later (unix seconds)."""
    return max([since, *(stored.modified.timestamp() for _, stored in chunks)])


async def follow(cell: Cell, workspace_id: UUID, recording_id: UUID) -> float | None:
    """Look after an upload: end it if its tab is gone. Seconds until it has to be looked at again; None: never.

    The bucket is asked only where Redis knows of no sign of life: a cell that records has hundreds of these a minute.
    """
    async with cell.database.reading(workspace_id) as tx:
        recording = await tx.first(queries.by_id(recording_id))
    if recording is None or State(recording.state) not in UPLOADING:
        return None
    gates = Gates(cell.redis)
    stalls_after, ends = cell.settings.stalled_after_s, recording.created_at + limits.OPEN_FOR
    sign = max(recording.changed_at.timestamp(), await gates.seen(workspace_id, recording_id))
    if now() < ends and (left := sign + stalls_after - now().timestamp()) > 0:
        return left
    chunks = await grants.arrived(cell, workspace_id, recording_id)
    if now() < ends and (left := newest(chunks, sign) + stalls_after - now().timestamp()) > 0:
        return left
    async with cell.database.writing(workspace_id) as tx:
        row = await tx.first(queries.by_id_locked(recording_id))
        if row is None or row.version != recording.version:
            return 0.0
        await service.give_up_upload(tx, gates, row, has_footage=bool(chunks))
    return None
