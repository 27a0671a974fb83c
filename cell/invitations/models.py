"""Table of invitations."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped

from kit.database import Base, Tenant


class Invitation(Tenant, Base):
    """Somebody was asked to join. It is open until it is accepted, revoked, or out of time."""

    __tablename__ = "invitations"

    email: Mapped[str]
    email_norm: Mapped[str]
    role: Mapped[str]
    invited_by: Mapped[UUID]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    digest: Mapped[bytes | None]  # of the word in the last mail; None until one was written
    sent_at: Mapped[datetime | None]  # when the mail server took the last mail
    accepted_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_invitations_digest", "workspace_id", "digest", unique=True),
        Index(
            "uq_invitations_open",
            "workspace_id",
            "email_norm",
            unique=True,
            postgresql_where=text("accepted_at IS NULL AND revoked_at IS NULL"),
        ),
    )
