"""Recordings in the JSON API."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from cell import resources
from cell.library import service
from cell.recordings import queries
from cell.recordings import service as recordings
from cell.recordings.gate import Gates
from cell.recordings.models import Recording
from cell.recordings.states import State
from cell.tokens.subjects import Machine
from kit import cursors
from kit.web import Routes, Scope

routes = Routes("api_recordings")

Reader = Annotated[Machine, Scope("recordings:read")]
Writer = Annotated[Machine, Scope("recordings:write")]


class Page(BaseModel):
    """What to look for, where in the list, and how much of it."""

    q: Annotated[str, Field(max_length=200, description="Part of the title or the ticket")] = ""
    state: service.Tab = ""
    cursor: Annotated[str, Field(max_length=200, description="The `next` of the page before")] = ""
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class RecordingFacts(BaseModel):
    """A recording."""

    id: UUID
    link_id: UUID
    title: str
    ticket: str
    state: State
    reason: Annotated[str | None, Field(description="Why it failed")]
    created_at: datetime
    ready_at: datetime | None
    duration_ms: int | None
    size: Annotated[int, Field(description="Bytes")]
    media_type: str
    watch_url: Annotated[str, Field(description="The page for agents, through the front door")]


class RecordingWithVideo(RecordingFacts):
    """A recording and, while it is ready, where its video can be fetched for an hour."""

    video_url: str | None


class RecordingPage(BaseModel):
    """A page of recordings, the newest first."""

    recordings: list[RecordingFacts]
    next: Annotated[str | None, Field(description="The cursor of the next page")]


@routes.get("/api/v1/recordings", document=True)
async def show(by: Reader, page: Page) -> RecordingPage:
    """The workspace's recordings."""
    async with resources.current().database.reading(by.workspace_id) as tx:
        found = await service.find(tx, page.q, page.state, cursors.decode(page.cursor), page.limit)
    return RecordingPage(
        recordings=[RecordingFacts.model_validate(_facts(by, one)) for one in found.recordings],
        next=cursors.encode(found.onward),
    )


@routes.get("/api/v1/recordings/<uuid:recording_id>", document=True)
async def one(by: Reader, recording_id: UUID) -> RecordingWithVideo:
    """One recording."""
    cell = resources.current()
    async with cell.database.reading(by.workspace_id) as tx:
        recording = await tx.one(queries.by_id(recording_id))
    ready = State(recording.state) is State.READY and recording.final is not None
    video = service.address(cell, recording, recording.final or "") if ready else None
    return RecordingWithVideo.model_validate({**_facts(by, recording), "video_url": video})


@routes.delete("/api/v1/recordings/<uuid:recording_id>", document=True)
async def delete(by: Writer, recording_id: UUID) -> None:
    """Delete a recording for good."""
    cell = resources.current()
    async with cell.database.writing(by.workspace_id) as tx:
        recording = await tx.one(queries.by_id_locked(recording_id))
        await recordings.remove(tx, Gates(cell.redis), by.actor, recording)


def _facts(by: Machine, recording: Recording) -> dict[str, object]:
    go_url, key = resources.current().settings.go_url, by.workspace.key
    return {
        "id": recording.id,
        "link_id": recording.link_id,
        "title": recording.title,
        "ticket": recording.ticket,
        "state": recording.state,
        "reason": recording.reason,
        "created_at": recording.created_at,
        "ready_at": recording.ready_at,
        "duration_ms": recording.duration_ms,
        "size": recording.size,
        "media_type": recording.media_type,
        "watch_url": f"{go_url}/w/{key}/recordings/{recording.id}",
    }
