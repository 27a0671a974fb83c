"""The figures of a deployment that is full: scenarios as `cellcast load run` runs them, each in a stack of its own."""

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from loadtest.bench.figures import Unmeasurable, figure
from loadtest.load.run import LoadFailed, Wanted, run


@cache
def _report(scenario: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="cellcast-report-") as folder:
        try:
            return run(Wanted(scenario, None, Path(folder)), lambda _: None)
        except LoadFailed as error:
            raise Unmeasurable(str(error)) from None


def _figure(scenario: str, name: str) -> float:
    value: float = _report(scenario)["figures"][name]
    return value


def _fault(scenario: str, name: str) -> float:
    value: float = _report(scenario)["faults"][0][name]
    return value


@figure("load.lost", unit="recordings", target=0, better="lower")
def lost() -> float:
    """200 customers and 50 agents for 5 min: recordings acknowledged and lost, torn or doubled."""
    return _figure("recording", "lost") + _figure("recording", "doubled")


@figure("load.api_p95_ms", unit="ms", target=150, better="lower")
def api_p95_ms() -> float:
    """In the same run: what 95 of 100 pages and calls stay below, seen by those who wait for them."""
    return _figure("recording", "api_p95_ms")


@figure("load.web_media_bytes", unit="bytes", target=0, better="lower")
def web_media_bytes() -> float:
    """In the same run: footage that passed a process of ours."""
    return _figure("recording", "web_media_bytes")


@figure("load.other_cell_errors", unit="errors", target=0, better="lower")
def other_cell_errors() -> float:
    """A cell hangs for two minutes under load: failed steps of the other cell's people, uploads to S3 included."""
    return _fault("hung-cell", "others_errors")


@figure("load.other_cell_p95_change", unit="", target=0.10, better="lower")
def other_cell_p95_change() -> float:
    """In the same run: by how much of itself the others' p95 grew against a minute in which the cell was idle."""
    return _fault("hung-cell", "others_p95_change")


@figure("load.rolling_restart_failures", unit="steps", target=0, better="lower")
def rolling_restart_failures() -> float:
    """All web processes and workers are restarted in turn under load: failed steps, and recordings lost."""
    return _figure("rolling-restart", "failed") + _figure("rolling-restart", "lost")
