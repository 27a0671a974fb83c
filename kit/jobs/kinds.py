"""The kinds of job a process knows: a name, the function that does it, and how failures are treated."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar
from uuid import UUID

C = TypeVar("C")

# context (the process's resources), workspace, the arguments written with the job
Work = Callable[[C, UUID, list[str]], Awaitable[None]]
# the same, and the reason why the job was given up
LastWord = Callable[[C, UUID, list[str], str], Awaitable[None]]


class Lane(StrEnum):
    """Queues that do not wait for one another: minutes of ffmpeg never delay a second's errand."""

    LIGHT = "light"
    MEDIA = "media"


class GiveUp(Exception):
    """Trying again cannot help. The text is the reason that is kept."""


class RunAgain(Exception):
    """Not a failure: the job is to run once more after `after_s` seconds, with its attempts reset."""

    def __init__(self, after_s: float) -> None:
        super().__init__(f"again in {after_s} s")
        self.after_s = after_s


@dataclass(frozen=True)
class Kind(Generic[C]):
    """One kind of job. `work` must be idempotent: it may run twice, after a crash or a lost answer."""

    name: str
    work: Work[C]
    lane: Lane = Lane.LIGHT
    attempts: int = 5
    gave_up: LastWord[C] | None = None  # tells the product that the work will not happen, and why


@dataclass(frozen=True)
class Kinds(Generic[C]):
    """Every kind that a worker knows; a job of an unknown kind is refused where it is written."""

    _by_name: dict[str, Kind[C]] = field(default_factory=dict)

    def declare(
        self, name: str, *, lane: Lane = Lane.LIGHT, attempts: int = 5, gave_up: LastWord[C] | None = None
    ) -> Callable[[Work[C]], Kind[C]]:
        """Make a function a kind of job under `name` (`noun.verb`)."""

        def register(work: Work[C]) -> Kind[C]:
            if name in self._by_name:
                raise ValueError(f"two kinds of job are called {name!r}")
            made = Kind(name, work, lane, attempts, gave_up)
            self._by_name[name] = made
            return made

        return register

    def get(self, name: str) -> Kind[C] | None:
        """The kind of that name, if this worker knows it."""
        return self._by_name.get(name)

    def __iter__(self) -> Iterator[Kind[C]]:
        return iter(self._by_name.values())
