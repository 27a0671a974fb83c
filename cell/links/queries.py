"""Statements about links."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, Update, func, select, tuple_, update

from cell.links.models import Link


def by_digest(digest: bytes) -> Select[Link]:
    """The link with this secret, whatever its state."""
    return select(Link).where(Link.digest == digest)


def by_id(link_id: UUID) -> Select[Link]:
    """One link."""
    return select(Link).where(Link.id == link_id)


def by_ids(ids: set[UUID]) -> Select[Link]:
    """Several links."""
    return select(Link).where(Link.id.in_(ids))


def count_open(at: datetime) -> Select[int]:
    """How many links could still be used."""
    return (
        select(func.count())
        .select_from(Link)
        .where(Link.revoked_at.is_(None), Link.expires_at > at, Link.uses < Link.max_uses)
    )


def page(after: tuple[datetime, UUID] | None, limit: int) -> Select[Link]:
    """Links from the newest on, beyond `after`."""
    found = select(Link).order_by(Link.created_at.desc(), Link.id.desc()).limit(limit)
    return found if after is None else found.where(tuple_(Link.created_at, Link.id) < after)


def use(link_id: UUID, at: datetime) -> Update:
    """Take one use, if there is one to take: two starts at once never take the same."""
    return (
        update(Link)
        .where(Link.id == link_id, Link.revoked_at.is_(None), Link.expires_at > at, Link.uses < Link.max_uses)
        .values(uses=Link.uses + 1)
    )


def opened(link_id: UUID, at: datetime) -> Update:
    """Remember when the customer's page first began to run."""
    return update(Link).where(Link.id == link_id, Link.opened_at.is_(None)).values(opened_at=at)
