"""Results as a file and as a table. A partial run replaces its own figures and leaves the others."""

import json
import os
import platform
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from rich.table import Table

from loadtest.bench.figures import Better, Figure

_STEPS = 200_000


@dataclass(frozen=True)
class Result:
    """One measured figure; `value` is None when it could not be taken."""

    name: str
    value: float | None
    unit: str
    target: float
    ok: bool
    better: Better
    at: str  # when, ISO 8601
    machine: str


def result(one: Figure, value: float | None) -> Result:
    """What `value` means for this figure."""
    ok, at = value is not None and one.reached(value), datetime.now(UTC).isoformat(timespec="seconds")
    return Result(one.name, value, one.unit, one.target, ok, one.better, at, machine())


def merge(path: Path, fresh: Iterable[Result]) -> None:
    """Write `fresh` into the list at `path`, by name; the file is replaced whole."""
    known = _known(path)
    known.update({one.name: asdict(one) for one in fresh})
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.write_text(json.dumps([known[name] for name in sorted(known)], indent=2) + "\n", encoding="utf-8")
    unfinished.replace(path)


def table(rows: Iterable[tuple[Figure, Result]]) -> Table:
    """The results for reading: one line a figure."""
    made = Table("name", "value", "target", "ok", "machine")
    where = machine()
    for one, measured in rows:
        value = "-" if measured.value is None else f"{measured.value:.4g} {one.unit}"
        ok = "[green]yes[/]" if measured.ok else "[red]no[/]"
        made.add_row(one.name, value, f"{_least(one.better)} {one.target:g} {one.unit}", ok, where)
    return made


@cache
def machine() -> str:
    """Where this ran: number, kind and speed of the processors, and the Python.

    The speed says how far figures of two machines may be compared: millions of steps of a plain loop in a second.
    """
    steps = _STEPS / min(_step_s() for _ in range(5)) / 1e6
    return f"{os.cpu_count()} x {_processor()}, {steps:.0f} M steps/s, Python {platform.python_version()}"


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def _step_s() -> float:
    """Processor seconds of the loop; the best of several is what nobody else was in the way of."""
    begun = time.thread_time()
    total = 0
    for step in range(_STEPS):
        total ^= step
    return time.thread_time() - begun


def _least(better: Better) -> str:
    return "≥" if better == "higher" else "≤"


def _known(path: Path) -> dict[str, dict[str, object]]:
    try:
        return {str(entry["name"]): entry for entry in json.loads(path.read_text(encoding="utf-8"))}
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # none yet, or of no use: this run writes a good one
