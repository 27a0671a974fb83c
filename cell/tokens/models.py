"""Table of API tokens."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from kit.database import Base, Tenant


class ApiToken(Tenant, Base):
    """What a machine calls with; only the digest is kept."""

    __tablename__ = "api_tokens"

    name: Mapped[str]
    digest: Mapped[bytes]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    created_by: Mapped[UUID]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]  # None: never
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    __table_args__ = (Index("uq_api_tokens_digest", "workspace_id", "digest", unique=True),)
