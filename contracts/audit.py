"""The form of an entry and its hash: final from the first entry on, so that any copy can be verified offline.

`hash = SHA-256(previous hash + canonical JSON of the stored form)`, JSON by RFC 8785; the first entry's previous
hash is 32 zero bytes. Numbers in an entry are integers, which every JSON library writes alike. `docs/audit.md` says
it for auditors.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import rfc8785

GENESIS = bytes(32)
FORMAT = 1
_MOST = 2**53 - 1  # the largest whole number that RFC 8785 knows

Stored = dict[str, object]

_PLAIN = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical(value: Any) -> bytes:  # any JSON
    """The bytes of a JSON value by RFC 8785.

    Python's own JSON writes the same, in a fraction of the time, where all is ASCII and no number has a fraction.
    """
    if _is_plain(value):
        plain = _PLAIN.encode(value)
        if plain.isascii():
            return plain.encode()
    return rfc8785.dumps(value)


def _is_plain(value: Any) -> bool:  # any JSON
    """Whether a value is made of what both write alike, as long as it is ASCII. Others' classes are not looked into."""
    kind = type(value)
    if kind is dict:
        return all(type(name) is str and _is_plain(inner) for name, inner in value.items())
    if kind is list:
        return all(map(_is_plain, value))
    if kind is int:
        return bool(-_MOST <= value <= _MOST)
    return kind is str or kind is bool or value is None


def canonical_of(stored: Stored, previous: bytes, hash_: bytes) -> bytes:
    """The canonical bytes of an entry that was hashed before, ten times as fast where that can be seen to be right.

    Python's own JSON is the same but for floats and names of fields beyond ASCII; the hash tells.
    """
    plain = _PLAIN.encode(stored).encode()
    return plain if chained(previous, plain) == hash_ else canonical(stored)


def chained(previous: bytes, stored: bytes) -> bytes:
    """The hash of an entry, given the canonical bytes of its stored form."""
    return hashlib.sha256(previous + stored).digest()


def entry_hash(previous: bytes, stored: Stored) -> bytes:
    """The hash of an entry: 32 bytes over the previous hash and the canonical stored form."""
    return chained(previous, canonical(stored))


@dataclass(frozen=True)
class Broken:
    """The first entry that does not follow from the one before it."""

    seq: int
    reason: str


def first_broken(entries: Iterable[tuple[Stored, bytes]]) -> Broken | None:
    """Check a whole chain of (stored form, hash) from its first entry on; None means it holds."""
    previous, expected = GENESIS, 1
    for stored, claimed in entries:
        if stored.get("seq") != expected:
            return Broken(expected, f"entry {expected} is missing")
        if entry_hash(previous, stored) != claimed:
            return Broken(expected, "the entry was changed, or the one before it was")
        previous, expected = claimed, expected + 1
    return None
