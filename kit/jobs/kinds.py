"""Kinds of job: a name to write jobs under, and, in the worker, the function that does them."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar
from uuid import UUID

C = TypeVar("C")

# context (the process's resources), workspace, the arguments written with the job
Work = Callable[[C, UUID, list[str]], Awaitable[None]]
# the same, and the reason of a GiveUp; empty where only the log and the dead letter know it
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
class Kind:
    """What a job is called (`noun.verb`), where it queues, and how often it is tried."""

    name: str
    lane: Lane = Lane.LIGHT
    attempts: int = 5


@dataclass(frozen=True)
class Task(Generic[C]):
    """How a kind of job is done. `work` must be idempotent: after a crash or a lost answer it runs again."""

    kind: Kind
    work: Work[C]
    gave_up: LastWord[C] | None  # tells the product that the work will not happen, and why


class Tasks(Generic[C]):
    """Every kind of job that a worker can do."""

    def __init__(self) -> None:
        self._by_name: dict[str, Task[C]] = {}

    def does(self, kind: Kind, *, gave_up: LastWord[C] | None = None) -> Callable[[Work[C]], Work[C]]:
        """Make a function the work of `kind`."""

        def register(work: Work[C]) -> Work[C]:
            if kind.name in self._by_name:
                raise ValueError(f"two tasks do {kind.name!r}")
            self._by_name[kind.name] = Task(kind, work, gave_up)
            return work

        return register

    def include(self, others: "Tasks[C]") -> None:
        """Take over what `others` can do. Raises ValueError where both do the same."""
        for task in others:
            self.does(task.kind, gave_up=task.gave_up)(task.work)

    def get(self, name: str) -> Task[C] | None:
        """How to do the kind of that name, if this worker can."""
        return self._by_name.get(name)

    def __iter__(self) -> Iterator[Task[C]]:
        return iter(self._by_name.values())
