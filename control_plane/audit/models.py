"""Tables of the global audit log."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from control_plane.base import Base


class AuditEntry(Base):
    """One act. `stored` is what the hash covers; the columns beside it repeat parts of it for filters."""

    __tablename__ = "audit_entries"

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    stored: Mapped[dict[str, object]] = mapped_column(JSONB)
    hash: Mapped[bytes]


class AuditHead(Base):
    """The end of the chain, one row; its lock puts all acts in order."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes]
