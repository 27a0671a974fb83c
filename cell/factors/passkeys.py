"""Passkeys (W3C Web Authentication): the one door to the library that reads and verifies them.

They are asked to be found without a name (discoverable) and to verify their holder by PIN, finger or face, so that one
alone is two factors. Challenges are the caller's to keep, and to give back once.
"""

import secrets
from dataclasses import dataclass
from uuid import UUID

import webauthn
from webauthn.helpers import base64url_to_bytes, options_to_json, parse_authentication_credential_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from cell.factors.models import Passkey
from cell.settings import CellSettings

CHALLENGE_BYTES = 32
_VERIFIED = UserVerificationRequirement.REQUIRED


class PasskeyRefused(Exception):
    """What the browser sent is no proof. The text says why, for the log."""


@dataclass(frozen=True)
class Made:
    """A passkey that a browser has just made."""

    credential_id: bytes
    public_key: bytes
    sign_count: int


def new_challenge() -> str:
    """Random hex, for one use."""
    return secrets.token_hex(CHALLENGE_BYTES)


def to_create(
    settings: CellSettings, challenge: str, person_id: UUID, email: str, shown: str, held: list[bytes]
) -> str:
    """What the browser needs to make one, as JSON; `held` are those that the person has."""
    options = webauthn.generate_registration_options(
        rp_id=settings.rp_id,
        rp_name="Cellcast",
        user_id=person_id.bytes,
        user_name=email,
        user_display_name=shown,
        challenge=bytes.fromhex(challenge),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=_VERIFIED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=one) for one in held],
    )
    return options_to_json(options)


def to_get(settings: CellSettings, challenge: str, held: list[bytes]) -> str:
    """What the browser needs to use one, as JSON; without `held` the person chooses among all of this site."""
    options = webauthn.generate_authentication_options(
        rp_id=settings.rp_id,
        challenge=bytes.fromhex(challenge),
        allow_credentials=[PublicKeyCredentialDescriptor(id=one) for one in held] or None,
        user_verification=_VERIFIED,
    )
    return options_to_json(options)


def created(settings: CellSettings, challenge: str, sent: dict[str, object]) -> Made:
    """The passkey that the browser says it made. Raises PasskeyRefused."""
    try:
        found = webauthn.verify_registration_response(
            credential=sent,
            expected_challenge=bytes.fromhex(challenge),
            expected_rp_id=settings.rp_id,
            expected_origin=settings.url,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError) as error:
        raise PasskeyRefused(type(error).__name__) from error
    return Made(found.credential_id, found.credential_public_key, found.sign_count)


def named(sent: dict[str, object]) -> bytes:
    """The id of the passkey that a browser used. Raises PasskeyRefused."""
    try:
        return parse_authentication_credential_json(sent).raw_id
    except (WebAuthnException, ValueError, TypeError, KeyError) as error:
        raise PasskeyRefused(type(error).__name__) from error


def verified(settings: CellSettings, challenge: str, sent: dict[str, object], held: Passkey) -> int:
    """The passkey's new count, if it signed the challenge here. Raises PasskeyRefused."""
    try:
        found = webauthn.verify_authentication_response(
            credential=sent,
            expected_challenge=bytes.fromhex(challenge),
            expected_rp_id=settings.rp_id,
            expected_origin=settings.url,
            credential_public_key=held.public_key,
            credential_current_sign_count=held.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError) as error:
        raise PasskeyRefused(type(error).__name__) from error
    return found.new_sign_count


def handle(sent: dict[str, object]) -> UUID | None:
    """Whose passkey it says it is: the person's id, where the authenticator tells it."""
    response = sent.get("response")
    text = response.get("userHandle") if isinstance(response, dict) else None
    try:
        return UUID(bytes=base64url_to_bytes(text)) if isinstance(text, str) and text else None
    except ValueError:
        return None
