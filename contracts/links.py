"""Link codec: `{workspace_key}-{secret}`, whose last character tells a typo from a wrong link, offline."""

import hashlib
import re
from typing import NamedTuple

from contracts.keys import ALPHABET, PATTERN, draw, is_key

_RANDOM = 19  # characters of 4.75 bits: 90.3 bits
SECRET_LENGTH = _RANDOM + 1  # and the check character

# The check: a link's characters, each as its place in the alphabet, are the digits of a number in base 256 that 29
# divides (a weighted sum modulo a prime, as in ISO 7064). A changed character changes it by weight * difference,
# a swapped pair by (weight - next weight) * difference; weights are powers of 256 modulo 29, so neither is 0.
# 29 is the next prime after the 27 of the alphabet: two more characters serve for the check alone.
_PRIME = 29
_CHECKS = ALPHABET + "ae"
_VALUES = bytes(max(_CHECKS.find(chr(code)), 0) for code in range(256))

# The form of a link, key and secret as groups; whether a text of this form is mistyped, `fits` knows.
LINK_PATTERN = rf"({PATTERN})-([{ALPHABET}]{{{_RANDOM}}}[{_CHECKS}])"
_LINK = re.compile(LINK_PATTERN)
# What somebody who copies a link by hand, or loses its end in a mail, arrives with.
_NEARLY = re.compile(r"[a-z0-9]{4,12}[-_.\u2010-\u2015 ]?[a-z0-9]{12,24}")
_LONGEST_NEARLY = 40
_TAG = b"cellcast link 1\0"


class NotALink(ValueError):
    """The text is no link. Its message never repeats the text, which may be nearly a secret."""


class Mistyped(NotALink):
    """It looks like a link, and a character is wrong, missing or too many."""


class Malformed(NotALink):
    """It does not look like a link."""


class Link(NamedTuple):
    """The two halves of a link, in canonical form; `secret` includes its check character."""

    key: str
    secret: str


def new_secret(key: str) -> str:
    """A secret for a link of workspace `key`: 20 characters, 90 bits and a check over both."""
    if not is_key(key):
        raise ValueError("not a workspace key")
    drawn = draw(_RANDOM)
    # The last digit has weight 1, so it is whatever brings the remainder to 0.
    return drawn + _CHECKS[-_remainder(f"{key}-{drawn}{_CHECKS[0]}".encode()) % _PRIME]


def address(go_url: str, key: str, secret: str) -> str:
    """The link as it is sent to a customer; `go_url` is the front door's, like `https://go.example`."""
    return f"{go_url.rstrip('/')}/{key}-{secret}"


def parse(text: str) -> Link:
    """Read `{key}-{secret}`, in either case, for people read links aloud. Raises Mistyped or Malformed."""
    canonical = text.lower() if text.isascii() else text
    found = _LINK.fullmatch(canonical)
    if found is not None:
        if fits(canonical.encode()):
            return Link(found[1], found[2])
        raise Mistyped("a character of the link is wrong")
    if len(text) <= _LONGEST_NEARLY and _NEARLY.fullmatch(canonical):
        raise Mistyped("the link is incomplete or a character is wrong")
    raise Malformed("this is no link")


def fits(link: bytes) -> bool:
    """True when the check character of a text of LINK_PATTERN's form is the one that its others call for."""
    return _remainder(link) == 0


def digest(key: str, secret: str) -> bytes:
    """What is stored instead of the secret: 32 bytes of SHA-256. 90 random bits need no slow hash."""
    return hashlib.sha256(_TAG + f"{key}-{secret}".encode()).digest()


def _remainder(link: bytes) -> int:
    return int.from_bytes(link.translate(_VALUES), "big") % _PRIME
