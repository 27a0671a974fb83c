"""Every step that was taken, one by one: percentiles are exact, of any kind of people and any part of the time."""

import csv
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Sample:
    """A step: when it ended (seconds since the epoch), its name, the cell that served it or "s3", how long it took.

    `of` is the cell whose people took it, wherever it went.
    """

    at: float
    step: str
    where: str
    ms: float
    sent: int  # bytes of its body
    fault: str  # why it failed, or empty
    of: str = ""

    @property
    def began(self) -> float:
        """When it began, seconds since the epoch."""
        return self.at - self.ms / 1000


Wire = tuple[float, str, str, float, int, str, str]


class Recorder:
    """Listens to locust's requests and keeps a sample of each."""

    def __init__(self) -> None:
        self._kept: list[Wire] = []

    def heard(
        self,
        *,
        name: str,
        response_time: float,
        exception: object = None,
        context: dict[str, Any] | None = None,
        **_: object,
    ) -> None:
        """As locust's `request` event says it."""
        about = context or {}
        fault = "" if exception is None else str(exception)[:120] or type(exception).__name__
        where, sent, of = about.get("cell", ""), about.get("sent", 0), about.get("of", "")
        self._kept.append((time.time(), name, where, response_time, sent, fault, of))

    def taken(self) -> list[Wire]:
        """What was kept since the last time."""
        out, self._kept = self._kept, []
        return out


def write(path: Path, samples: Iterable[Wire]) -> None:
    """Write samples as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(samples)


def read(path: Path) -> list[Sample]:
    """Read them back, in order of time."""
    with path.open(newline="", encoding="utf-8") as file:
        found = [
            Sample(float(at), step, where, float(ms), int(sent), fault, of)
            for at, step, where, ms, sent, fault, of in csv.reader(file)
        ]
    return sorted(found, key=lambda one: one.at)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of the values do not exceed, by nearest rank; NaN of none."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def of(samples: Iterable[Sample], wanted: Callable[[Sample], bool]) -> list[float]:
    """How long the wanted ones took, those that did not fail (milliseconds)."""
    return [one.ms for one in samples if wanted(one) and not one.fault]
