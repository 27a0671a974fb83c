"""Runs a scenario: a stack (or one that is up), locust beside it, the faults, the end state, the report."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtest import scenarios
from loadtest.bench.deployment import down, up
from loadtest.bench.figures import Unmeasurable
from loadtest.load import report
from loadtest.load.faults import Faults, timed
from loadtest.load.folder import facts_of
from loadtest.load.resources import Watch
from loadtest.scenario import Scenario
from loadtest.target import VARIABLE, read

LOCUSTFILE = Path(__file__).parents[1] / "locustfile.py"
PREPARES_WITHIN_S = 120.0
ENDS_WITHIN_S = 60.0
LOOK_S = 1.0


class LoadFailed(Exception):
    """The load could not be run; the text says why, for whoever asked for it."""


@dataclass(frozen=True)
class Wanted:
    """What to run, against which stack.json (None: a stack of its own), and where the report goes."""

    name: str
    stack: Path | None
    out: Path
    people: int | None = None  # otherwise as the scenario has it, and `seconds` as well
    seconds: int | None = None

    @property
    def scenario(self) -> Scenario:
        """The scenario in its size. Raises KeyError."""
        return scenarios.get(self.name).sized(self.people, self.seconds)


Tell = Callable[[str], None]  # a line of progress


def run(wanted: Wanted, tell: Tell) -> dict[str, Any]:
    """Run it; the report's facts, which are written to `out` as well. Raises LoadFailed."""
    scenario = wanted.scenario
    wanted.out.mkdir(parents=True, exist_ok=True)
    with _stack(wanted, scenario) as stack:
        watch = _load(wanted, scenario, stack, tell)
        tell("reading the end state back")
        uses = {name: use.facts() for name, use in sorted(watch.uses.items())}
        made = facts_of(wanted.out, read(stack), uses, timed(scenario.faults, scenario.seconds))
    report.write(wanted.out, made)
    return made


@contextmanager
def _stack(wanted: Wanted, scenario: Scenario) -> Iterator[Path]:
    if wanted.stack is not None:
        if scenario.settings:
            raise LoadFailed(f"{wanted.name} needs a stack of its own: leave --stack away")
        yield wanted.stack
        return
    with tempfile.TemporaryDirectory(prefix="cellcast-load-", ignore_cleanup_errors=True) as folder:
        try:
            try:
                up(Path(folder), *(f"--set={one}" for one in scenario.settings))
            except Unmeasurable as error:
                raise LoadFailed(str(error)) from None
            yield Path(folder) / "stack.json"
        finally:
            down(Path(folder))


def _load(wanted: Wanted, scenario: Scenario, stack: Path, tell: Tell) -> Watch:
    """Locust from its first person to its last; what was used meanwhile."""
    watch, faults = Watch(), Faults(stack.parent, timed(scenario.faults, scenario.seconds))
    environment = {
        **os.environ,
        VARIABLE: str(stack),
        "CELLCAST_SCENARIO": wanted.name,
        "CELLCAST_LOAD_OUT": str(wanted.out),
    }
    options = (
        "--headless",
        "--only-summary",
        "--loglevel",
        "WARNING",
        "--exit-code-on-error",
        "0",
        "--stop-timeout",
        "5",
        "--users",
        str(scenario.total),
        "--run-time",
        str(scenario.seconds),
    )
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), *options]
    progress = wanted.out / "progress.json"
    progress.unlink(missing_ok=True)
    with (wanted.out / "locust.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)  # noqa: S603 - locust, as we pinned it
        try:
            begun = _until_begun(process, progress)
            while process.poll() is None:
                at = time.monotonic() - begun
                if at > scenario.seconds + ENDS_WITHIN_S:
                    raise LoadFailed("locust does not end: see locust.log in the report's folder")
                here = read(stack)
                faults.look(at, here)
                watch.look(time.monotonic(), {**here.pids(), "locust": process.pid})
                tell(_line(at, scenario.seconds, progress))
                time.sleep(LOOK_S)
        finally:
            faults.close()
            if process.poll() is None:
                process.terminate()
                process.wait(ENDS_WITHIN_S)
    if process.returncode or not (wanted.out / "ledger.json").exists():
        raise LoadFailed(f"locust ended with {process.returncode}: see {wanted.out / 'locust.log'}")
    if faults.failed:
        raise LoadFailed("; ".join(faults.failed))
    return watch


def _until_begun(process: "subprocess.Popen[bytes]", progress: Path) -> float:
    """Wait until people are there: footage is encoded first."""
    deadline = time.monotonic() + PREPARES_WITHIN_S
    while not _progress(progress).get("people"):
        if process.poll() is not None or time.monotonic() > deadline:
            raise LoadFailed("locust does not begin: see locust.log in the report's folder")
        time.sleep(0.1)
    return time.monotonic()


def _line(at: float, seconds: int, progress: Path) -> str:
    now = _progress(progress)
    return (
        f"{at:.0f} of {seconds} s: {now.get('people', 0)} people, {now.get('steps', 0)} steps, "
        f"{now.get('per_s', 0):.0f} a second, {now.get('failed', 0)} failed"
    )


def _progress(file: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # none yet, or being written
        return {}
    return found
