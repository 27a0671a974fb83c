"""Statements of the audit log."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, select

from cell.audit.models import AuditEntry, AuditHead, SubjectKey


@dataclass(frozen=True)
class Wanted:
    """Which entries; None means any."""

    actors: frozenset[UUID] | None = None
    actions: frozenset[str] | None = None
    targets: frozenset[UUID] | None = None
    since: datetime | None = None
    until: datetime | None = None  # exclusive


ANY = Wanted()


def head() -> Select[AuditHead]:
    """The end of the chain."""
    return select(AuditHead)


def head_for_update() -> Select[AuditHead]:
    """The same, locked until the transaction ends."""
    return head().with_for_update()


def subject_key(subject: UUID) -> Select[SubjectKey]:
    """The wrapped key of one person."""
    return select(SubjectKey).where(SubjectKey.id == subject)


def subject_keys(subjects: set[UUID]) -> Select[SubjectKey]:
    """The wrapped keys of several persons."""
    return select(SubjectKey).where(SubjectKey.id.in_(subjects))


def entry(seq: int) -> Select[AuditEntry]:
    """One entry."""
    return select(AuditEntry).where(AuditEntry.seq == seq)


def hash_of(seq: int) -> Select[bytes]:
    """The hash of one entry."""
    return select(AuditEntry.hash).where(AuditEntry.seq == seq)


def older(wanted: Wanted, than: int | None, limit: int) -> Select[AuditEntry]:
    """The newest entries below `than`, newest first."""
    found = _those(wanted).order_by(AuditEntry.seq.desc()).limit(limit)
    return found if than is None else found.where(AuditEntry.seq < than)


def newer(wanted: Wanted, than: int, limit: int, last: int | None = None) -> Select[AuditEntry]:
    """The oldest entries above `than` and up to `last`, oldest first."""
    found = _those(wanted).where(AuditEntry.seq > than).order_by(AuditEntry.seq).limit(limit)
    return found if last is None else found.where(AuditEntry.seq <= last)


def _those(wanted: Wanted) -> Select[AuditEntry]:
    found = select(AuditEntry)
    if wanted.actors is not None:
        found = found.where(AuditEntry.actor_id.in_(wanted.actors))
    if wanted.actions is not None:
        found = found.where(AuditEntry.action.in_(wanted.actions))
    if wanted.targets is not None:
        found = found.where(AuditEntry.target_id.in_([str(one) for one in wanted.targets]))
    if wanted.since is not None:
        found = found.where(AuditEntry.at >= wanted.since)
    if wanted.until is not None:
        found = found.where(AuditEntry.at < wanted.until)
    return found


def actions() -> Select[str]:
    """The actions that occur in the log, in order: one look into the index for each, however long the log is."""
    found = select(func.min(AuditEntry.action).label("action")).cte("found", recursive=True)
    after = select(func.min(AuditEntry.action)).where(AuditEntry.action > found.c.action).scalar_subquery()
    found = found.union_all(select(after).where(found.c.action.is_not(None)))
    return select(found.c.action).where(found.c.action.is_not(None))
