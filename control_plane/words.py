"""Bearer words of the global part: `{prefix}_{name}_{256 random bits}`. Each is shown once; its digest is stored."""

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from enum import StrEnum

# A name of ours for a machine or an account of staff, never a person's own name or address.
NAME = r"[a-z][a-z0-9-]{1,29}"
_WORD = re.compile(rf"(cc[a-z])_({NAME})_([0-9a-f]{{64}})")


class WordInvalid(ValueError):
    """Not a word of this kind. The message never repeats it."""


class Kind(StrEnum):
    """What a word opens; the value is its prefix, which secret scanners can look for."""

    OPERATOR = "cco"
    READER = "ccf"


@dataclass(frozen=True, slots=True)
class Word:
    """A random word that names its holder."""

    kind: Kind
    name: str
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        """The word as it is handed out, once."""
        return f"{self.kind.value}_{self.name}_{self.secret}"

    @property
    def digest(self) -> bytes:
        """32 bytes to store and look up by. 256 random bits need no slow hash."""
        return hashlib.sha256(f"cellcast {self.kind.value} 1\0{self.text}".encode()).digest()


def new_word(kind: Kind, name: str) -> Word:
    """A fresh word for `name`. Raises ValueError for a name that is none."""
    if not re.fullmatch(NAME, name):
        raise ValueError(f"{name!r} is not a name of this form: {NAME}")
    return Word(kind, name, secrets.token_hex(32))


def parse_word(kind: Kind, header: str) -> Word:
    """The word of an `Authorization: Bearer ...` header. Raises WordInvalid."""
    found = _WORD.fullmatch(header.removeprefix("Bearer "))
    if found is None or found[1] != kind.value or not header.startswith("Bearer "):
        raise WordInvalid("not a word of this kind")
    return Word(kind, found[2], found[3])
