"""Workspace keys: the short word that stands in every link, token and URL of a workspace, never reused."""

import re
import secrets

# Digits and lower-case consonants, without what is confused on paper or aloud: 0/o, 1/l/i, u/v, whichever of
# each group is meant, it is none of ours. Without vowels no key spells a word (or `readyz`, or any other
# path of the front door). 27 characters, 4.75 bits each.
ALPHABET = "23456789bcdfghjkmnpqrstwxyz"
SHORTEST, LONGEST = 6, 10
_DRAWN = 8  # 27^8 = 2.8e11: a collision among a million workspaces is rare, and the registry refuses it

PATTERN = f"[{ALPHABET}]{{{SHORTEST},{LONGEST}}}"
_KEY = re.compile(PATTERN)


def draw(length: int) -> str:
    """`length` characters of the alphabet from the system's random source."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def new_key() -> str:
    """A random workspace key of 8 characters. Whoever registers it sees to it that it is unused."""
    return draw(_DRAWN)


def is_key(text: str) -> bool:
    """True when `text` has the form of a workspace key; says nothing about whether there is such a workspace."""
    return _KEY.fullmatch(text) is not None
