"""Statements about single sign-on."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Delete, Select, Update, and_, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningInsert

from cell.sso.models import Identity, SignIn, SsoSettings, SsoUpkeep


def identity(digest: bytes) -> Select[Identity]:
    """The identity of that digest."""
    return select(Identity).where(Identity.digest == digest)


def identities_of(person_id: UUID) -> Select[Identity]:
    """As whom a person has signed in."""
    return select(Identity).where(Identity.person_id == person_id).order_by(Identity.linked_at)


def forget_identities_of(person_id: UUID) -> Delete:
    """Remove all of a person's."""
    return delete(Identity).where(Identity.person_id == person_id)


def settings() -> Select[SsoSettings]:
    """The connection as it is wanted, if anybody ever wanted one."""
    return select(SsoSettings)


def note(values: dict[str, object]) -> ReturningInsert[UUID]:
    """Add a line to the log, unless it is there already."""
    return insert(SignIn).values(values).on_conflict_do_nothing().returning(SignIn.id)


def turned_away(reference: str, reason: str) -> Update:
    """Note at a line of somebody who came in that they did not after all."""
    came_in = (SignIn.reference == reference) & SignIn.reason.is_(None)
    return update(SignIn).where(came_in).values(reason=reason, person_id=None)


def look_after(workspace_id: UUID, since: datetime) -> ReturningInsert[datetime]:
    """Note that the daily job waits, unless it does so already."""
    return (
        insert(SsoUpkeep)
        .values(workspace_id=workspace_id, since=since)
        .on_conflict_do_nothing()
        .returning(SsoUpkeep.since)
    )


def upkeep() -> Select[SsoUpkeep]:
    """Whether it waits."""
    return select(SsoUpkeep)


def by_reference(reference: str) -> Select[SignIn]:
    """One line of the log."""
    return select(SignIn).where(SignIn.reference == reference)


def newest(before: tuple[datetime, UUID] | None, limit: int, name: str, outcome: str, purpose: str) -> Select[SignIn]:
    """The lines that a filter leaves, newest first. `outcome`: good, refused, a reason, or empty for all."""
    found = select(SignIn).order_by(SignIn.at.desc(), SignIn.id.desc()).limit(limit)
    if before is not None:
        found = found.where(_before(*before))
    if name:
        found = found.where(or_(SignIn.name.icontains(name, autoescape=True), SignIn.reference == name.strip().lower()))
    if outcome == "good":
        found = found.where(SignIn.reason.is_(None))
    elif outcome == "refused":
        found = found.where(SignIn.reason.is_not(None))
    elif outcome:
        found = found.where(SignIn.reason == outcome)
    return found.where(SignIn.purpose == purpose) if purpose else found


def reasons() -> Select[str | None]:
    """The reasons that occur in the log."""
    return select(SignIn.reason).where(SignIn.reason.is_not(None)).distinct().order_by(SignIn.reason)


def last_test() -> Select[SignIn]:
    """What came of the last test."""
    return select(SignIn).where(SignIn.purpose == "test").order_by(SignIn.at.desc(), SignIn.id.desc()).limit(1)


def any_sign_in() -> Select[UUID]:
    """A line, if there is one."""
    return select(SignIn.id).limit(1)


def forget_before(moment: datetime) -> Delete:
    """Remove the lines that are older."""
    return delete(SignIn).where(SignIn.at < moment)


def _before(moment: datetime, sign_in_id: UUID) -> ColumnElement[bool]:
    return or_(SignIn.at < moment, and_(SignIn.at == moment, SignIn.id < sign_in_id))
