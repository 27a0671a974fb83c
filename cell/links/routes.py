"""Links, for the agents of a workspace."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field
from quart import Response, redirect
from werkzeug.wrappers import Response as Redirect

from cell import resources
from cell.links import listing, service
from cell.people.permissions import Permission
from cell.recordings import service as recordings
from cell.sessions.subjects import Member
from cell.ui import forms, pages
from kit import cursors
from kit.web import Routes, Scope
from kit.web.forms import filled

routes = Routes("links")

Reader = Annotated[Member, Scope(Permission.LINKS_READ)]
Writer = Annotated[Member, Scope(Permission.LINKS_CHANGE)]

PAGE = 50
HOUR_S = 3600


class Page(BaseModel):
    """Where in the list."""

    cursor: Annotated[str, Field(max_length=200)] = ""


class LinkForm(BaseModel):
    """The new-link dialog."""

    title: Annotated[str, Field(min_length=1, max_length=200)]
    note: Annotated[str, Field(max_length=2000)] = ""
    ticket: Annotated[str, Field(max_length=200)] = ""
    expires_in_hours: Annotated[int, Field(ge=1, le=2160)] = 168
    uses: Annotated[int, Field(ge=1, le=1000)] = 1
    allows: Annotated[list[service.Source], Field(min_length=1, max_length=4)]


@routes.get("/w/<key>/links")
async def show(by: Reader, key: str, page: Page) -> Response:
    """The links of the workspace."""
    async with resources.current().database.reading(by.workspace_id) as tx:
        found, onward = await listing.page(tx, cursors.decode(page.cursor), PAGE)
    return pages.draw_for(
        by, "links/links.html", "links", links=[one.view() for one in found], next_cursor=cursors.encode(onward)
    )


@routes.get("/w/<key>/links/new")
async def new(by: Writer, key: str) -> Response:
    """The empty form."""
    return pages.draw_for(by, "links/new_link.html", "links")


@routes.post("/w/<key>/links")
async def create(by: Writer, key: str) -> Response:
    """Make a link; its address is in this answer and nowhere after."""
    form = await filled(LinkForm)
    errors = forms.in_words(form.wrong)
    if form.value is not None:
        cell = resources.current()
        try:
            async with cell.database.writing(by.workspace_id) as tx:
                made = await service.create(tx, by.actor, cell.settings.go_url, _wanted(form.value))
            return pages.draw_for(by, "links/link_made.html", "links", 201, link=_made(made), url=made.url)
        except service.TooManyOpenLinks as refusal:
            errors = {"title": f"{pages.gettext(refusal.title)}. {pages.gettext(refusal.detail)}"}
    typed = {"title": "", "note": "", "ticket": "", "expires_in_hours": "168", "uses": "1", "allows": [], **form.typed}
    return pages.draw_for(by, "links/new_link.html", "links", 422, form={**typed, "errors": errors})


@routes.post("/w/<key>/links/<uuid:link_id>/revoke")
async def revoke(by: Writer, key: str, link_id: UUID) -> Redirect:
    """Take a link back; what customers are sending just now ends with what arrived."""
    cell = resources.current()
    async with cell.database.writing(by.workspace_id) as tx:
        await recordings.revoke_link(tx, cell.redis, by.actor, link_id)
    return redirect(f"/w/{key}/links", 303)


def _wanted(form: LinkForm) -> service.NewLink:
    return service.NewLink(
        title=form.title,
        note=form.note,
        ticket=form.ticket,
        expires_in_s=form.expires_in_hours * HOUR_S,
        max_uses=form.uses,
        allows=form.allows,
    )


def _made(made: service.MadeLink) -> dict[str, object]:
    link = made.link
    return {"id": link.id, "title": link.title, "expires_at": link.expires_at, "max_uses": link.max_uses}
