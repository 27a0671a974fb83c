"""What happens to a recording: started, sent, finished, resumed, discarded, deleted. States change here only."""

import hashlib
import os
import time
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID, uuid4

from pydantic import BaseModel, Field
from redis.asyncio import Redis
from sqlalchemy import delete

from cell.actors import Actor, ActorKind
from cell.audit import service as audit
from cell.links import queries as link_queries
from cell.links import service as links
from cell.links.models import Link
from cell.recordings import counts, kinds, limits, queries
from cell.recordings.gate import Gate, Gates
from cell.recordings.models import Manifest, Recording, StateChange
from cell.recordings.states import ALLOWED, UPLOADING, State
from contracts.tokens import (
    MAC_KEY_BYTES,
    ResumeToken,
    TokenInvalid,
    new_resume,
    parse_resume,
    same,
    sign_upload,
)
from kit import live
from kit.database import Database, Writing, now
from kit.jobs import later
from kit.marking import N_
from kit.refusals import Kind, NotFound, Refusal
from kit.storage import Stored

Sha256 = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{43}=$", description="SHA-256 of the bytes, base64")]
ChunkSize = Annotated[int, Field(ge=1, le=limits.CHUNK_BYTES)]


class RecordingClosed(Refusal):
    """Nothing more can be sent to this recording."""

    kind = Kind.CONFLICT
    title = "This recording takes no more footage"
    detail = "It was finished, discarded, or its link was revoked."


class ManifestDiffers(Refusal):
    """The recording was finished before, with other contents."""

    kind = Kind.CONFLICT
    title = "This recording was finished with other contents"
    detail = "Start a new recording for what is not in it."


class ChunksMissing(Refusal):
    """What the manifest names is not all in the bucket."""

    kind = Kind.CONFLICT
    title = "Some of the recording has not arrived"
    detail = "Send the chunks named in `missing` again, then finish once more."


class OverLimit(Refusal):
    """More than one recording may be."""

    kind = Kind.TOO_LARGE
    title = "The recording is too large"
    detail = "Finish it and start another one."


class NotAllowedByLink(Refusal):
    """The link does not allow this source."""

    kind = Kind.FORBIDDEN
    title = "This link does not allow that kind of recording"
    detail = "Choose one of those the page offers."


class Chunk(BaseModel):
    """One piece of a manifest."""

    size: ChunkSize
    sha256: Sha256


class Finish(BaseModel):
    """What the browser says it recorded, in order."""

    chunks: Annotated[list[Chunk], Field(min_length=1, max_length=limits.CHUNKS)]
    duration_ms: Annotated[int, Field(ge=0)] = 0  # a hint; the worker measures
    media_type: Annotated[str, Field(max_length=120)] = ""


class Start(BaseModel):
    """What the browser says when a recording begins."""

    source: Literal["screen", "camera", "file"]
    media_type: Annotated[str, Field(max_length=120)] = ""
    recording_id: UUID | None = None  # chosen by the browser, so that it can ask again when the answer was lost


@dataclass(frozen=True)
class Started:
    """A new recording and the words for it; the resume token is shown this once."""

    recording: Recording
    resume: ResumeToken


async def start(
    tx: Writing,
    gates: Gates,
    key: str,
    link: Link,
    wanted: Start,
    *,
    follow_every_s: float,
    member: tuple[UUID, str] | None = None,
) -> Started:
    """A new recording under a link whose use was taken, by a customer or by a `member` in a session of that line.

    Raises NotAllowedByLink.
    """
    if wanted.source not in link.allows:
        raise NotAllowedByLink
    recording_id = wanted.recording_id or uuid4()
    resume = new_resume(key, recording_id)
    moment = now()
    recording = Recording(
        id=recording_id,
        link_id=link.id,
        started_by=None if member is None else member[0],
        started_in=None if member is None else member[1],
        title=link.title,
        ticket=link.ticket,
        state=State.CREATED,
        version=1,
        source=wanted.source,
        created_at=moment,
        changed_at=moment,
        upload_key=os.urandom(MAC_KEY_BYTES),
        resume_digest=resume.digest,
        media_type=wanted.media_type,
        size=0,
    )
    tx.add(recording, _change(recording, moment))
    counts.CAME_INTO.labels(State.CREATED).inc()
    later(tx, kinds.FOLLOW, recording_id, at=moment + timedelta(seconds=follow_every_s))
    _tell_after(tx, gates, recording)
    return Started(recording, resume)


async def started_before(tx: Writing, key: str, link: Link, recording_id: UUID | None) -> Started | None:
    """A recording whose start was answered, but the answer was lost: the same again, with fresh words.

    Raises NotFound for another link's recording, RecordingClosed where it takes no more.
    """
    if recording_id is None:
        return None
    recording = await tx.first(queries.by_id_locked(recording_id))
    if recording is None:
        return None
    if recording.link_id != link.id:
        raise NotFound
    refuse_closed(recording)
    resume = new_resume(key, recording.id)
    recording.resume_digest = resume.digest
    return Started(recording, resume)


def upload_token(key: str, recording: Recording) -> str:
    """A token that lets its holder ask for grants for the next minutes."""
    expires = int(time.time() + limits.TOKEN_LIFE.total_seconds())
    return sign_upload(key, recording.id, expires, recording.upload_key)


async def change(tx: Writing, gates: Gates, recording: Recording, to: State, reason: str | None = None) -> None:
    """Bring a locked recording into another state: one row of history, one event, and the gate follows.

    Raises RecordingClosed where the state machine has no such way.
    """
    if to not in ALLOWED[State(recording.state)]:
        raise RecordingClosed(state=recording.state)
    goes_on = {State(recording.state), to} <= UPLOADING
    recording.state, recording.reason = to, reason
    counts.CAME_INTO.labels(to).inc()
    recording.version += 1
    recording.changed_at = now()
    tx.add(_change(recording, recording.changed_at))
    if not goes_on:
        await gates.shut(tx.workspace_id, recording.id, recording.version)
    _tell_after(tx, gates, recording)


async def finish(
    tx: Writing, gates: Gates, recording: Recording, sent: Finish, arrived: list[tuple[int, Stored]]
) -> bool:
    """Accept the manifest of a locked recording; False where the same was accepted before.

    `arrived` are the chunks in the bucket, by index. Raises ManifestDiffers, RecordingClosed, ChunksMissing,
    OverLimit, and then nothing has changed.
    """
    hashes = b"".join(b64decode(chunk.sha256) for chunk in sent.chunks)
    sizes = [chunk.size for chunk in sent.chunks]
    digest = hashlib.sha256(hashes + repr(sizes).encode()).digest()
    known = await tx.first(queries.manifest(recording.id))
    if known is not None and State(recording.state) not in UPLOADING:
        if known.digest == digest:
            return False
        raise ManifestDiffers
    refuse_closed(recording)
    if sum(sizes) > limits.BYTES:
        raise OverLimit(most=limits.BYTES)
    _refuse_missing(sizes, arrived)
    await tx.execute(delete(Manifest).where(Manifest.id == recording.id))
    tx.add(Manifest(id=recording.id, digest=digest, sizes=sizes, hashes=hashes))
    recording.size = sum(sizes)
    recording.media_type = sent.media_type or recording.media_type
    await change(tx, gates, recording, State.FINISHING)
    later(tx, kinds.ASSEMBLE, recording.id)
    return True


def _refuse_missing(sizes: list[int], arrived: list[tuple[int, Stored]]) -> None:
    there = {index: stored.size for index, stored in arrived}
    missing = [index for index, size in enumerate(sizes) if there.get(index) != size]
    if missing:
        raise ChunksMissing(missing=missing[:100], count=len(missing))


async def give_up_upload(tx: Writing, gates: Gates, recording: Recording, *, has_footage: bool) -> None:
    """End a locked upload whose tab vanished or whose link was revoked: what arrived is kept."""
    recording.swept_at = now()
    if has_footage:
        await change(tx, gates, recording, State.FINISHING)
        later(tx, kinds.ASSEMBLE, recording.id)
    else:
        await change(tx, gates, recording, State.ABANDONED, N_("Nothing was sent"))


def may_resume(recording: Recording, at: datetime) -> bool:
    """Whether the customer may still send what their browser holds: its tab had vanished, or processing failed."""
    state = State(recording.state)
    since = recording.changed_at if state is State.FAILED else recording.swept_at
    settled = state in {State.FINISHING, State.READY, State.FAILED, State.ABANDONED}
    return settled and since is not None and at - since < limits.RESUME_WINDOW


async def resume(tx: Writing, gates: Gates, recording: Recording) -> None:
    """Open a locked recording again for what the browser still holds. Raises RecordingClosed, LinkRevoked.

    One that is still open, or just being processed, stays as it is.
    """
    if State(recording.state) in UPLOADING:
        return
    if State(recording.state) is State.PROCESSING and recording.swept_at is not None:
        return  # a worker is at it: the browser looks again in a moment
    if not may_resume(recording, now()):
        raise RecordingClosed(state=recording.state)
    links.refuse_revoked(await tx.one(link_queries.by_id(recording.link_id).with_for_update()))
    await tx.execute(delete(Manifest).where(Manifest.id == recording.id))  # what comes now is not in it
    await change(tx, gates, recording, State.RECORDING)
    recording.swept_at = None
    later(tx, kinds.FOLLOW, recording.id)


def refuse_closed(recording: Recording) -> None:
    """Raise RecordingClosed unless the recording takes footage, and has not done so for too long."""
    if State(recording.state) not in UPLOADING or now() - recording.created_at > limits.OPEN_FOR:
        raise RecordingClosed(state=recording.state)


async def replaced(tx: Writing, gates: Gates, link: Link, recording_id: UUID, resume_token: str) -> None:
    """Discard what a retake replaces: of this link, not sent yet, and replaced once. Raises NotFound, RecordingClosed.

    One that the customer discarded a moment ago may still be replaced: its use of the link is theirs.
    """
    recording = await tx.one(queries.by_id_locked(recording_id))
    try:
        presented = parse_resume(resume_token)
    except TokenInvalid:
        raise NotFound from None
    if recording.link_id != link.id or not same(recording.resume_digest, presented.digest):
        raise NotFound
    recording.resume_digest = b""  # a use of the link is good for one recording after the other, not for two at once
    if State(recording.state) is not State.ABANDONED:
        await discard(tx, gates, recording)


async def discard(tx: Writing, gates: Gates, recording: Recording) -> None:
    """The customer threw it away before sending. Raises RecordingClosed once it was sent."""
    await change(tx, gates, recording, State.ABANDONED, N_("Discarded by the customer"))
    if recording.ready_at is not None:  # agents may have watched what the sweep had made of it
        customer = Actor(ActorKind.CUSTOMER, recording.link_id)
        await audit.append(tx, customer, "recording.discard", audit.Target("recording", recording.id))
    later(tx, kinds.ERASE, recording.id, at=_after_grants(recording))


async def revoke_link(tx: Writing, redis: "Redis", by: Actor, link_id: UUID) -> Link:
    """Take a link back; uploads under it end at once, with what arrived. Raises NotFound."""
    link = await links.revoke(tx, by, link_id)
    await _cut_off(tx, redis, await tx.all(queries.uploading_of_link(link_id)))
    return link


async def stop_own(tx: Writing, redis: "Redis", person_id: UUID, *, but: str = "") -> None:
    """A member is out: what they were sending themselves ends with what arrived. Customers' recordings go on.

    `but`: the line of a session in which they go on.
    """
    await _cut_off(tx, redis, await tx.all(queries.uploading_by(person_id, but)))


async def stop_own_of_many(tx: Writing, redis: "Redis", people: Sequence[UUID]) -> None:
    """The same for many members."""
    await _cut_off(tx, redis, await tx.all(queries.uploading_by_many(people)))


async def stop_begun_in(tx: Writing, redis: "Redis", lines: Sequence[str]) -> None:
    """Sessions of members end: so does what they were sending themselves in them, with what arrived."""
    if lines:
        await _cut_off(tx, redis, await tx.all(queries.uploading_in(lines)))


async def _cut_off(tx: Writing, redis: "Redis", uploads: Sequence[Recording]) -> None:
    for recording in uploads:
        has_footage = State(recording.state) is State.RECORDING
        await give_up_upload(tx, Gates(redis), recording, has_footage=has_footage)
        recording.swept_at = None  # taken back: nobody resumes it


async def rename(tx: Writing, by: Actor, recording: Recording, title: str) -> None:
    """Give a recording another title."""
    recording.title = title
    await audit.append(tx, by, "recording.rename", audit.Target("recording", recording.id))


async def remove(tx: Writing, gates: Gates, by: Actor, recording: Recording) -> None:
    """Delete for good: invisible at once, objects and rows go by a job."""
    recording.deleted_at = recording.changed_at = now()
    recording.version += 1
    await gates.shut(tx.workspace_id, recording.id, recording.version)
    await audit.append(tx, by, "recording.delete", audit.Target("recording", recording.id))
    later(tx, kinds.ERASE, recording.id, at=_after_grants(recording))
    _tell_after(tx, gates, recording)


async def fail(database: Database, redis: "Redis", workspace_id: UUID, recording_id: UUID, reason: str) -> None:
    """A recording that cannot become a video fails, with a reason that the agent can read."""
    async with database.writing(workspace_id) as tx:
        recording = await tx.first(queries.by_id_locked(recording_id))
        if recording is not None and State.FAILED in ALLOWED[State(recording.state)]:
            await change(tx, Gates(redis), recording, State.FAILED, reason)
            counts.PROCESSED.labels("failed").observe(await since_finished(tx, recording_id))


async def since_finished(tx: Writing, recording_id: UUID) -> float:
    """Seconds since a recording was finished, by its customer or for them; 0 if it never was."""
    finished = await tx.first(queries.finished_at(recording_id))
    return 0.0 if finished is None else (now() - finished).total_seconds()


def _after_grants(recording: Recording) -> datetime:
    """When the last grant given before the last change of state has died."""
    return recording.changed_at + limits.GRANT_LIFE + limits.PUT_MARGIN


def _change(recording: Recording, at: datetime) -> StateChange:
    return StateChange(
        recording_id=recording.id, version=recording.version, state=recording.state, reason=recording.reason, at=at
    )


def _tell_after(tx: Writing, gates: Gates, recording: Recording) -> None:
    """After the commit: set the gate as the row now says, and tell the open pages."""
    state = State.ABANDONED if recording.deleted_at is not None else State(recording.state)
    gate = Gate(state, recording.version, recording.upload_key)
    facts = {"id": str(recording.id), "state": "deleted" if recording.deleted_at is not None else state.value}

    async def tell() -> None:
        await gates.put(tx.workspace_id, recording.id, gate)
        await live.tell(gates.redis, tx.workspace_id, "recording", facts)

    tx.after_commit(tell)
