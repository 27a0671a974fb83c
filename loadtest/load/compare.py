"""Two reports side by side: what became slower, faster, or began to fail."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LEAST_COUNT = 20  # percentiles of fewer say nothing
LEAST_MS = 5.0  # below that the difference is the clock's


@dataclass(frozen=True)
class Change:
    """A step in both reports: p95 before and after in milliseconds, and failures."""

    step: str
    before_ms: float
    after_ms: float
    failed_before: int
    failed_after: int
    worse: bool

    @property
    def share(self) -> float:
        """0.1 is a tenth slower."""
        return self.after_ms / self.before_ms - 1 if self.before_ms else 0.0


def compare(before: Mapping[str, Any], after: Mapping[str, Any], worse_than: float) -> list[Change]:
    """Every step of both, worst first. Worse: its p95 grew by more than the share, or it fails more often."""
    out = []
    for step in before["steps"].keys() & after["steps"].keys():
        was, now = before["steps"][step], after["steps"][step]
        counted = min(was["count"], now["count"]) >= LEAST_COUNT
        slower = counted and now["p95"] - was["p95"] > LEAST_MS and now["p95"] > was["p95"] * (1 + worse_than)
        fails = now["failed"] / now["count"] > was["failed"] / was["count"]
        out.append(Change(step, was["p95"], now["p95"], was["failed"], now["failed"], slower or fails))
    return sorted(out, key=lambda one: (not one.worse, -one.share, one.step))


def losses(after: Mapping[str, Any]) -> list[str]:
    """What no run may have, whatever the one before had."""
    figures = after["figures"]
    said = {
        "lost": "recordings lost",
        "doubled": "recordings doubled",
        "web_media_bytes": "bytes of footage through the web",
    }
    return [f"{figures[name]:g} {words}" for name, words in said.items() if figures[name]]
