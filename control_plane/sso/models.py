"""The table of connections."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from control_plane.base import Base


class SsoConnection(Base):
    """A workspace's connection; `record` is what feeds carry of it."""

    __tablename__ = "sso_connections"

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    record: Mapped[dict[str, Any]] = mapped_column(JSONB)  # contracts/identity.py
    changed_at: Mapped[datetime]
