"""Sealing personal fields of audit entries with a key per person, itself wrapped by the cell's master key."""

import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12  # NIST SP 800-38D: 96 bits, random; a person has far fewer than 2^32 entries


class SealBroken(Exception):
    """The sealed bytes are not what this key sealed for this place."""


class Keyring:
    """Wraps and opens the keys of persons (AES-256-GCM). `master_key` has 32 bytes."""

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) != KEY_BYTES:
            raise ValueError("CELLCAST_CELL_MASTER_KEY must be 64 hex characters")
        self._master = AESGCM(master_key)

    def new_wrapped(self, subject: UUID) -> bytes:
        """A fresh key for a person, wrapped for storing."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._master.encrypt(nonce, AESGCM.generate_key(256), subject.bytes)

    def seal(self, wrapped: bytes, subject: UUID, place: bytes, text: bytes) -> bytes:
        """Seal `text`; `place` (workspace and sequence number) binds it to one entry."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._key(wrapped, subject).encrypt(nonce, text, subject.bytes + place)

    def open(self, wrapped: bytes, subject: UUID, place: bytes, sealed: bytes) -> bytes:
        """What was sealed. Raises SealBroken."""
        try:
            return self._key(wrapped, subject).decrypt(
                sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], subject.bytes + place
            )
        except InvalidTag as error:
            raise SealBroken from error

    def _key(self, wrapped: bytes, subject: UUID) -> AESGCM:
        try:
            return AESGCM(self._master.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], subject.bytes))
        except InvalidTag as error:
            raise SealBroken from error


_current: list[Keyring] = []


def use(keyring: Keyring) -> None:
    """Set the keyring of this process; done once, when its resources open."""
    _current[:] = [keyring]


def current() -> Keyring:
    """The keyring of this process."""
    return _current[0]
