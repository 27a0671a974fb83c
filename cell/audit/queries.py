"""Statements of the audit log."""

from uuid import UUID

from sqlalchemy import Select, select

from cell.audit.models import AuditEntry, AuditHead, SubjectKey


def head_for_update() -> Select[AuditHead]:
    """The end of the chain, locked until the transaction ends."""
    return select(AuditHead).with_for_update()


def subject_key(subject: UUID) -> Select[SubjectKey]:
    """The wrapped key of one person."""
    return select(SubjectKey).where(SubjectKey.id == subject)


def subject_keys(subjects: set[UUID]) -> Select[SubjectKey]:
    """The wrapped keys of several persons."""
    return select(SubjectKey).where(SubjectKey.id.in_(subjects))


def entries_before(seq: int | None, limit: int, action: str | None, actors: set[UUID] | None) -> Select[AuditEntry]:
    """The newest entries below `seq`, newest first."""
    found = select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(limit)
    if seq is not None:
        found = found.where(AuditEntry.seq < seq)
    if action:
        found = found.where(AuditEntry.action == action)
    if actors is not None:
        found = found.where(AuditEntry.actor_id.in_(actors))
    return found


def actions() -> Select[str]:
    """The actions that occur in the log."""
    return select(AuditEntry.action).distinct().order_by(AuditEntry.action)
