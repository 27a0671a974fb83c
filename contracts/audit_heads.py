"""Signed heads: what the end of an audit log was at a moment, kept where the log's own database cannot reach.

A chain of hashes shows every change but one: entries cut off at its end. A head names the last entry and its hash,
and the head before it; whoever holds one sees whether a log still reaches that far, and by the same entries. Signed is
the canonical JSON (RFC 8785) of `head`, with the tag `audit-head` (`kit/signing.py`).
"""

import base64
import hashlib
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts import audit as chain
from kit.signing import PublicKeys, SignatureRefused, SigningKey

TAG = "audit-head"
NONE_BEFORE = "0" * 64  # the first head's previous

Hex32 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class HeadUnreadable(ValueError):
    """The bytes are no head. The text says why."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Head(_Strict):
    """The end of a workspace's log. `n` counts its heads; `previous` is the digest of head n - 1."""

    at: str
    cell: str
    format: Literal[1] = 1
    hash: Hex32
    n: Annotated[int, Field(ge=1)]
    previous: Hex32
    seq: Annotated[int, Field(ge=1)]
    workspace_id: str

    @property
    def message(self) -> bytes:
        """What is signed."""
        return chain.canonical(self.model_dump(mode="json"))

    @property
    def digest(self) -> str:
        """What the next head calls its previous: SHA-256, in hex."""
        return hashlib.sha256(self.message).hexdigest()


class SignedHead(_Strict):
    """A head with the id of the key and the signature in base64; both empty where the cell has no key."""

    head: Head
    key: str
    signature: str

    @classmethod
    def read(cls, line: bytes) -> Self:
        """What `line` wrote. Raises HeadUnreadable."""
        try:
            return cls.model_validate_json(line)
        except ValidationError as error:
            raise HeadUnreadable(f"this is no signed head: {error.errors()[0]['msg']}") from None

    @property
    def line(self) -> bytes:
        """One line of canonical JSON."""
        return chain.canonical(self.model_dump(mode="json")) + b"\n"

    def verify(self, keys: PublicKeys) -> None:
        """Return when one of `keys` signed it. Raises SignatureRefused."""
        verify(TAG, self.head.message, self.key, self.signature, keys)


def follow(
    before: SignedHead | None,
    *,
    workspace_id: UUID,
    cell: str,
    seq: int,
    hash_: bytes,
    at: str,
    key: SigningKey | None,
) -> SignedHead:
    """The head after `before`, signed where there is a key."""
    head = Head(
        at=at,
        cell=cell,
        hash=hash_.hex(),
        n=1 if before is None else before.head.n + 1,
        previous=NONE_BEFORE if before is None else before.head.digest,
        seq=seq,
        workspace_id=str(workspace_id),
    )
    return SignedHead(head=head, **signed(TAG, head.message, key))


def signed(tag: str, message: bytes, key: SigningKey | None) -> dict[str, str]:
    """Key id and signature in base64; empty without a key."""
    if key is None:
        return {"key": "", "signature": ""}
    return {"key": key.id, "signature": base64.b64encode(key.sign(tag, message)).decode()}


def verify(tag: str, message: bytes, key: str, signature: str, keys: PublicKeys) -> None:
    """Return when one of `keys` signed the message. Raises SignatureRefused."""
    if not key:
        raise SignatureRefused("it is not signed")
    try:
        raw = base64.b64decode(signature, validate=True)
    except ValueError:
        raise SignatureRefused("the signature is not base64") from None
    if base64.b64encode(raw).decode() != signature:
        raise SignatureRefused("the signature is not written as base64 should be")
    keys.verify(tag, message, raw, key)
