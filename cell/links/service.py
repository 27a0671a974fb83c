"""Links: making, opening, using and revoking them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from cell.actors import Actor, ActorKind
from cell.audit import service as audit
from cell.links import queries
from cell.links.models import Link
from cell.workspaces import service as workspaces
from contracts import links as codec
from kit.database import Reading, Writing, now
from kit.refusals import Kind, Refusal

Source = Literal["screen", "camera", "microphone", "file"]
LONGEST_LIFE = timedelta(days=90)


class TooManyOpenLinks(Refusal):
    """The workspace's quota of links that could still be used is used up."""

    kind = Kind.CONFLICT
    title = "Your workspace has too many open links"
    detail = "Revoke some that are no longer needed, then try again."


class LinkExpired(Refusal):
    """The link's time is over."""

    kind = Kind.GONE
    title = "This link has expired"
    detail = "Ask whoever sent it to you for a new one."


class LinkRevoked(Refusal):
    """The agent took the link back."""

    kind = Kind.GONE
    title = "This link is no longer valid"
    detail = "Ask whoever sent it to you for a new one."


class LinkUsedUp(Refusal):
    """Every use of the link is taken."""

    kind = Kind.GONE
    title = "This link has been used already"
    detail = "If you want to send another recording, ask whoever sent it to you for a new link."


class NewLink(BaseModel):
    """What an agent says about a link."""

    title: Annotated[str, Field(min_length=1, max_length=200, description="What the customer is asked to show")]
    note: Annotated[str, Field(max_length=2000, description="A message to the customer")] = ""
    ticket: Annotated[str, Field(max_length=200, description="The helpdesk ticket it belongs to")] = ""
    expires_in_s: Annotated[
        int, Field(ge=60, le=int(LONGEST_LIFE.total_seconds()), description="Seconds until it can no longer be used")
    ] = 7 * 24 * 3600
    max_uses: Annotated[int, Field(ge=1, le=1000, description="How many recordings may be started")] = 1
    allows: Annotated[list[Source], Field(min_length=1, max_length=4, description="What may be recorded")] = [
        "screen",
        "camera",
        "microphone",
        "file",
    ]


@dataclass(frozen=True)
class MadeLink:
    """A link and its address, which is shown this once."""

    link: Link
    url: str


async def create(tx: Writing, by: Actor, go_url: str, new: NewLink) -> MadeLink:
    """Store a link, its secret hashed; the address is returned here and nowhere else. Raises TooManyOpenLinks."""
    workspace = await workspaces.get(tx)
    if await tx.one(queries.count_open(now())) >= workspace.open_links_limit:
        raise TooManyOpenLinks(limit=workspace.open_links_limit)
    secret = codec.new_secret(workspace.key)
    moment = now()
    link = Link(
        title=new.title,
        note=new.note,
        ticket=new.ticket,
        digest=codec.digest(workspace.key, secret),
        allows=list(dict.fromkeys(new.allows)),
        max_uses=new.max_uses,
        uses=0,
        created_by=by.id,
        created_by_name=by.name,
        asked_by=by.name if by.kind is ActorKind.PERSON else "",
        created_at=moment,
        expires_at=moment + timedelta(seconds=new.expires_in_s),
    )
    tx.add(link)
    await tx.flush()
    await audit.append(tx, by, "link.create", audit.Target("link", link.id), {"max_uses": new.max_uses})
    return MadeLink(link, codec.address(go_url, workspace.key, secret))


async def revoke(tx: Writing, by: Actor, link_id: UUID) -> Link:
    """Take a link back; nothing can be started with it any more. Raises NotFound."""
    link = await tx.one(queries.by_id(link_id))
    if link.revoked_at is None:
        link.revoked_at = now()
        await audit.append(tx, by, "link.revoke", audit.Target("link", link.id))
    return link


async def by_secret(tx: Reading, link: codec.Link) -> Link:
    """The link that a customer opened, in whatever state. Raises NotFound for a wrong secret."""
    return await tx.one(queries.by_digest(codec.digest(link.key, link.secret)))


async def use(tx: Writing, link: Link) -> None:
    """Take one use. Raises LinkRevoked, LinkExpired, LinkUsedUp, and then nothing was taken."""
    if not await tx.execute(queries.use(link.id, now())):
        current = await tx.one(queries.by_id(link.id).execution_options(populate_existing=True))
        refuse_closed(current, now())
        raise LinkUsedUp


def refuse_revoked(link: Link) -> None:
    """Raise LinkRevoked where the link was taken back; for what needs no use of it."""
    if link.revoked_at is not None:
        raise LinkRevoked


def refuse_closed(link: Link, at: datetime) -> None:
    """Raise LinkRevoked, LinkExpired or LinkUsedUp where nothing can be started with the link."""
    refuse_revoked(link)
    if link.expires_at <= at:
        raise LinkExpired
    if link.uses >= link.max_uses:
        raise LinkUsedUp


async def mark_opened(tx: Writing, link_id: UUID) -> None:
    """The customer's page runs: a mail scanner that only fetches it does not come here."""
    await tx.execute(queries.opened(link_id, now()))
