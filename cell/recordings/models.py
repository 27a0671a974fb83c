"""Tables of recordings."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.dialects.postgresql import ARRAY, INTEGER
from sqlalchemy.orm import Mapped, mapped_column

from kit.database import Base, Scoped, Tenant


class Recording(Tenant, Base):
    """One recording of one customer."""

    __tablename__ = "recordings"

    link_id: Mapped[UUID]
    started_by: Mapped[UUID | None]  # the member who began it themselves; None for a customer's
    started_in: Mapped[str | None]  # the line of the session in which they did (cell/sessions/store.py)
    title: Mapped[str]
    ticket: Mapped[str]
    state: Mapped[str]
    version: Mapped[int] = mapped_column(default=1)  # rises with each change of state
    reason: Mapped[str | None]
    source: Mapped[str]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    ready_at: Mapped[datetime | None]
    swept_at: Mapped[datetime | None]  # finished without its tab; the customer may come back with more
    deleted_at: Mapped[datetime | None]  # invisible from then on; a job removes objects and rows
    upload_key: Mapped[bytes]  # signs this recording's upload tokens
    resume_digest: Mapped[bytes]
    media_type: Mapped[str]  # first as the browser says, then as it is
    final: Mapped[str | None]  # name of the video below final/
    size: Mapped[int] = mapped_column(BigInteger, default=0)  # bytes
    duration_ms: Mapped[int | None]
    width: Mapped[int | None]
    height: Mapped[int | None]
    storyboard: Mapped[bool] = mapped_column(default=False)
    thumbnail: Mapped[bool] = mapped_column(default=False)

    __table_args__ = (
        Index("ix_recordings_created_at", "workspace_id", "created_at", "id"),
        Index("ix_recordings_link_id", "workspace_id", "link_id"),
        Index(
            "ix_recordings_started_by",
            "workspace_id",
            "started_by",
            postgresql_where=text("started_by IS NOT NULL"),
        ),
    )


class StateChange(Scoped, Base):
    """The history of a recording's states, one row a change."""

    __tablename__ = "recording_states"

    recording_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str]
    reason: Mapped[str | None]
    at: Mapped[datetime]


class Manifest(Tenant, Base):
    """What the browser says it recorded: each chunk's size and SHA-256, in order. Its id is the recording's."""

    __tablename__ = "manifests"

    digest: Mapped[bytes]
    sizes: Mapped[list[int]] = mapped_column(ARRAY(INTEGER))
    hashes: Mapped[bytes]  # 32 bytes a chunk
