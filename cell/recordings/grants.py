"""Grants: letting the browser put chunks straight into the bucket. The hot path of the product."""

import time
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, field_validator

from cell.ownership import service as ownership
from cell.recordings import limits, objects, queries, service
from cell.recordings.gate import Gate, Gates
from cell.recordings.models import Recording
from cell.recordings.service import ChunkSize, OverLimit, RecordingClosed, Sha256
from cell.recordings.states import State
from cell.resources import Cell
from contracts import placements
from contracts.tokens import TokenExpired, TokenInvalid, UploadClaim, verify_upload
from kit.database_errors import WorkspaceFrozen
from kit.refusals import Kind, Refusal
from kit.storage import Stored

_ACTIVE = placements.State.ACTIVE


class UploadTokenExpired(Refusal):
    """Renew it with the resume token."""

    kind = Kind.UNAUTHENTICATED
    title = "The upload token has expired"
    detail = "Ask for a new one with the resume token."


class UploadTokenInvalid(Refusal):
    """No token for this recording."""

    kind = Kind.UNAUTHENTICATED
    title = "The token is not valid for this recording"
    detail = "Use the tokens that the start of this recording returned."


class WantedChunk(BaseModel):
    """A chunk that the browser wants to send."""

    index: Annotated[int, Field(ge=0, lt=limits.CHUNKS)]
    size: ChunkSize
    sha256: Sha256


class WantedChunks(BaseModel):
    """A batch; an empty one says that the page is still alive while nothing is recorded."""

    chunks: Annotated[list[WantedChunk], Field(max_length=limits.BATCH)]

    @field_validator("chunks")
    @classmethod
    def _each_once(cls, chunks: list[WantedChunk]) -> list[WantedChunk]:
        if len({chunk.index for chunk in chunks}) < len(chunks):
            raise ValueError("a chunk is named twice")
        return chunks


class GrantedChunk(BaseModel):
    """Where to PUT a chunk, and the headers that are signed."""

    index: int
    url: str
    headers: dict[str, str]


class GrantedChunks(BaseModel):
    """Grants, in the order of the batch; each dies after `expires_in` seconds."""

    grants: list[GrantedChunk]
    expires_in: int


@dataclass(frozen=True)
class Upload:
    """A genuine upload token for a recording that takes footage."""

    workspace_id: UUID
    recording_id: UUID
    gate: Gate


async def admit(cell: Cell, workspace_id: UUID, claim: UploadClaim) -> Upload:
    """Whether the holder of an upload token may send. One Redis read in the usual case.

    Raises UploadTokenInvalid, UploadTokenExpired, NotFound, WorkspaceFrozen, RecordingClosed.
    """
    gates = Gates(cell.redis)
    gate = await gates.read(workspace_id, claim.recording_id) or await _from_row(cell, workspace_id, claim.recording_id)
    verified(claim, gate.upload_key)
    if (gate.workspace or await ownership.state_of(cell.database, cell.redis, workspace_id)) != _ACTIVE:
        raise WorkspaceFrozen
    if not gate.open:
        raise RecordingClosed(state=gate.state.value)
    return Upload(workspace_id, claim.recording_id, gate)


def verified(claim: UploadClaim, upload_key: bytes) -> None:
    """Raise UploadTokenInvalid or UploadTokenExpired unless the claim is genuine and in time."""
    try:
        verify_upload(claim, upload_key, time.time())
    except TokenExpired:
        raise UploadTokenExpired from None
    except TokenInvalid:
        raise UploadTokenInvalid from None


async def grant(cell: Cell, upload: Upload, wanted: WantedChunks) -> GrantedChunks:
    """Presigned PUTs for a batch: length, checksum and "not there yet" signed.

    Raises OverLimit, RecordingClosed, WorkspaceFrozen.
    """
    gates = Gates(cell.redis)
    gate = upload.gate
    if gate.state is State.CREATED and wanted.chunks:
        gate = await _begin(cell, upload)
    sizes = {chunk.index: chunk.size for chunk in wanted.chunks}
    total = await gates.count(upload.workspace_id, upload.recording_id, gate, sizes, limits.BYTES, time.time())
    if total == -1:  # the recording changed, or Redis forgot it, since we looked
        gate = await _from_row(cell, upload.workspace_id, upload.recording_id)
        total = await gates.count(upload.workspace_id, upload.recording_id, gate, sizes, limits.BYTES, time.time())
    if total == -3:
        raise WorkspaceFrozen
    if total == -1 or not gate.open:
        raise RecordingClosed(state=gate.state.value)
    if total < 0:
        raise OverLimit(most=limits.BYTES)
    grants = []
    for chunk in wanted.chunks:
        key = objects.chunk(upload.workspace_id, upload.recording_id, chunk.index)
        made = cell.bucket.presign_put(key, size=chunk.size, sha256_b64=chunk.sha256, expires=limits.GRANT_LIFE_S)
        grants.append(GrantedChunk(index=chunk.index, url=made.url, headers=dict(made.headers)))
    return GrantedChunks(grants=grants, expires_in=limits.GRANT_LIFE_S)


async def arrived(cell: Cell, workspace_id: UUID, recording_id: UUID) -> list[tuple[int, Stored]]:
    """The chunks that are in the bucket, with their indexes, in order."""
    found = await cell.bucket.list(objects.chunks(workspace_id, recording_id))
    return sorted((objects.index_of(stored.key), stored) for stored in found)


async def _begin(cell: Cell, upload: Upload) -> Gate:
    """The first grant: the recording is being recorded now."""
    gates = Gates(cell.redis)
    async with cell.database.writing(upload.workspace_id) as tx:
        recording = await tx.one(queries.by_id_locked(upload.recording_id))
        if State(recording.state) is State.CREATED:
            await service.change(tx, gates, recording, State.RECORDING)
    gate = _gate(recording)
    await gates.put(upload.workspace_id, upload.recording_id, gate)
    if not gate.open:
        raise RecordingClosed(state=gate.state.value)
    return gate


async def _from_row(cell: Cell, workspace_id: UUID, recording_id: UUID) -> Gate:
    """Redis forgot, or never knew: the row says it, and the bucket says what was granted and used."""
    gate = await _row(cell, workspace_id, recording_id)
    granted = None
    if gate.open:
        granted = {index: stored.size for index, stored in await arrived(cell, workspace_id, recording_id)}
    while True:
        await Gates(cell.redis).put(workspace_id, recording_id, gate, granted)
        # Listing takes time: the row may have changed, and a Redis that was told so may have forgotten it since.
        current = await _row(cell, workspace_id, recording_id)
        if current.version == gate.version:
            return gate
        gate = current


async def _row(cell: Cell, workspace_id: UUID, recording_id: UUID) -> Gate:
    async with cell.database.reading(workspace_id) as tx:
        return _gate(await tx.one(queries.by_id_whatever(recording_id)))


def _gate(recording: Recording) -> Gate:
    state = State.ABANDONED if recording.deleted_at is not None else State(recording.state)
    return Gate(state, recording.version, recording.upload_key)
