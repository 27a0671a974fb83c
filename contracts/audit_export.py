"""The file in which an audit log leaves the product: JSON lines, each canonical (RFC 8785), checked offline.

    {"about": {workspace, cell, the number of its last entry, the newest signed head}}
    {"check": "...", "hash": "...", "readable": {...}, "stored": {...}}        one a line, from the first entry on
    {"end": {how many entries, SHA-256 of every line above}, "key": "...", "signature": "..."}

The bytes of `stored` are those that the entry's hash covers, from `,"stored":` to the line's last brace. `readable` is
what could be opened of the personal fields: a help for reading, no part of the chain; `check` is the beginning of its
SHA-256. `end` is signed with the tag `audit-export`.
"""

import hashlib
import json
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from contracts import audit as chain
from contracts.audit_heads import Hex32, SignedHead, signed
from kit.signing import SigningKey

TAG = "audit-export"
CHECK_DIGITS = 16
LONGEST_LINE = 1 << 20  # bytes; an entry has a few hundred

Readable = dict[str, dict[str, str]]  # "actor" and "target": their personal fields

_PLAIN = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class About(_Strict):
    """What the file is: all entries of a log up to `last`."""

    cell: str
    exported_at: str
    format: Literal[1] = 1
    head: SignedHead | None
    last: Annotated[int, Field(ge=0)]
    workspace_id: str
    workspace_key: str


class End(_Strict):
    """What was written: `sha256` covers every byte above the line."""

    entries: Annotated[int, Field(ge=0)]
    sha256: Hex32

    @property
    def message(self) -> bytes:
        """What is signed."""
        return chain.canonical(self.model_dump(mode="json"))


class FirstLine(_Strict):
    """The first line."""

    about: About


class LastLine(_Strict):
    """The last line; key and signature are empty where the cell has no key."""

    end: End
    key: str
    signature: str


class EntryLine(_Strict):
    """A line between them."""

    check: str
    hash: Hex32
    readable: Readable
    stored: dict[str, Any]  # JSON

    @classmethod
    def split(cls, line: bytes) -> tuple[Self, bytes, bytes]:
        """The line, and the bytes of `stored` and of `readable`. Raises ValueError where it was not written here."""
        made = cls.model_validate_json(line)
        start = line.index(_STORED)  # quotes within texts are escaped, so the first one is the field
        stored, readable = line[start + len(_STORED) : -2], line[_READABLE:start]
        if line != _line(made.check.encode(), made.hash.encode(), readable, stored):
            raise ValueError("the line is not as it was exported")
        return made, stored, readable


_STORED = b',"stored":'
_READABLE = len(b'{"check":"') + CHECK_DIGITS + len(b'","hash":"') + 64 + len(b'","readable":')


class Writer:
    """Makes the lines, one after the other, and remembers what the last one has to say."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._entries = 0
        self._previous = chain.GENESIS

    def begin(self, about: About) -> bytes:
        """The first line."""
        return self._written(chain.canonical({"about": about.model_dump(mode="json")}) + b"\n")

    def entry(self, stored: chain.Stored, hash_: bytes, readable: Readable) -> bytes:
        """The line of an entry."""
        raw = chain.canonical_of(stored, self._previous, hash_)
        shown = _PLAIN.encode(readable).encode()
        self._previous = hash_
        self._entries += 1
        return self._written(_line(check_of(shown), hash_.hex().encode(), shown, raw))

    def end(self, key: SigningKey | None) -> bytes:
        """The last line."""
        end = End(entries=self._entries, sha256=self._digest.hexdigest())
        made = LastLine(end=end, **signed(TAG, end.message, key))
        return chain.canonical(made.model_dump(mode="json")) + b"\n"

    def _written(self, line: bytes) -> bytes:
        self._digest.update(line)
        return line


def check_of(readable: bytes) -> bytes:
    """What shows that somebody changed the readable part of a line."""
    return hashlib.sha256(readable).hexdigest()[:CHECK_DIGITS].encode()


def _line(check: bytes, hash_: bytes, readable: bytes, stored: bytes) -> bytes:
    return b'{"check":"%b","hash":"%b","readable":%b,"stored":%b}\n' % (check, hash_, readable, stored)
