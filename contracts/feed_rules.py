"""What a consumer of a feed takes: the rules alone, without a network or a disk.

A consumer holds one position of one audience. What arrives has been verified (contracts/feed.py); here it is seen
whether it fits: a replayed, rolled-back or foreign message changes nothing, and where something is missing, only a
snapshot helps.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from contracts.feed import Batch, Event, Snapshot


@dataclass(frozen=True, slots=True)
class Held:
    """Where a consumer stands: everything up to n of a generation, as the registry said it at `made_at`.

    `mark` names the history that led here (contracts/feed.py).
    """

    audience: str
    generation: int
    n: int
    mark: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Accepted:
    """To be taken: from now on the consumer stands at `held`; `events` lead there from where it stood."""

    held: Held
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Gap:
    """Nothing is taken: something is missing in between, or a new generation began. A snapshot closes it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing is taken, and a snapshot of the same source would be no better."""

    reason: str


def accept_batch(held: Held, batch: Batch) -> Accepted | Gap | Refused:
    """What a verified batch means for who stands at `held`."""
    if batch.audience != held.audience:
        return Refused(f"a batch for {batch.audience!r}, not for {held.audience!r}")
    if (batch.generation, batch.after) < (held.generation, held.n):
        begins = f"begins after {batch.generation}, {batch.after}"
        return Refused(f"rolled back or replayed: it {begins}, and {held.generation}, {held.n} is held")
    if batch.generation > held.generation:
        return Gap(f"generation {batch.generation} has begun, {held.generation} is held")
    if batch.after > held.n:
        return Gap(f"events {held.n + 1} to {batch.after} are missing")
    if batch.after_mark != held.mark or (batch.upto == batch.after and batch.upto_mark != held.mark):
        return Refused(f"{_OTHER_HISTORY} at {held.n}; {_RESTORED}")
    # An older message at the same position says nothing newer about the time either.
    made_at = max(batch.made_at, held.made_at)
    return Accepted(replace(held, n=batch.upto, mark=batch.upto_mark, made_at=made_at), batch.events)


def accept_snapshot(held: Held | None, audience: str, snapshot: Snapshot) -> Accepted | Refused:
    """What a verified snapshot means for a consumer of `audience` that stands at `held`, or holds nothing yet."""
    if snapshot.audience != audience:
        return Refused(f"a snapshot for {snapshot.audience!r}, not for {audience!r}")
    fresh = Held(audience, snapshot.generation, snapshot.n, snapshot.mark, snapshot.made_at)
    if held is None or fresh.generation > held.generation:
        return Accepted(fresh)
    if (fresh.generation, fresh.n) < (held.generation, held.n):
        return Refused(
            f"rolled back: a snapshot of {fresh.generation}, {fresh.n}, and {held.generation}, {held.n} is held"
        )
    if fresh.n == held.n and fresh.mark != held.mark:
        return Refused(f"{_OTHER_HISTORY} at {held.n}; {_RESTORED}")
    return Accepted(replace(fresh, made_at=max(fresh.made_at, held.made_at)))


_OTHER_HISTORY = "another history than the one that is held"
_RESTORED = "was the registry restored, and its generation not raised?"
