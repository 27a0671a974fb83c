"""Tables of workspaces; `workspace_keys` and `ownership` stand outside tenant scopes, since scopes begin with them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from kit.database import Base, Scoped


class WorkspaceKey(Base):
    """Leads from the key in an address to the workspace, before any scope is known."""

    __tablename__ = "workspace_keys"

    key: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(unique=True)


class Ownership(Base):
    """Whether this cell may write for a workspace; `open_write()` compares every write with it."""

    __tablename__ = "ownership"

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    epoch: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str]


class Workspace(Scoped, Base):
    """A workspace's own facts and limits."""

    __tablename__ = "workspaces"

    key: Mapped[str]
    name: Mapped[str]
    created_at: Mapped[datetime]
    retention_days: Mapped[int] = mapped_column(default=90)
    open_links_limit: Mapped[int] = mapped_column(default=500)
    confirmed_at: Mapped[datetime | None]  # when the founder confirmed the e-mail address
    confirm_digest: Mapped[bytes | None]  # of the word in the mail that asks for it
    language: Mapped[str] = mapped_column(default="en")  # its founder's, for mails to who has shown none
