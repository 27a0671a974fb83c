"""The customer's side: the recorder's page, and the upload protocol that its script speaks."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field
from quart import Response

from cell import resources
from cell.links import queries as link_queries
from cell.links import service as links
from cell.links.subjects import Visitor
from cell.recordings import grants, limits, queries, recorder, service
from cell.recordings.gate import Gates
from cell.recordings.subjects import Resumer, Sender, Uploader
from cell.sessions import cookies
from cell.sessions.store import Sessions
from cell.ui import pages
from kit.web import Routes

routes = Routes("recordings")
TOKEN_LIFE_S = int(limits.TOKEN_LIFE.total_seconds())


class Replaces(BaseModel):
    """A retake: the recording that it takes the place of."""

    recording_id: UUID
    resume_token: Annotated[str, Field(max_length=200)]


class NewRecording(service.Start):
    """What the browser says when a recording begins."""

    replaces: Replaces | None = None


class Limits(BaseModel):
    """What one recording may be."""

    chunk_bytes: int = limits.CHUNK_BYTES
    chunks: int = limits.CHUNKS
    bytes: int = limits.BYTES
    seconds: int = limits.SECONDS
    batch: int = limits.BATCH


class StartedRecording(BaseModel):
    """A recording that may be sent, and the words for it."""

    recording_id: UUID
    upload_token: str
    upload_token_expires_in: int = TOKEN_LIFE_S
    resume_token: str
    base: str
    limits: Limits = Limits()


class RenewedToken(BaseModel):
    """A fresh upload token."""

    upload_token: str
    upload_token_expires_in: int = TOKEN_LIFE_S


class Standing(BaseModel):
    """Where a recording stands."""

    state: str
    reason: str | None = None


class Resumed(RenewedToken, Standing):
    """A recording that takes footage again."""


@routes.get("/r/<link>")
async def show(by: Visitor) -> Response:
    """The page. A GET changes nothing: mail scanners open links."""
    return recorder.page(by)


@routes.post("/r/<link>/opened", status=204)
async def opened(by: Visitor) -> None:
    """The page's script runs: a person has it open."""
    async with resources.current().database.writing(by.workspace_id) as tx:
        await links.mark_opened(tx, by.link.id)


@routes.post("/r/<link>/recordings", status=201)
async def start(by: Visitor, new: NewRecording) -> StartedRecording:
    """Take a use of the link and begin; a retake takes none and discards what it replaces."""
    cell = resources.current()
    gates = Gates(cell.redis)
    key = by.workspace.key
    session = await Sessions(cell.redis, key, by.workspace_id).find(cookies.presented(key))
    member = None if session is None else (session.person_id, session.line)
    async with cell.database.writing(by.workspace_id) as tx:
        made = await service.started_before(tx, key, by.link, new.recording_id)
        if made is None:
            if new.replaces is None:
                await links.use(tx, by.link)
            else:
                links.refuse_revoked(await tx.one(link_queries.by_id(by.link.id).with_for_update()))
                await service.replaced(tx, gates, by.link, new.replaces.recording_id, new.replaces.resume_token)
            every_s = cell.settings.follow_every_s
            made = await service.start(tx, gates, key, by.link, new, follow_every_s=every_s, member=member)
    return StartedRecording(
        recording_id=made.recording.id,
        upload_token=service.upload_token(key, made.recording),
        resume_token=made.resume.text,
        base=f"/w/{key}/uploads/{made.recording.id}",
    )


@routes.post("/w/<key>/uploads/<uuid:recording_id>/grants")
async def grant(by: Uploader, wanted: grants.WantedChunks) -> grants.GrantedChunks:
    """Presigned PUTs for a batch of chunks."""
    return await grants.grant(resources.current(), by.upload, wanted)


@routes.post("/w/<key>/uploads/<uuid:recording_id>/finish", status=202)
async def finish(by: Sender, sent: service.Finish) -> Standing:
    """Hand in the manifest; the same again is answered alike, since an answer can be lost."""
    cell = resources.current()
    arrived = await grants.arrived(cell, by.workspace_id, by.recording.id)
    async with cell.database.writing(by.workspace_id) as tx:
        recording = await tx.one(queries.by_id_locked(by.recording.id))
        await service.finish(tx, Gates(cell.redis), recording, sent, arrived)
    return Standing(state=recording.state)


@routes.post("/w/<key>/uploads/<uuid:recording_id>/token")
async def renew(by: Resumer) -> RenewedToken:
    """A fresh upload token, while the recording takes footage."""
    service.refuse_closed(by.recording)
    return RenewedToken(upload_token=service.upload_token(by.key, by.recording))


@routes.post("/w/<key>/uploads/<uuid:recording_id>/resume")
async def resume(by: Resumer) -> Resumed:
    """Open a recording again that was finished without its tab."""
    cell = resources.current()
    async with cell.database.writing(by.workspace_id) as tx:
        recording = await tx.one(queries.by_id_locked(by.recording.id))
        await service.resume(tx, Gates(cell.redis), recording)
    return Resumed(state=recording.state, upload_token=service.upload_token(by.key, recording))


@routes.post("/w/<key>/uploads/<uuid:recording_id>/discard", status=204)
async def discard(by: Resumer) -> None:
    """Throw it away; once it was sent, only the workspace can delete it."""
    cell = resources.current()
    async with cell.database.writing(by.workspace_id) as tx:
        recording = await tx.one(queries.by_id_locked(by.recording.id))
        await service.discard(tx, Gates(cell.redis), recording)


@routes.get("/w/<key>/uploads/<uuid:recording_id>")
async def standing(by: Sender) -> Standing:
    """Where the recording stands; the page keeps its spool until it is ready."""
    reason = by.recording.reason
    return Standing(state=by.recording.state, reason=None if reason is None else pages.gettext(reason))
