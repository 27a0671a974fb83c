"""Tables of the audit log."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Computed, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kit.database import Base, Scoped, Tenant


class AuditEntry(Scoped, Base):
    """One act. `stored` is what the hash covers; the columns beside it repeat parts of it for filters."""

    __tablename__ = "audit_entries"

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime]
    actor_id: Mapped[UUID]
    action: Mapped[str]
    stored: Mapped[dict[str, object]] = mapped_column(JSONB)
    hash: Mapped[bytes]
    target_id: Mapped[str] = mapped_column(
        Computed("(stored #>> '{target,id}'::text[])", persisted=True), nullable=True
    )

    __table_args__ = (
        Index("ix_audit_entries_actor_id", "workspace_id", "actor_id", "seq"),
        Index("ix_audit_entries_action", "workspace_id", "action", "seq"),
        Index("ix_audit_entries_target_id", "workspace_id", "target_id", "seq"),
        Index("ix_audit_entries_at", "workspace_id", "at"),
    )


class AuditHead(Scoped, Base):
    """The end of a workspace's chain; locking this row puts its acts in order."""

    __tablename__ = "audit_heads"

    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes]
    publishing: Mapped[bool] = mapped_column(default=False)  # a job is on its way that publishes it


class SubjectKey(Tenant, Base):
    """The key that seals one person's fields in the log. Its id is the person's; destroying it erases them."""

    __tablename__ = "subject_keys"

    wrapped: Mapped[bytes]
