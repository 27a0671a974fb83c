"""The tables of jobs: dispatch rows that one sweep sees across workspaces, and what to do in the tenant's scope."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kit.database import Base, Tenant


class Job(Base):
    """When and how often, never what about: this table stands outside row-level security and holds no payload."""

    __tablename__ = "jobs"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    workspace_id: Mapped[UUID]
    kind: Mapped[str]
    lane: Mapped[str]
    due: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    trace: Mapped[str | None]
    kicked_at: Mapped[datetime | None]  # when the broker was last told
    leased_until: Mapped[datetime | None]  # a worker is at it until then, unless it renews
    dead_at: Mapped[datetime | None]
    last_error: Mapped[str | None]

    __table_args__ = (Index("ix_jobs_due", "due", postgresql_where=text("dead_at IS NULL")),)


class JobArguments(Tenant, Base):
    """What a job is about: ids, in the scope of its workspace. Its id is the job's."""

    __tablename__ = "job_arguments"

    arguments: Mapped[list[str]] = mapped_column(JSONB)
