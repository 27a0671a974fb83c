"""Statements about second factors."""

from uuid import UUID

from sqlalchemy import Select, func, select

from cell.factors.models import Passkey, RecoveryCode, Totp


def totp_of(person_id: UUID) -> Select[Totp]:
    """A person's authenticator app."""
    return select(Totp).where(Totp.id == person_id)


def passkeys_of(person_id: UUID) -> Select[Passkey]:
    """A person's passkeys, the oldest first."""
    return select(Passkey).where(Passkey.person_id == person_id).order_by(Passkey.created_at, Passkey.id)


def passkey(credential_id: bytes) -> Select[Passkey]:
    """The passkey that calls itself so."""
    return select(Passkey).where(Passkey.credential_id == credential_id)


def passkey_by_id(passkey_id: UUID, person_id: UUID) -> Select[Passkey]:
    """One of a person's passkeys."""
    return select(Passkey).where(Passkey.id == passkey_id, Passkey.person_id == person_id)


def codes_left(person_id: UUID) -> Select[int]:
    """How many recovery codes a person has left."""
    return (
        select(func.count())
        .select_from(RecoveryCode)
        .where(RecoveryCode.person_id == person_id, RecoveryCode.used_at.is_(None))
    )
