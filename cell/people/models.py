"""Tables of people."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from kit.database import Base, Tenant


class Person(Tenant, Base):
    """Somebody who signs in to a workspace."""

    __tablename__ = "people"

    email: Mapped[str]
    email_norm: Mapped[str]  # lower case; what is compared, so that an index serves
    name: Mapped[str]
    role: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime | None]
    language: Mapped[str | None]  # that their browser last asked for; mails are written in it

    __table_args__ = (Index("uq_people_email_norm", "workspace_id", "email_norm", unique=True),)


class Password(Tenant, Base):
    """A local password, argon2id. Its id is the person's; whoever signs in elsewhere has none."""

    __tablename__ = "passwords"

    hash: Mapped[str]
    changed_at: Mapped[datetime]  # when it was chosen; a new hash of the same password leaves it


class PasswordReset(Tenant, Base):
    """The last mail that lets a person choose a new password. Its id is the person's; using it removes it."""

    __tablename__ = "password_resets"

    digest: Mapped[bytes]  # of the word in the mail
    expires_at: Mapped[datetime]

    __table_args__ = (Index("uq_password_resets_digest", "workspace_id", "digest", unique=True),)
