"""Statements about the directory for pages and other nouns; the fast ones are in `statements.py`."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Delete, Select, delete, func, or_, select

from cell.directory.models import Address, Entry, Group, Line, Membership, ProvisioningToken, Reads, Upkeep


def forget(person_id: UUID) -> tuple[Delete, ...]:
    """Whoever leaves the workspace is no longer in its directory."""
    return (
        delete(Membership).where(Membership.member_id == person_id),
        delete(Address).where(Address.person_id == person_id),
        delete(Entry).where(Entry.id == person_id),
    )


def named(user_name_norm: str, external_id: str) -> Select[Entry]:
    """Whom the directory calls so: by user name first, else by external id."""
    by_name = Entry.user_name_norm == user_name_norm
    return select(Entry).where(or_(by_name, Entry.external_id == external_id)).order_by(by_name.desc())


def entry(person_id: UUID) -> Select[Entry]:
    """A person as the directory describes them."""
    return select(Entry).where(Entry.id == person_id)


def living(at: datetime) -> Select[ProvisioningToken]:
    """Tokens that may be used."""
    token = ProvisioningToken
    return select(token).where(token.revoked_at.is_(None), or_(token.expires_at.is_(None), token.expires_at > at))


def token(token_id: UUID) -> Select[ProvisioningToken]:
    """One token, living or not."""
    return select(ProvisioningToken).where(ProvisioningToken.id == token_id)


def tokens() -> Select[ProvisioningToken]:
    """All tokens, the newest first."""
    return select(ProvisioningToken).order_by(ProvisioningToken.created_at.desc(), ProvisioningToken.id)


def people_count() -> Select[int]:
    """How many people the directory keeps."""
    return select(func.count()).select_from(Entry)


def group(group_id: UUID) -> Select[Group]:
    """One group."""
    return select(Group).where(Group.id == group_id)


def groups() -> Select[Group, int]:
    """Groups by name, and how many are in each."""
    members = (
        select(func.count())
        .where(Membership.workspace_id == Group.workspace_id, Membership.group_id == Group.id)
        .scalar_subquery()
    )
    return select(Group, members).order_by(Group.display_name_norm)


def upkeep() -> Select[Upkeep]:
    """Whether the daily job is waiting."""
    return select(Upkeep)


def any_line() -> Select[UUID]:
    """Whether the log has a line."""
    return select(Line.id).limit(1)


def old_lines(before: datetime) -> Delete:
    """What the log kept for long enough."""
    return delete(Line).where(Line.at < before)


def old_reads(before: datetime) -> Delete:
    """The same of what was read."""
    return delete(Reads).where(Reads.hour < before)
