"""Links in the JSON API."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from cell import resources
from cell.links import listing, queries, service
from cell.recordings import service as recordings
from cell.tokens.subjects import Machine
from kit import cursors
from kit.web import Routes, Scope

routes = Routes("api_links")

Reader = Annotated[Machine, Scope("links:read")]
Writer = Annotated[Machine, Scope("links:write")]


class Page(BaseModel):
    """Where in a list, and how much of it."""

    cursor: Annotated[str, Field(max_length=200, description="The `next` of the page before")] = ""
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class LinkFacts(BaseModel):
    """A link; its address is only in the answer that made it."""

    id: UUID
    title: str
    note: str
    ticket: str
    state: Annotated[str, Field(description="open, opened, recording, uploaded, expired, used-up or revoked")]
    allows: list[str]
    uses: int
    max_uses: int
    created_at: datetime
    expires_at: datetime


class CreatedLink(LinkFacts):
    """A new link with its address."""

    url: Annotated[str, Field(description="Send this to the customer; it is shown this once")]


class LinkPage(BaseModel):
    """A page of links, the newest first."""

    links: list[LinkFacts]
    next: Annotated[str | None, Field(description="The cursor of the next page")]


@routes.post("/api/v1/links", document=True, status=201)
async def create(by: Writer, new: service.NewLink) -> CreatedLink:
    """Make a link for a customer."""
    cell = resources.current()
    async with cell.database.writing(by.workspace_id) as tx:
        made = await service.create(tx, by.actor, cell.settings.go_url, new)
    return CreatedLink(**_facts(listing.Listed(made.link, "open")).model_dump(), url=made.url)


@routes.get("/api/v1/links", document=True)
async def show(by: Reader, page: Page) -> LinkPage:
    """The workspace's links."""
    async with resources.current().database.reading(by.workspace_id) as tx:
        found, onward = await listing.page(tx, cursors.decode(page.cursor), page.limit)
    return LinkPage(links=[_facts(one) for one in found], next=cursors.encode(onward))


@routes.get("/api/v1/links/<uuid:link_id>", document=True)
async def one(by: Reader, link_id: UUID) -> LinkFacts:
    """One link."""
    async with resources.current().database.reading(by.workspace_id) as tx:
        [listed] = await listing.with_states(tx, [await tx.one(queries.by_id(link_id))])
    return _facts(listed)


@routes.post("/api/v1/links/<uuid:link_id>/revoke", document=True)
async def revoke(by: Writer, link_id: UUID) -> LinkFacts:
    """Take a link back."""
    cell = resources.current()
    async with cell.database.writing(by.workspace_id) as tx:
        link = await recordings.revoke_link(tx, cell.redis, by.actor, link_id)
    return _facts(listing.Listed(link, "revoked"))


def _facts(listed: listing.Listed) -> LinkFacts:
    link = listed.link
    return LinkFacts(
        id=link.id,
        title=link.title,
        note=link.note,
        ticket=link.ticket,
        state=listed.state,
        allows=link.allows,
        uses=link.uses,
        max_uses=link.max_uses,
        created_at=link.created_at,
        expires_at=link.expires_at,
    )
