"""What makes a call and its answer provably those of two processes: signed claims in one header each.

`Cellcast-Call: base64url(claims).base64url(signature)`. The claims are JSON: `from`, `to`, `op`, `body` (SHA-256 of
the body, hex), `at` (unix milliseconds), `key` (id of the signing key), and for a write `nonce`. The signature is
Ed25519 over the exact bytes of the claims, with the type tag `call 1`.

`Cellcast-Answer: {key id}.base64url(signature)` signs, with the tag `answer 1`, the call's signature, the status and
the hash of the answer's body: an answer is good for this one call and cannot be somebody else's.
"""

import binascii
import hashlib
import hmac
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kit.calls import refusals
from kit.signing import SIGNATURE_BYTES, PublicKeys, SignatureRefused, SigningKey

CALL_HEADER = "Cellcast-Call"
ANSWER_HEADER = "Cellcast-Answer"
LIVES_MS = 30_000  # a call is answered within this of its signing, earlier or later: clocks differ
# Longer than two lives: what was signed by a clock that is 30 s ahead is good for 60 s from its arrival.
NONCE_KEPT_S = 60
_CALL, _ANSWER = "call 1", "answer 1"
_LONGEST = 1024  # characters of the header

_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,40}$")]


class Claims(BaseModel):
    """What the sender says of a call."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_by_name=True)

    sender: _Name = Field(alias="from")
    audience: _Name = Field(alias="to")
    operation: Annotated[str, Field(alias="op", max_length=64)]
    body: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    at: Annotated[int, Field(ge=0)]
    key: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    nonce: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None


@dataclass(frozen=True)
class Envelope:
    """Claims as they were signed. Nothing of them holds before `verify`."""

    claims: Claims
    signed: bytes
    signature: bytes

    @property
    def header(self) -> str:
        """The value of the header."""
        return f"{_text(self.signed)}.{_text(self.signature)}"


def seal(
    key: SigningKey, *, sender: str, audience: str, operation: str, body: bytes, writes: bool, at: float | None = None
) -> Envelope:
    """Sign a call; `at` is unix seconds, now if left out."""
    claims = Claims(
        sender=sender,
        audience=audience,
        operation=operation,
        body=hashlib.sha256(body).hexdigest(),
        at=int((time.time() if at is None else at) * 1000),
        key=key.id,
        nonce=secrets.token_hex(16) if writes else None,
    )
    signed = claims.model_dump_json(by_alias=True, exclude_none=True).encode()
    return Envelope(claims, signed, key.sign(_CALL, signed))


def parse(header: str) -> Envelope:
    """Read a header without believing it. Raises CallUnsigned."""
    try:
        if len(header) > _LONGEST:
            raise refusals.CallUnsigned
        signed, signature = (_bytes(part) for part in header.split("."))
        if len(signature) != SIGNATURE_BYTES:
            raise refusals.CallUnsigned
        return Envelope(Claims.model_validate_json(signed), signed, signature)
    except (ValueError, ValidationError):
        raise refusals.CallUnsigned from None


def verify(envelope: Envelope, keys: PublicKeys, *, audience: str, operation: str, at: float | None = None) -> None:
    """Return when the sender signed this call, for us, for this operation, and just now.

    Raises SignatureWrong first: nothing else is said to a stranger; then AudienceWrong, OperationDiffers, ClockOff.
    """
    claims = envelope.claims
    try:
        keys.verify(_CALL, envelope.signed, envelope.signature, claims.key)
    except SignatureRefused:
        raise refusals.SignatureWrong from None
    if claims.audience != audience:
        raise refusals.AudienceWrong
    if claims.operation != operation:
        raise refusals.OperationDiffers
    present = (time.time() if at is None else at) * 1000
    if abs(present - claims.at) >= LIVES_MS:
        raise refusals.ClockOff


def verify_body(claims: Claims, body: bytes) -> None:
    """Raise BodyChanged unless this is the body that was signed."""
    if not hmac.compare_digest(hashlib.sha256(body).hexdigest(), claims.body):
        raise refusals.BodyChanged


def seal_answer(key: SigningKey, call: Envelope, status: int, body: bytes) -> str:
    """The value of the answer's header."""
    return f"{key.id}.{_text(key.sign(_ANSWER, _answered(call, status, body)))}"


def is_answer(header: str, keys: PublicKeys, call: Envelope, status: int, body: bytes) -> bool:
    """Whether one of `keys` signed this answer to this call."""
    by, _, signature = header.partition(".")
    try:
        keys.verify(_ANSWER, _answered(call, status, body), _bytes(signature), by)
    except (SignatureRefused, ValueError):
        return False
    return True


def _answered(call: Envelope, status: int, body: bytes) -> bytes:
    return call.signature + status.to_bytes(2, "big") + hashlib.sha256(body).digest()


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    # urlsafe_b64decode drops what is no base64; then two texts would be one call.
    raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _text(raw) != text:
        raise binascii.Error("not canonical base64url")
    return raw
