"""The library and the watch page, for the agents of a workspace."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field
from quart import Response, redirect, request
from werkzeug.wrappers import Response as Redirect

from cell import resources
from cell.library import events, service, views
from cell.people.permissions import Permission
from cell.recordings import objects, queries
from cell.recordings import service as recordings
from cell.recordings.gate import Gates
from cell.recordings.models import Recording
from cell.sessions.subjects import Member
from cell.ui import forms, pages
from kit import cursors
from kit.refusals import NotFound
from kit.web import Routes, Scope
from kit.web.forms import filled

routes = Routes("library")

Reader = Annotated[Member, Scope(Permission.RECORDINGS_READ)]
Writer = Annotated[Member, Scope(Permission.RECORDINGS_CHANGE)]

PAGE = 48  # fills a grid of two, three, four or six columns
PICTURE_CACHE = "private, max-age=1800"  # shorter than the life of the address that it leads to


class Filter(BaseModel):
    """What to look for."""

    q: Annotated[str, Field(max_length=200)] = ""
    state: service.Tab = ""
    cursor: Annotated[str, Field(max_length=200)] = ""


class Rename(BaseModel):
    """A new title."""

    title: Annotated[str, Field(min_length=1, max_length=200)]


@routes.get("/w/<key>/library")
async def library(by: Reader, key: str, wanted: Filter) -> Response:
    """The list; a script of ours gets the list alone."""
    async with resources.current().database.reading(by.workspace_id) as tx:
        found = await service.find(tx, wanted.q, wanted.state, cursors.decode(wanted.cursor), PAGE)
        anything = found if not wanted.q else await service.find(tx, "", "", None, 1)
    template = "library/_list.html" if pages.wants_partial() else "library/library.html"
    return pages.draw_for(
        by,
        template,
        "library",
        recordings=[views.view(key, one, found.link_titles.get(one.link_id)) for one in found.recordings],
        filters={"q": wanted.q, "state": wanted.state},
        counts=found.counts,
        next_cursor=cursors.encode(found.onward),
        none_yet=anything.counts[""] == 0,
    )


@routes.get("/w/<key>/events")
async def changes(by: Reader) -> Response:
    """Which recordings change, as it happens."""
    blocks = events.stream(resources.current(), by, request.remote_addr or "", resources.stopping())
    answer = Response(blocks, content_type="text/event-stream")
    answer.headers["Cache-Control"] = "no-store"
    answer.timeout = None  # Quart ends streams after a minute otherwise, without a word
    return answer


@routes.get("/w/<key>/recordings/<uuid:recording_id>")
async def watch(by: Reader, key: str, recording_id: UUID) -> Response:
    """One recording."""
    recording, shown = await _shown(by, key, recording_id)
    return pages.draw_for(by, "library/watch.html", "library", 200, recording=shown, **views.player(key, recording))


@routes.get("/w/<key>/recordings/<uuid:recording_id>/row")
async def row(by: Reader, key: str, recording_id: UUID, wanted: Filter) -> Response:
    """The row of one recording; 204 where the filter does not show it."""
    recording, shown = await _shown(by, key, recording_id)
    if not service.shows(recording, wanted.q, wanted.state):
        return Response(b"", 204)
    return pages.draw_for(by, "library/_row.html", "library", 200, recording=shown)


@routes.get("/w/<key>/recordings/<uuid:recording_id>/video")
async def video(by: Reader, recording_id: UUID) -> Redirect:
    """Leads to the video, which comes straight from the bucket."""
    recording = await _get(by, recording_id)
    return _lead_to(recording, recording.final or "", "no-store")


@routes.get("/w/<key>/recordings/<uuid:recording_id>/download")
async def download(by: Reader, recording_id: UUID) -> Redirect:
    """Leads to the video as a file to keep."""
    recording = await _get(by, recording_id)
    return redirect(service.address(resources.current(), recording, recording.final or "", download=True), 302)


@routes.get("/w/<key>/recordings/<uuid:recording_id>/thumbnail")
async def thumbnail(by: Reader, recording_id: UUID) -> Redirect:
    """Leads to the thumbnail."""
    return _lead_to(await _get(by, recording_id), objects.THUMBNAIL, PICTURE_CACHE)


@routes.get("/w/<key>/recordings/<uuid:recording_id>/storyboard.vtt")
async def storyboard_cues(by: Reader, recording_id: UUID) -> Redirect:
    """Leads to the cues of the seek bar's pictures."""
    return _lead_to(await _board(by, recording_id), objects.STORYBOARD_CUES, PICTURE_CACHE)


@routes.get("/w/<key>/recordings/<uuid:recording_id>/storyboard.jpg")
async def storyboard(by: Reader, recording_id: UUID) -> Redirect:
    """Leads to the seek bar's pictures."""
    return _lead_to(await _board(by, recording_id), objects.STORYBOARD, PICTURE_CACHE)


@routes.post("/w/<key>/recordings/<uuid:recording_id>/rename")
async def rename(by: Writer, key: str, recording_id: UUID) -> Response | Redirect:
    """Give it another title."""
    form = await filled(Rename)
    if form.value is None:
        return await _facts(by, key, recording_id, 422, rename_error=forms.in_words(form.wrong)["title"])
    async with resources.current().database.writing(by.workspace_id) as tx:
        recording = await tx.one(queries.by_id_locked(recording_id))
        await recordings.rename(tx, by.actor, recording, form.value.title)
    if pages.wants_partial():
        return await _facts(by, key, recording_id, 200, rename_error=None)
    return redirect(f"/w/{key}/recordings/{recording_id}", 303)


@routes.post("/w/<key>/recordings/<uuid:recording_id>/delete")
async def delete(by: Writer, key: str, recording_id: UUID) -> Redirect:
    """Delete it for good."""
    cell = resources.current()
    async with cell.database.writing(by.workspace_id) as tx:
        recording = await tx.one(queries.by_id_locked(recording_id))
        await recordings.remove(tx, Gates(cell.redis), by.actor, recording)
    return redirect(f"/w/{key}/library", 303)


async def _get(by: Member, recording_id: UUID) -> Recording:
    async with resources.current().database.reading(by.workspace_id) as tx:
        return await tx.one(queries.by_id(recording_id))


async def _board(by: Member, recording_id: UUID) -> Recording:
    recording = await _get(by, recording_id)
    if not recording.storyboard:
        raise NotFound
    return recording


def _lead_to(recording: Recording, name: str, cache: str) -> Redirect:
    answer = redirect(service.address(resources.current(), recording, name), 302)
    answer.headers["Cache-Control"] = cache
    return answer


async def _shown(by: Member, key: str, recording_id: UUID) -> tuple[Recording, dict[str, object]]:
    async with resources.current().database.reading(by.workspace_id) as tx:
        recording = await tx.one(queries.by_id(recording_id))
        titles = await service.link_titles(tx, [recording])
    return recording, views.view(key, recording, titles.get(recording.link_id))


async def _facts(by: Member, key: str, recording_id: UUID, status: int, *, rename_error: str | None) -> Response:
    recording, shown = await _shown(by, key, recording_id)
    return pages.draw_for(
        by,
        "library/_watch_facts.html",
        "library",
        status,
        recording=shown,
        download=views.player(key, recording)["download"],
        rename_error=rename_error,
    )
