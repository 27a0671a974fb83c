"""Where a cell broke while more and more people recorded: read from the samples and the ledger of a load."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from loadtest.samples import Sample, of, percentile

SLOT_S = 10.0
P95_MS = 150.0  # of pages and calls: the promise of load.api_p95_ms
PACE = 0.9  # pieces a second of each who records; below, footage arrives later than it is made


@dataclass(frozen=True)
class Slot:
    """Ten seconds of it: how many recorded, their pieces a second, p95 of pages and calls in milliseconds."""

    recorders: float
    pace: float
    p95_ms: float

    @property
    def holds(self) -> bool:
        """Whether the cell kept up."""
        return self.p95_ms <= P95_MS and self.pace >= PACE


def slots(samples: Sequence[Sample], entries: Iterable[Mapping[str, Any]], seconds: float) -> list[Slot]:
    """The run in slots of ten seconds, the last and incomplete one left out."""
    from loadtest.load.report import served

    begun = samples[0].at if samples else 0.0
    spans = _spans(entries, begun + seconds)
    out = []
    for number in range(int(seconds / SLOT_S)):
        start, end = begun + number * SLOT_S, begun + (number + 1) * SLOT_S
        own = [one for one in samples if start <= one.at < end]
        recorders = sum(max(0.0, min(last, end) - max(first, start)) for first, last in spans) / SLOT_S
        pieces = sum(1 for one in own if one.step == "s3: piece" and not one.fault)
        pace = pieces / SLOT_S / recorders if recorders else 1.0
        took = of(own, served)
        out.append(Slot(recorders, pace, percentile(took, 0.95) if took else 0.0))
    return out


def held(found: Sequence[Slot]) -> float | None:
    """The most recorders before two slots on end broke; None where nothing broke."""
    most = 0.0
    for one, following in pairwise(found):
        if not one.holds and not following.holds:
            return most
        if one.holds:
            most = max(most, one.recorders)
    return None


def _spans(entries: Iterable[Mapping[str, Any]], end: float) -> list[tuple[float, float]]:
    """When each recording was being made."""
    first: dict[str, float] = {}
    last: dict[str, float] = {}
    for entry in entries:
        (first if entry["said"] == "begun" else last)[entry["recording"]] = entry["at"]
    return [(at, last.get(recording, end)) for recording, at in first.items()]
