"""Ed25519 signatures (RFC 8032) with a type tag in each, so that one kind of message never passes as another."""

import base64
import binascii
import hashlib
from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_SIZE = 32  # bytes of a raw key, private or public
SIGNATURE_BYTES = 64


class SignatureRefused(Exception):
    """The signature is not that of a known key over this message and tag. The text says which."""


class SigningKey:
    """A private key. Its text form is the base64 of 32 bytes, a secret; `repr` shows the id alone."""

    def __init__(self, raw: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(raw)
        self._raw = raw
        self.public = self._key.public_key().public_bytes_raw()
        self.id = key_id(self.public)

    @classmethod
    def new(cls) -> "SigningKey":
        """A fresh key from the system's random source."""
        return cls(Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def from_text(cls, text: str) -> "SigningKey":
        """Read what `to_text` wrote. Raises ValueError."""
        return cls(_raw(text))

    def to_text(self) -> str:
        """The private key as base64: for a file of mode 0600 or a secret store, nowhere else."""
        return base64.b64encode(self._raw).decode()

    def public_text(self) -> str:
        """The public key as base64, the form of settings."""
        return base64.b64encode(self.public).decode()

    def sign(self, tag: str, message: bytes) -> bytes:
        """64 bytes of signature over `message` as a message of kind `tag`."""
        return self._key.sign(_tagged(tag, message))

    def __repr__(self) -> str:
        return f"SigningKey({self.id})"


class PublicKeys:
    """The keys whose signatures count; more than one while a key is being changed."""

    def __init__(self, raw_keys: Iterable[bytes]) -> None:
        self._keys = {key_id(raw): Ed25519PublicKey.from_public_bytes(raw) for raw in raw_keys}
        if not self._keys:
            raise ValueError("no public key given")

    @classmethod
    def from_text(cls, text: str) -> "PublicKeys":
        """Read comma-separated base64 of raw 32-byte keys. Raises ValueError that names the wrong one."""
        return cls(_raw(part.strip()) for part in text.split(",") if part.strip())

    @property
    def ids(self) -> list[str]:
        """The ids of the keys, in order."""
        return sorted(self._keys)

    @property
    def texts(self) -> tuple[str, ...]:
        """The keys as base64, in the order of their ids."""
        return tuple(base64.b64encode(self._keys[one].public_bytes_raw()).decode() for one in self.ids)

    def verify(self, tag: str, message: bytes, signature: bytes, by: str) -> None:
        """Return when the key with id `by` signed exactly this; raise SignatureRefused otherwise."""
        key = self._keys.get(by)
        if key is None:
            raise SignatureRefused(f"signed by an unknown key (known: {', '.join(self.ids)})")
        try:
            key.verify(signature, _tagged(tag, message))
        except InvalidSignature:
            raise SignatureRefused(f"the signature is not one of key {by} over this {tag}") from None


def key_id(public: bytes) -> str:
    """The name of a public key: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(public).hexdigest()[:16]


def _tagged(tag: str, message: bytes) -> bytes:
    # The tag ends at the first NUL, which no tag may hold: (tag, message) -> bytes is one to one.
    if not tag or "\0" in tag:
        raise ValueError("a tag is a non-empty word without NUL")
    return b"cellcast\0" + tag.encode() + b"\0" + message


def _raw(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("a key is not base64") from None
    if len(raw) != _SIZE:
        raise ValueError(f"a key has {len(raw)} bytes instead of {_SIZE}")
    return raw
