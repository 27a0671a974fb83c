"""Tables of the directory. What is compared stands in columns of its own, normalised, so that an index serves."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kit.database import Base, Scoped, Tenant


class Entry(Tenant, Base):
    """A person as the identity provider describes them. The id is that of the row in `people`."""

    __tablename__ = "directory_people"

    user_name_norm: Mapped[str]
    external_id: Mapped[str | None]
    display_name_norm: Mapped[str | None]
    document: Mapped[dict[str, object]] = mapped_column(JSONB)  # without what is settled, and without `active`
    version: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]

    __table_args__ = (
        Index("uq_directory_people_user_name", "workspace_id", "user_name_norm", unique=True),
        Index("uq_directory_people_external_id", "workspace_id", "external_id", unique=True),
        Index("ix_directory_people_display_name", "workspace_id", "display_name_norm"),
        Index("ix_directory_people_created", "workspace_id", "created_at", "id"),
    )


class Address(Scoped, Base):
    """An e-mail address of a person, once however often the document has it."""

    __tablename__ = "directory_emails"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    value_norm: Mapped[str] = mapped_column(primary_key=True)

    __table_args__ = (Index("ix_directory_emails_value", "workspace_id", "value_norm"),)


class Group(Tenant, Base):
    """A group. `role` is what the workspace links to it."""

    __tablename__ = "directory_groups"

    display_name_norm: Mapped[str]
    external_id: Mapped[str | None]
    role: Mapped[str | None]
    document: Mapped[dict[str, object]] = mapped_column(JSONB)  # without what is settled, and without members
    version: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]

    __table_args__ = (
        Index("uq_directory_groups_display_name", "workspace_id", "display_name_norm", unique=True),
        Index("uq_directory_groups_external_id", "workspace_id", "external_id", unique=True),
        Index("ix_directory_groups_created", "workspace_id", "created_at", "id"),
    )


class Membership(Scoped, Base):
    """That a person is in a group."""

    __tablename__ = "directory_members"

    group_id: Mapped[UUID] = mapped_column(primary_key=True)
    member_id: Mapped[UUID] = mapped_column(primary_key=True)

    __table_args__ = (Index("ix_directory_members_member", "workspace_id", "member_id", "group_id"),)


class ProvisioningToken(Tenant, Base):
    """What an identity provider calls with; only the digest is kept."""

    __tablename__ = "provisioning_tokens"

    name: Mapped[str]
    digest: Mapped[bytes]
    created_by: Mapped[UUID]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]  # None: never
    last_used_at: Mapped[datetime | None]
    refused_at: Mapped[datetime | None]  # when it was last presented after its end
    revoked_at: Mapped[datetime | None]

    __table_args__ = (Index("uq_provisioning_tokens_digest", "workspace_id", "digest", unique=True),)


class Line(Tenant, Base):
    """A line of the provisioning log: a change that was asked for and what became of it. Kept for 30 days.

    The same row answers a request that comes twice.
    """

    __tablename__ = "directory_log"

    at: Mapped[datetime]
    token_id: Mapped[UUID]
    request_id: Mapped[bytes | None]  # of a change that was done
    trace: Mapped[str]
    asked: Mapped[str]  # method and path
    verb: Mapped[str]
    resource: Mapped[str]
    subject_id: Mapped[UUID | None]
    name: Mapped[str]  # of the person or the group
    result: Mapped[str]  # changed | unchanged | refused
    reason: Mapped[str]  # a word; empty where nothing was refused
    detail: Mapped[str]

    __table_args__ = (
        Index("uq_directory_log_request", "workspace_id", "request_id", unique=True),
        Index("ix_directory_log_at", "workspace_id", "at", "id"),
        Index("ix_directory_log_refused", "workspace_id", "at", "id", postgresql_where=text("result = 'refused'")),
    )


class Reads(Scoped, Base):
    """How often a token read something within an hour: a line for each would be most of the log."""

    __tablename__ = "directory_reads"

    hour: Mapped[datetime] = mapped_column(primary_key=True)
    token_id: Mapped[UUID] = mapped_column(primary_key=True)
    resource: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
    last_at: Mapped[datetime]


class Upkeep(Scoped, Base):
    """That the daily job of this workspace is waiting."""

    __tablename__ = "directory_upkeep"

    since: Mapped[datetime]
