"""What customers send: a real WebM in pieces of a second, made once, its hashes with it."""

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from functools import cache

from loadtest import media

SECONDS = 240
KILOBITS = 416  # with the sound's 64: 60 kB a second


@dataclass(frozen=True)
class Piece:
    """A second of footage; `sha256` in base64, as the protocol has it."""

    content: bytes
    sha256: str


@cache
def pieces() -> list[Piece]:
    """The whole footage. The first n of them are a recording of n seconds, as if the tab had been closed then."""
    footage = media.webm(SECONDS, width=640, height=360, kilobits=KILOBITS)
    return [
        Piece(content, b64encode(hashlib.sha256(content).digest()).decode())
        for content in media.chunks(footage, SECONDS)
    ]
