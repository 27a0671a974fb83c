"""Runbooks tried: a fault is made on a stack on this machine, the alert becomes true, its page is followed, it ends.

One row a rehearsal. What is looked at and done are commands of the page itself, in their form for one machine; a test
holds that they stand there.
"""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import psutil

from observability.prometheus import Prometheus, scraping

LOOK_S = 0.2
FIRES_WITHIN_S = 900.0  # beyond it nobody would have been told in time
QUIET_WITHIN_S = 60.0  # what came before may still be ending
ENDS_WITHIN_S = 600.0  # windows of five minutes have to pass
COMMAND_S = 120.0


@dataclass(frozen=True)
class Rehearsal:
    """`process` hangs (SIGSTOP), is stopped or killed; the alert with these labels; what its page has one do."""

    alert: str
    process: str
    fault: Literal["hangs", "is stopped"]
    labels: Mapping[str, str]
    look: tuple[str, ...]
    mend: str


_CELL = {"cell": "eu-1"}

REHEARSALS = (
    Rehearsal(
        "RedisAway",
        "eu-1-redis",
        "hangs",
        _CELL,
        ("cellcast stack logs eu-1-redis",),
        "cellcast stack restart eu-1-redis",
    ),
    Rehearsal(
        "DatabaseAway",
        "eu-1-postgres",
        "hangs",
        _CELL,
        ("cellcast stack status", "cellcast stack logs eu-1-postgres"),
        "cellcast stack restart eu-1-postgres",
    ),
    Rehearsal(
        "BucketRefuses",
        "eu-1-s3",
        "is stopped",
        _CELL,
        ("cellcast stack logs eu-1-worker",),
        "cellcast stack start eu-1-s3",
    ),
    Rehearsal(
        "ProcessDown",
        "eu-1-web",
        "hangs",
        {**_CELL, "process": "web"},
        ("cellcast stack status", "cellcast stack logs eu-1-web"),
        "cellcast stack restart eu-1-web",
    ),
    Rehearsal(
        "SweepSilent",
        "eu-1-scheduler",
        "hangs",
        _CELL,
        ("cellcast stack logs eu-1-scheduler",),
        "cellcast stack restart eu-1-scheduler",
    ),
    Rehearsal(
        "HeartbeatSilent",
        "eu-1-scheduler",
        "is stopped",
        {"member": "eu-1"},
        ("cellcast stack status", "cellcast stack logs eu-1-scheduler"),
        "cellcast stack start eu-1-scheduler",
    ),
    Rehearsal(
        "FeedBehind",
        "control-plane",
        "is stopped",
        {"part": "router"},
        ("cellcast stack logs router",),
        "cellcast stack start control-plane",
    ),
)


class RehearsalFailed(Exception):
    """The alert did not come, or did not go, or a command of the page failed. The text says which."""


@dataclass
class Result:
    """Seconds: from the fault until the expression was true, until the alert fired; from the mending until it ended."""

    alert: str
    fault: str
    true_s: float = 0.0
    fires_s: float = 0.0
    mended: str = ""
    mending_s: float = 0.0
    ends_s: float = 0.0
    said: dict[str, str] = field(default_factory=dict)  # what the page had one look at -> the last line of it

    def words(self) -> str:
        """For people."""
        looked = "".join(f"\n  {command}: {line}" for command, line in self.said.items())
        return (
            f"{self.alert}: {self.fault}; true after {self.true_s:g} s, fired after {self.fires_s:g} s{looked}\n"
            f"  {self.mended}: took {self.mending_s:g} s, the alert ended {self.ends_s:g} s after it was begun"
        )


def rehearse(stack: Path, chosen: tuple[Rehearsal, ...], folder: Path, faster: float) -> Iterator[Result]:
    """Try them one after the other against the stack of a stack.json, with a Prometheus in `folder`.

    Raises RehearsalFailed, NoPrometheus; OSError, ValueError for a stack.json that is none.
    """
    targets = json.loads(stack.read_bytes())["scrapes"]
    with scraping(targets, folder, faster) as prometheus:
        _until(lambda: prometheus.knows(len(targets)), 60, "not every process answers scrapes: is the stack well?")
        for one in chosen:
            yield _tried(one, stack, prometheus)


def _tried(one: Rehearsal, stack: Path, prometheus: Prometheus) -> Result:
    result = Result(one.alert, f"{one.process} {one.fault}", mended=one.mend)
    _until(lambda: not _active(prometheus, one), QUIET_WITHIN_S, f"{one.alert} is true before anything was done")
    with _hurt(one, stack):
        began = time.monotonic()
        _until(lambda: bool(_active(prometheus, one)), FIRES_WITHIN_S, f"{one.alert} does not become true")
        result.true_s = _since(began)
        fires = f"{one.alert} does not fire"
        _until(lambda: "firing" in _active(prometheus, one), FIRES_WITHIN_S, fires)
        result.fires_s = _since(began)
        for command in one.look:
            result.said[command] = _ran(command, stack, may_fail=command == "cellcast stack status")
        began = time.monotonic()
        _ran(one.mend, stack)
        result.mending_s = _since(began)
    _until(lambda: not _active(prometheus, one), ENDS_WITHIN_S, f"{one.alert} does not end")
    result.ends_s = _since(began)
    return result


def _active(prometheus: Prometheus, one: Rehearsal) -> list[str]:
    """The states of the alert where it is about what was hurt: pending, firing."""
    return [each["state"] for each in prometheus.alerts(one.alert) if one.labels.items() <= each["labels"].items()]


@contextmanager
def _hurt(one: Rehearsal, stack: Path) -> Iterator[None]:
    """Make the fault; whatever still hangs or is stopped at the end, as when the alert did not come, goes on."""
    if one.fault == "is stopped":
        try:
            _ran(f"cellcast stack stop {one.process}", stack)
            yield
        finally:
            _ran(f"cellcast stack start {one.process}", stack)
        return
    pids = {each["name"]: each.get("pid") for each in json.loads(stack.read_bytes())["processes"]}
    first = psutil.Process(pids[one.process])
    everybody = [first, *first.children(recursive=True)]
    try:
        _signal(everybody, signal.SIGSTOP)
        yield
    finally:
        _signal(everybody, signal.SIGCONT)


def _signal(processes: list[psutil.Process], number: signal.Signals) -> None:
    for each in processes:
        try:
            each.send_signal(number)  # psutil knows a pid that has become somebody else's
        except psutil.NoSuchProcess:
            continue


def _ran(command: str, stack: Path, *, may_fail: bool = False) -> str:
    """Run a command of a page against this stack; the last line it said. Where something is down, `status` fails."""
    words = [sys.executable, "-m", "kit.cli", *shlex.split(command)[1:], "--dir", str(stack.parent)]
    environment = {**os.environ, "COLUMNS": "120"}
    done = subprocess.run(  # noqa: S603 - our own command line
        words, capture_output=True, text=True, timeout=COMMAND_S, env=environment, check=False
    )
    if done.returncode and not may_fail:
        raise RehearsalFailed(f"`{command}` ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""


def _until(condition: Callable[[], bool], within_s: float, otherwise: str) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise RehearsalFailed(f"{otherwise}, {within_s:g} s later")
        time.sleep(LOOK_S)


def _since(moment: float) -> float:
    return round(time.monotonic() - moment, 1)
