"""Hashing passwords with argon2id, off the event loop: one hash takes some 30 ms of a core."""

import asyncio
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 12  # NIST SP 800-63B rev. 4 asks for 15 without and 8 with a second factor; length is what counts
LONGEST = 200  # bounds what a stranger can make us hash

_hasher = PasswordHasher()  # RFC 9106's low-memory recommendation: 64 MiB, 3 passes, 4 lanes


# Checked against where there is no such person, so that the answer takes as long as for a wrong password.
@cache
def _nobody() -> str:
    return _hasher.hash("nobody has this password")


async def hashed(password: str) -> str:
    """The argon2id hash of a password, with its own salt."""
    return await asyncio.to_thread(_hasher.hash, password)


async def matches(stored: str | None, password: str) -> bool:
    """Whether the password is the stored one; takes as long where nothing is stored, and is then False."""
    return await asyncio.to_thread(_matches, stored, password) and stored is not None


def _matches(stored: str | None, password: str) -> bool:
    try:
        return _hasher.verify(stored or _nobody(), password)
    except (VerificationError, InvalidHashError):
        return False
