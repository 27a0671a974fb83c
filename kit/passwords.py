"""What makes a password too weak: patterns that anybody tries first, and lists of passwords that have been breached."""

import hashlib
import os
import re
from enum import StrEnum
from itertools import pairwise
from pathlib import Path

SHORTEST = 12  # NIST SP 800-63B rev. 4 asks for 15 without and 8 with a second factor; length is what counts
LONGEST = 200  # bounds what a stranger can make us hash

_WORD = re.compile(r"[^\W_]{4,}")  # shorter pieces of names are in too many words
_PATTERNLESS = 8  # characters that follow from no other; fewer are a matter of minutes however long the password
_LONGEST_BLOCK = 8  # "passwordpassword" repeats a block; a longer one is a phrase said twice
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "azertyuiop", "1234567890")


class Weakness(StrEnum):
    """Why a password cannot be used."""

    SHORT = "short"
    LONG = "long"
    PERSONAL = "personal"
    PATTERN = "pattern"
    BREACHED = "breached"


def weakness(password: str, about: tuple[str, ...], breached: "BreachedList | None") -> Weakness | None:
    """What is wrong with a password, or None. `about`: names and addresses that must not be in it."""
    if len(password) < SHORTEST:
        return Weakness.SHORT
    if len(password) > LONGEST:
        return Weakness.LONG
    plain = password.casefold()
    if any(word in plain for text in about for word in _words(text)):
        return Weakness.PERSONAL
    if _is_pattern(plain):
        return Weakness.PATTERN
    if breached is not None and breached.has(password):
        return Weakness.BREACHED
    return None


def _words(text: str) -> set[str]:
    """The words of a name or an address, and a name without its spaces."""
    folded = text.casefold()
    host = folded.rpartition("@")[2] if "@" in folded else ""
    joined = re.sub(r"[\W_]", "", folded) if not host else ""
    ending = host.rpartition(".")[2]  # ".example" or ".info" says nothing about anybody
    return ({*_WORD.findall(folded)} | ({joined} if len(joined) >= 4 else set())) - {ending}


def _is_pattern(plain: str) -> bool:
    for block in range(1, min(_LONGEST_BLOCK, len(plain) // 2) + 1):
        if all(plain[i] == plain[i - block] for i in range(block, len(plain))):
            return True
    following = sum(_follows(before, after) for before, after in pairwise(plain))
    return len(plain) - following < _PATTERNLESS or len(set(plain)) < 5


def _follows(before: str, after: str) -> bool:
    """Whether a character is the same as, or beside, the one before it: in the alphabet or on a keyboard."""
    if abs(ord(before) - ord(after)) <= 1:
        return True
    return any(before + after in row or after + before in row for row in _ROWS)


class BreachedList:
    """Hashes of breached passwords in a file, looked up on disk: some thirty short reads, and no memory to speak of.

    The file holds SHA-1 hashes in upper-case hex, sorted, one a line, or prefixes of them with at least 10
    characters; what follows a colon is left aside. It is what Have I Been Pwned publishes as "ordered by hash".
    """

    def __init__(self, path: Path) -> None:
        """Open the file. Raises OSError."""
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._size = os.fstat(self._file).st_size

    def has(self, password: str) -> bool:
        """Whether the password is on the list. Blocks on the disk for a moment."""
        wanted = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
        low, high = 0, self._size  # the line sought begins at `low` or later, and before `high`
        while low < high:
            middle = (low + high) // 2
            start, line = self._line_from(middle, low)
            if not line or start >= high:
                high = middle
            elif (order := _compare(line, wanted)) == 0:
                return True
            elif order < 0:
                low = start + len(line)
            else:
                high = middle
        return False

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _line_from(self, at: int, floor: int) -> tuple[int, bytes]:
        """The first line that begins at `at` or later, with its end, and where; `floor` begins one for certain."""
        if at > floor:
            piece = os.pread(self._file, _LINE, at - 1)
            end = piece.find(b"\n")
            if end < 0:
                return self._size, b""
            at += end
        line, newline, _ = os.pread(self._file, _LINE, at).partition(b"\n")
        return at, line + newline


_LINE = 256  # bytes; a hash and a count have some 50


def _compare(line: bytes, wanted: bytes) -> int:
    """Below zero where the line stands before `wanted`, above where after, zero where it is its hash or prefix."""
    listed = line.split(b":", 1)[0].strip().upper()
    beginning = wanted[: len(listed)]
    if listed == beginning:
        return 0 if len(listed) >= 10 else -1
    return -1 if listed < beginning else 1
