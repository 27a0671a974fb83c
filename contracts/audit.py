"""The form of an entry and its hash: final from the first entry on, so that any copy can be verified offline.

`hash = SHA-256(previous hash + canonical JSON of the stored form)`, JSON by RFC 8785; the first entry's previous
hash is 32 zero bytes. Numbers in an entry are integers, which every JSON library writes alike.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import rfc8785

GENESIS = bytes(32)
FORMAT = 1

Stored = dict[str, object]


def entry_hash(previous: bytes, stored: Stored) -> bytes:
    """The hash of an entry: 32 bytes over the previous hash and the canonical stored form."""
    return hashlib.sha256(previous + rfc8785.dumps(stored)).digest()  # type: ignore[arg-type]  # JSON values only


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
