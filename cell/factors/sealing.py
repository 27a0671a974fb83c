"""Sealing the secrets of authenticator apps with the cell's master key; each opens for its own person alone."""

import hashlib
import hmac
import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cell.settings import CellSettings

_NONCE_BYTES = 12  # NIST SP 800-38D: 96 bits, random; a cell seals far fewer than 2^32


class SealBroken(Exception):
    """The sealed bytes are not what was sealed for this person."""


def seal(settings: CellSettings, workspace_id: UUID, person_id: UUID, secret: bytes) -> bytes:
    """The secret as it may be stored."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + _cipher(settings).encrypt(nonce, secret, workspace_id.bytes + person_id.bytes)


def opened(settings: CellSettings, workspace_id: UUID, person_id: UUID, sealed: bytes) -> bytes:
    """What was sealed. Raises SealBroken."""
    nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        return _cipher(settings).decrypt(nonce, text, workspace_id.bytes + person_id.bytes)
    except InvalidTag as error:
        raise SealBroken from error


def digest(settings: CellSettings, person_id: UUID, code: str) -> bytes:
    """A recovery code as it may be stored: of use to nobody without the master key."""
    return hmac.new(_key(settings, b"recovery"), person_id.bytes + code.encode(), hashlib.sha256).digest()


def _cipher(settings: CellSettings) -> AESGCM:
    return AESGCM(_key(settings, b"authenticator"))


def _key(settings: CellSettings, what: bytes) -> bytes:
    master = bytes.fromhex(settings.master_key.get_secret_value())
    return hmac.new(master, b"cellcast factor 1\0" + what, hashlib.sha256).digest()
