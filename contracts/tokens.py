"""Bearer words and upload tokens. Each names its workspace, never a cell or an epoch, so it survives a move."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from contracts.keys import PATTERN, is_key

MAC_KEY_BYTES = 32
_SECRET_HEX = 64  # 256 bits
_ID = "[0-9a-f]{32}"
_MAC = f"[0-9a-f]{{{_SECRET_HEX}}}"
# Unix seconds without leading zeros; 11 digits reach the year 5138.
_UPLOAD = re.compile(rf"({PATTERN})\.({_ID})\.([1-9][0-9]{{0,10}})\.({_MAC})")
_RESUME = re.compile(rf"({PATTERN})\.({_ID})\.({_MAC})")
_BEARER = re.compile(rf"(cc[a-z])_({PATTERN})_({_MAC})")


class TokenInvalid(ValueError):
    """No token of ours, or not for this. Its message never repeats the token."""


class TokenExpired(ValueError):
    """A genuine upload token whose time is over: renew it with the resume token."""


class Kind(StrEnum):
    """What a bearer word opens; the value is its prefix, which secret scanners can look for."""

    API = "cct"
    SESSION = "ccs"
    CONFIRM = "ccm"
    INVITE = "cci"
    RESET = "ccr"
    DIRECTORY = "ccd"


@dataclass(frozen=True, slots=True)
class Bearer:
    """A random word that names its workspace: `{kind}_{key}_{secret}`. Only its digest is stored."""

    kind: Kind
    key: str
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        """The word as it is handed out, once."""
        return f"{self.kind.value}_{self.key}_{self.secret}"

    @property
    def digest(self) -> bytes:
        """32 bytes to store and look up by. 256 random bits need no slow hash."""
        return _digest("bearer", self.text)


def new_bearer(kind: Kind, key: str) -> Bearer:
    """A fresh word of this kind for workspace `key`."""
    return Bearer(kind, _key(key), secrets.token_hex(_SECRET_HEX // 2))


def parse_bearer(kind: Kind, text: str) -> Bearer:
    """Read a word of this kind. Raises TokenInvalid; says nothing about whether it was ever handed out."""
    found = _BEARER.fullmatch(text)
    if found is None or found[1] != kind.value:
        raise TokenInvalid("not a token of this kind")
    return Bearer(kind, found[2], found[3])


@dataclass(frozen=True, slots=True)
class ResumeToken:
    """Lets the browser that began a recording go on with it: `{key}.{recording id}.{256 random bits}`."""

    key: str
    recording_id: UUID
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        """The token as the browser keeps it, beside the spool."""
        return f"{self.key}.{self.recording_id.hex}.{self.secret}"

    @property
    def digest(self) -> bytes:
        """32 bytes to store; compare with `same`."""
        return _digest("resume", self.text)


def new_resume(key: str, recording_id: UUID) -> ResumeToken:
    """A fresh resume token for one recording."""
    return ResumeToken(_key(key), recording_id, secrets.token_hex(_SECRET_HEX // 2))


def parse_resume(text: str) -> ResumeToken:
    """Read a resume token. Raises TokenInvalid."""
    found = _RESUME.fullmatch(text)
    if found is None:
        raise TokenInvalid("not a resume token")
    return ResumeToken(found[1], UUID(hex=found[2]), found[3])


@dataclass(frozen=True, slots=True)
class UploadClaim:
    """What an upload token says. Nothing of it holds before `verify_upload`."""

    key: str
    recording_id: UUID
    expires: int  # unix seconds; the token is dead from this second on
    mac: str = field(repr=False)


def sign_upload(key: str, recording_id: UUID, expires: int, mac_key: bytes) -> str:
    """The token `{key}.{recording id}.{expires}.{mac}`; `mac_key` is the recording's own, 32 bytes."""
    return f"{_key(key)}.{recording_id.hex}.{expires}.{_mac(key, recording_id, expires, mac_key)}"


def parse_upload(text: str) -> UploadClaim:
    """Read an upload token without believing it: it says whose key to verify it with. Raises TokenInvalid."""
    found = _UPLOAD.fullmatch(text)
    if found is None:
        raise TokenInvalid("not an upload token")
    return UploadClaim(found[1], UUID(hex=found[2]), int(found[3]), found[4])


def verify_upload(claim: UploadClaim, mac_key: bytes, now: float) -> None:
    """Return when the claim is genuine and `now` (unix seconds) is before its end.

    Raises TokenInvalid first: only a genuine token is told that it is TokenExpired.
    """
    if not hmac.compare_digest(_mac(claim.key, claim.recording_id, claim.expires, mac_key), claim.mac):
        raise TokenInvalid("the upload token is not genuine")
    if now >= claim.expires:
        raise TokenExpired("the upload token has expired")


def same(stored: bytes, presented: bytes) -> bool:
    """Compare two digests in constant time."""
    return hmac.compare_digest(stored, presented)


def _mac(key: str, recording_id: UUID, expires: int, mac_key: bytes) -> str:
    if len(mac_key) != MAC_KEY_BYTES:
        raise ValueError(f"a recording's key has {MAC_KEY_BYTES} bytes")
    said = f"cellcast upload 1\0{key}\0{recording_id.hex}\0{expires}"
    return hmac.new(mac_key, said.encode(), hashlib.sha256).hexdigest()


def _digest(what: str, text: str) -> bytes:
    return hashlib.sha256(f"cellcast {what} 1\0{text}".encode()).digest()


def _key(key: str) -> str:
    if not is_key(key):
        raise ValueError("not a workspace key")
    return key
