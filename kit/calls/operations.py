"""An operation that one process of ours calls on another: its name, what goes in and out, and what may be repeated."""

import re
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pydantic import BaseModel

from kit.refusals import Refusal

Q = TypeVar("Q", bound=BaseModel)
A = TypeVar("A", bound=BaseModel)

PATH = "/internal/v1/"
LARGEST_REQUEST = 1024 * 1024  # bytes of a body
LARGEST_ANSWER = 4 * 1024 * 1024
_NAME = re.compile(r"[a-z]+\.[a-z-]+")


@dataclass(frozen=True, eq=False)
class Operation(Generic[Q, A]):
    """`noun.verb`. One that writes carries a nonce; only an idempotent one is ever sent again by itself.

    `known_again`: each request has an id by which the receiver knows what it has done, so that a replay changes nothing
    and no nonce is spent on it (docs/decisions/0008-known-again.md). `within_s` bounds one attempt. `refusals` are
    those that callers tell apart: they come back as these classes.
    """

    name: str
    request: type[Q]
    answer: type[A]
    writes: bool
    idempotent: bool
    known_again: bool = False
    within_s: float = 5.0
    refusals: tuple[type[Refusal], ...] = ()

    def __post_init__(self) -> None:
        """Refuse a name that is no path, and a reading that cannot be repeated."""
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is not of the form noun.verb")
        if not (self.writes or self.idempotent):
            raise ValueError(f"{self.name}: what does not write can be repeated")

    @property
    def nonced(self) -> bool:
        """Whether a call of it carries a nonce."""
        return self.writes and not self.known_again

    @property
    def path(self) -> str:
        """Where it is called."""
        return PATH + self.name


class Calling(Protocol):
    """Whoever calls operations of peers: `Calls`, or in a test something that stands between."""

    async def call(self, peer: str, operation: Operation[Q, A], request: Q) -> A:
        """Call an operation of `peer`. Raises the refusal that the peer raised, or PeerUnavailable."""
        ...
