"""Tables of second factors."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from kit.database import Base, Tenant


class Totp(Tenant, Base):
    """A person's authenticator app. Its id is the person's."""

    __tablename__ = "totps"

    sealed: Mapped[bytes]  # the secret, as `sealing` sealed it
    last_step: Mapped[int] = mapped_column(BigInteger)  # of the last code that was taken: none is taken twice
    created_at: Mapped[datetime]


class Passkey(Tenant, Base):
    """A passkey of a person, who may have several."""

    __tablename__ = "passkeys"

    person_id: Mapped[UUID]
    credential_id: Mapped[bytes]
    public_key: Mapped[bytes]  # COSE
    sign_count: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str]
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_passkeys_credential_id", "workspace_id", "credential_id", unique=True),
        Index("ix_passkeys_person_id", "workspace_id", "person_id"),
    )


class RecoveryCode(Tenant, Base):
    """One of the codes that let a person in who has lost everything else, once."""

    __tablename__ = "recovery_codes"

    person_id: Mapped[UUID]
    digest: Mapped[bytes]
    used_at: Mapped[datetime | None]

    __table_args__ = (Index("uq_recovery_codes_digest", "workspace_id", "person_id", "digest", unique=True),)
