"""From chunks to a video: gathering while the recording runs, joining and checking at its end, clearing up after."""

import asyncio
import hashlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from cell import media
from cell.recordings import grants, kinds, limits, objects, queries, service
from cell.recordings.gate import Gates
from cell.recordings.models import Part, Recording
from cell.recordings.states import State
from cell.resources import Cell
from kit import logs
from kit.database import now
from kit.jobs import GiveUp, later
from kit.storage import Stored

GATHER_CHUNKS = 30  # fewer are not worth an object of their own; at the end they are fetched one by one
PART_BYTES = 64 * 1024 * 1024  # what a worker holds on disk and sends again for one part
HASH_BYTES = 32

log = logs.get("assembly")


class Damaged(GiveUp):
    """What lies in the bucket is not what the browser recorded."""


@dataclass(frozen=True)
class Piece:
    """An object to join: a part, or a single chunk; `hashes` where the bytes were hashed before."""

    key: str
    first: int
    last: int
    hashes: bytes | None


@asynccontextmanager
async def scratch(cell: Cell) -> AsyncIterator[Path]:
    """A folder that is gone afterwards."""
    cell.settings.scratch_dir.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=cell.settings.scratch_dir))
    try:
        yield folder
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def gather(cell: Cell, workspace_id: UUID, recording_id: UUID, chunks: list[tuple[int, Stored]]) -> None:
    """Join the next run of chunks that arrived into one object, so that the end has little left to fetch."""
    async with cell.database.reading(workspace_id) as tx:
        known = await tx.all(queries.parts(recording_id))
    first = known[-1].last + 1 if known else 0
    run = list(_run_from(first, chunks))
    if len(run) < GATHER_CHUNKS:
        return
    last = first + len(run) - 1
    async with scratch(cell) as folder:
        joined = folder / "part"
        hashes = await _fetch(cell, [Piece(stored.key, 0, 0, None) for stored in run], joined)
        await cell.bucket.put_file(
            objects.part(workspace_id, recording_id, first, last), joined, "application/octet-stream"
        )
        size = joined.stat().st_size
    async with cell.database.writing(workspace_id) as tx:
        tx.add(Part(recording_id=recording_id, first=first, last=last, size=size, hashes=hashes))


def _run_from(first: int, chunks: list[tuple[int, Stored]]) -> Iterator[Stored]:
    """The chunks from `first` on without a gap, as many as fit into a part."""
    size = 0
    for expected, (index, stored) in enumerate(chunks[first:], start=first):
        size += stored.size
        if index != expected or size > PART_BYTES:
            return
        yield stored


async def assemble(cell: Cell, workspace_id: UUID, recording_id: UUID) -> None:
    """Turn a finished recording into a video that seeks, and make it ready; again after a crash, from the start.

    Raises GiveUp with a reason that the agent can read.
    """
    gates = Gates(cell.redis)
    async with cell.database.writing(workspace_id) as tx:
        recording = await tx.first(queries.by_id_locked(recording_id))
        if recording is None or State(recording.state) not in {State.FINISHING, State.PROCESSING}:
            return
        if State(recording.state) is State.FINISHING:
            await service.change(tx, gates, recording, State.PROCESSING)
    async with scratch(cell) as folder:
        await _join(cell, recording, folder / "joined")
        try:
            final = await media.remux(folder / "joined", folder)
            poster = await media.thumbnail(final.path, folder / objects.THUMBNAIL, duration_ms=final.duration_ms)
        except media.Unplayable as error:
            raise GiveUp(str(error)) from error
        at = objects.final(workspace_id, recording_id, final.path.name)
        await asyncio.gather(
            cell.bucket.put_file(at, final.path, final.media_type),
            cell.bucket.put_file(objects.final(workspace_id, recording_id, objects.THUMBNAIL), poster, "image/jpeg"),
        )
        size = final.path.stat().st_size
    await _make_ready(cell, gates, recording, final, size)


async def _make_ready(cell: Cell, gates: Gates, recording: Recording, final: media.Final, size: int) -> None:
    async with cell.database.writing(recording.workspace_id) as tx:
        row = await tx.first(queries.by_id_locked(recording.id))
        if row is None or State(row.state) is not State.PROCESSING:
            return
        row.final, row.media_type, row.size = final.path.name, final.media_type, size
        row.duration_ms, row.width, row.height = final.duration_ms, final.width, final.height
        row.thumbnail, row.storyboard, row.ready_at = True, False, now()
        await service.change(tx, gates, row, State.READY)
        later(tx, kinds.STORYBOARD, row.id)
        later(tx, kinds.CLEAR_CHUNKS, row.id, at=_clear_at(recording))


def _clear_at(recording: Recording) -> datetime:
    """When nothing can come any more: grants have died, and nobody may resume."""
    if recording.swept_at is not None:
        return recording.swept_at + limits.RESUME_WINDOW + limits.GRANT_LIFE
    return now() + limits.GRANT_LIFE


async def _join(cell: Cell, recording: Recording, joined: Path) -> None:
    """Write the recording's bytes, checked against its manifest, into one file."""
    chunks = await grants.arrived(cell, recording.workspace_id, recording.id)
    async with cell.database.reading(recording.workspace_id) as tx:
        manifest = await tx.first(queries.manifest(recording.id))
        parts = await tx.all(queries.parts(recording.id))
    if not chunks and not parts:
        raise Damaged("Nothing of this recording arrived.")
    pieces = _pieces(recording, chunks, list(parts), None if manifest is None else len(manifest.sizes))
    hashes = await _fetch(cell, pieces, joined)
    if manifest is not None and hashes != manifest.hashes:
        raise Damaged(f"The recording arrived damaged (at piece {_first_difference(hashes, manifest.hashes)}).")


def _pieces(
    recording: Recording, chunks: list[tuple[int, Stored]], parts: list[Part], count: int | None
) -> list[Piece]:
    workspace_id = recording.workspace_id
    pieces = [
        Piece(objects.part(workspace_id, recording.id, part.first, part.last), part.first, part.last, part.hashes)
        for part in parts
        if count is None or part.last < count
    ]
    covered = pieces[-1].last if pieces else -1
    pieces += [
        Piece(stored.key, index, index, None)
        for index, stored in chunks
        if index > covered and (count is None or index < count)
    ]
    return pieces


async def _fetch(cell: Cell, pieces: list[Piece], into: Path) -> bytes:
    """Write the pieces into a file, in order; the SHA-256 of each chunk, one after the other."""
    hashes: list[bytes] = []
    with into.open("wb") as file:
        each = cell.bucket.get_many([piece.key for piece in pieces])
        async for piece, content in _zip(pieces, each):
            hashes.append(piece.hashes if piece.hashes is not None else hashlib.sha256(content).digest())
            file.write(content)
    return b"".join(hashes)


async def _zip(pieces: list[Piece], contents: AsyncIterator[bytes]) -> AsyncIterator[tuple[Piece, bytes]]:
    remaining = iter(pieces)
    async for content in contents:
        yield next(remaining), content


def _first_difference(found: bytes, expected: bytes) -> int:
    for at in range(0, len(expected), HASH_BYTES):
        if found[at : at + HASH_BYTES] != expected[at : at + HASH_BYTES]:
            return at // HASH_BYTES
    return len(expected) // HASH_BYTES


async def storyboard(cell: Cell, workspace_id: UUID, recording_id: UUID) -> None:
    """Make the pictures that the seek bar shows; the recording is watched meanwhile."""
    async with cell.database.reading(workspace_id) as tx:
        recording = await tx.first(queries.by_id(recording_id))
    if recording is None or State(recording.state) is not State.READY or recording.final is None:
        return
    at = objects.final(workspace_id, recording_id, recording.final)
    async with scratch(cell) as folder:
        video = folder / recording.final
        await cell.bucket.get_file(at, video)
        try:
            board = await media.storyboard(video, folder, recording.duration_ms or 0)
        except media.Unplayable as error:
            raise GiveUp(str(error)) from error
        for path, kind in ((board.sprite, "image/jpeg"), (board.vtt, "text/vtt")):
            await cell.bucket.put_file(objects.final(workspace_id, recording_id, path.name), path, kind)
    async with cell.database.writing(workspace_id) as tx:
        row = await tx.first(queries.by_id_locked(recording_id))
        if row is not None and row.version == recording.version:
            row.storyboard = True


async def clear_chunks(cell: Cell, workspace_id: UUID, recording_id: UUID) -> None:
    """Remove chunks and parts, every version, once the video stands and nobody will send more."""
    async with cell.database.reading(workspace_id) as tx:
        recording = await tx.first(queries.by_id(recording_id))
    if recording is None or State(recording.state) is not State.READY:
        return
    if service.may_resume(recording, now()):
        return
    await cell.bucket.delete_all(objects.chunks(workspace_id, recording_id))
    await cell.bucket.delete_all(objects.parts(workspace_id, recording_id))


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


def newest(chunks: list[tuple[int, Stored]], seen: float, recording: Recording) -> float:
    """When the browser last gave a sign of life (unix seconds)."""
    signs: list[float] = [stored.modified.timestamp() for _, stored in chunks]
    return max([recording.changed_at.timestamp(), seen, *signs])


async def follow(cell: Cell, workspace_id: UUID, recording_id: UUID) -> bool:
    """Look after an upload: gather what came, end it if its tab is gone. False once there is nothing to look after."""
    async with cell.database.reading(workspace_id) as tx:
        recording = await tx.first(queries.by_id(recording_id))
    if recording is None or State(recording.state) not in {State.CREATED, State.RECORDING}:
        return False
    gates = Gates(cell.redis)
    chunks = await grants.arrived(cell, workspace_id, recording_id)
    last_sign = newest(chunks, await gates.seen(workspace_id, recording_id), recording)
    if now().timestamp() - last_sign < cell.settings.stalled_after_s:
        await gather(cell, workspace_id, recording_id, chunks)
        return True
    async with cell.database.writing(workspace_id) as tx:
        row = await tx.first(queries.by_id_locked(recording_id))
        if row is None or row.version != recording.version:
            return True
        await service.give_up_upload(tx, gates, row, has_footage=bool(chunks))
    return False
