"""The table of domains."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from control_plane.base import Base


class DomainRow(Base):
    """A workspace has verified a domain; `digest` is the 32 bytes of its keyed hash."""

    __tablename__ = "domains"

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)

    # A clear domain is no 32 bytes: whoever forgets to hash one is refused here.
    __table_args__ = (
        CheckConstraint("length(digest) = 32", name="a_keyed_hash"),
        Index("ix_domains_workspace_id", "workspace_id"),
    )
