"""Statements about invitations."""

from uuid import UUID

from sqlalchemy import Select, select

from cell.invitations.models import Invitation

_PENDING = (Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None))


def by_id(invitation_id: UUID) -> Select[Invitation]:
    """One invitation."""
    return select(Invitation).where(Invitation.id == invitation_id)


def by_digest(digest: bytes) -> Select[Invitation]:
    """The invitation that this word opens."""
    return select(Invitation).where(Invitation.digest == digest)


def pending(email_norm: str) -> Select[Invitation]:
    """The invitation of this address that was neither accepted nor revoked; it may be out of time."""
    return select(Invitation).where(Invitation.email_norm == email_norm, *_PENDING)


def newest_first(limit: int) -> Select[Invitation]:
    """Those that wait for somebody, then the others, newest first."""
    waits = Invitation.accepted_at.is_(None) & Invitation.revoked_at.is_(None)
    return select(Invitation).order_by(waits.desc(), Invitation.created_at.desc(), Invitation.id).limit(limit)
