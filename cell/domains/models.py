"""Table of domains."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from kit.database import Base, Tenant


class Domain(Tenant, Base):
    """A domain of the workspace's e-mail addresses; nothing follows from it until it is verified."""

    __tablename__ = "domains"

    domain: Mapped[str]  # as contracts/domains.py normalises it
    token: Mapped[str]  # what has to stand in its TXT record
    added_by: Mapped[UUID]
    added_at: Mapped[datetime]
    checked_at: Mapped[datetime | None]
    found: Mapped[bool] = mapped_column(default=False)  # at the last check
    seen: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)  # what stood there instead
    verified_at: Mapped[datetime | None]
    crowded: Mapped[bool] = mapped_column(default=False)  # the front door has as many workspaces for it as it takes

    __table_args__ = (Index("uq_domains_domain", "workspace_id", "domain", unique=True),)
