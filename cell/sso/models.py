"""Tables of single sign-on."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kit.database import Base, Scoped, Tenant


class Identity(Tenant, Base):
    """Who somebody is at an identity provider: linked once, and from then on the only thing that is asked."""

    __tablename__ = "identities"

    digest: Mapped[bytes]  # of both names together, which may be longer than an index takes
    idp_entity_id: Mapped[str]
    name_id: Mapped[str]
    person_id: Mapped[UUID]
    linked_at: Mapped[datetime]
    used_at: Mapped[datetime]

    __table_args__ = (
        Index("uq_identities_digest", "workspace_id", "digest", unique=True),
        Index("ix_identities_person", "workspace_id", "person_id"),
    )


class SignIn(Tenant, Base):
    """A line of the sign-in log: one answer of an identity provider and what became of it. Kept for 30 days."""

    __tablename__ = "sign_ins"

    reference: Mapped[str]  # what a person can read out to an admin
    at: Mapped[datetime]
    purpose: Mapped[str | None]
    reason: Mapped[str | None]  # why it was refused, in a word; None where it was not
    hint: Mapped[str]  # what provisioning said to that; empty where the reason is one of ours
    person_id: Mapped[UUID | None]
    name: Mapped[str]  # of the person where we know them, else as the identity provider calls them
    said: Mapped[dict[str, object]] = mapped_column(JSONB)  # what was handed over; empty where nothing was
    answer: Mapped[dict[str, object]] = mapped_column(JSONB)  # contracts/signing_in.py, Answer; what is empty left out

    __table_args__ = (
        Index("uq_sign_ins_reference", "workspace_id", "reference", unique=True),
        Index("ix_sign_ins_at", "workspace_id", "at"),
    )


class SsoSettings(Scoped, Base):
    """The connection as the workspace wants it. The registry is told; what it says through the feed is in force."""

    __tablename__ = "sso_settings"

    connection: Mapped[dict[str, object] | None] = mapped_column(JSONB(none_as_null=True))  # a record; None: removed
    version: Mapped[int]  # rises with each change
    saved_at: Mapped[datetime]
    refused: Mapped[str]  # why the registry does not take it; empty as it should be
    tested: Mapped[str | None]  # fingerprint of the connection with which a test last succeeded
    tested_at: Mapped[datetime | None]
    warned: Mapped[list[str]] = mapped_column(ARRAY(Text))  # ends of certificates that mails have told of


class SsoUpkeep(Scoped, Base):
    """That the daily job of this workspace is waiting."""

    __tablename__ = "sso_upkeep"

    since: Mapped[datetime]
