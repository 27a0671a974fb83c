"""Table of links."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from kit.database import Base, Tenant


class Link(Tenant, Base):
    """An invitation to record; its secret is stored as a digest."""

    __tablename__ = "links"

    title: Mapped[str]
    note: Mapped[str] = mapped_column(default="")
    ticket: Mapped[str] = mapped_column(default="")
    digest: Mapped[bytes]
    allows: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    max_uses: Mapped[int]
    uses: Mapped[int] = mapped_column(default=0)
    created_by: Mapped[UUID]  # a person's or an API token's id
    created_by_name: Mapped[str]
    asked_by: Mapped[str]  # the agent whom the customer sees; empty where a program made the link
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_links_digest", "workspace_id", "digest", unique=True),
        Index("ix_links_created_at", "workspace_id", "created_at", "id"),
    )
