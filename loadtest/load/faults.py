"""Does a scenario's faults to the processes of a stack on this machine, and undoes them whatever happens."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from loadtest.scenario import Fault
from loadtest.target import Target

RESTART_WITHIN_S = 120
STOPS_S, RUNS_S = 0.2, 0.1  # of a slow process: two thirds of the time it stands still


@dataclass(frozen=True)
class Timed:
    """A fault in seconds of the run."""

    fault: Fault
    begins: float
    ends: float


def timed(faults: Sequence[Fault], seconds: float) -> list[Timed]:
    """When each begins and ends."""
    return [Timed(one, one.at * seconds, (one.at + one.lasts) * seconds) for one in faults]


class Faults:
    """The faults of one run against the stack of a folder."""

    def __init__(self, folder: Path, faults: Sequence[Timed]) -> None:
        self._folder = folder
        self._waiting = sorted(faults, key=lambda one: one.begins)
        self._hung: list[tuple[float, list[int]]] = []
        self._slow: list[tuple[float, threading.Event, threading.Thread]] = []
        self._restarts: list[threading.Thread] = []
        self.failed: list[str] = []

    def look(self, at: float, here: Target) -> None:
        """Begin and end what is due `at` that second of the run."""
        while self._waiting and self._waiting[0].begins <= at:
            due = self._waiting.pop(0)
            if due.fault.kind == "hang":
                self._hang(due, here)
            elif due.fault.kind == "slow":
                self._slow_down(due, here)
            else:
                self._restarts.append(threading.Thread(target=self._restart, args=(due.fault.names,)))
                self._restarts[-1].start()
        for ends, pids in [one for one in self._hung if one[0] <= at]:
            _signal(pids, signal.SIGCONT)
            self._hung.remove((ends, pids))
        for _, stop, _ in [one for one in self._slow if one[0] <= at]:
            stop.set()

    def close(self) -> None:
        """Let whatever hangs go on, and wait for restarts."""
        for _, pids in self._hung:
            _signal(pids, signal.SIGCONT)
        self._hung.clear()
        for _, stop, thread in self._slow:
            stop.set()
            thread.join()
        for one in self._restarts:
            one.join()

    def _hang(self, due: Timed, here: Target) -> None:
        every = _processes(due.fault.names, here)
        _signal(every, signal.SIGSTOP)
        self._hung.append((due.ends, every))

    def _slow_down(self, due: Timed, here: Target) -> None:
        stop = threading.Event()
        thread = threading.Thread(target=_stutter, args=(_processes(due.fault.names, here), stop))
        self._slow.append((due.ends, stop, thread))
        thread.start()

    def _restart(self, names: Sequence[str]) -> None:
        for name in names:
            command = [sys.executable, "-m", "kit.cli", "stack", "restart", name, "--dir", str(self._folder)]
            done = subprocess.run(  # noqa: S603 - our own command
                command, capture_output=True, text=True, timeout=RESTART_WITHIN_S, check=False
            )
            if done.returncode:
                self.failed.append(f"{name} did not restart: {done.stderr.strip()[-200:]}")


def _processes(names: Sequence[str], here: Target) -> list[int]:
    """Those of these names, and what is below them: PostgreSQL's own processes, too."""
    known = here.pids()
    pids = [known[name] for name in names if name in known]
    return sorted({pid for one in pids for pid in _with_children(one)})


def _stutter(pids: Sequence[int], stop: threading.Event) -> None:
    """Have processes stand still and run in turn until told to stop; then they run."""
    try:
        while not stop.is_set():
            _signal(pids, signal.SIGSTOP)
            stop.wait(STOPS_S)
            _signal(pids, signal.SIGCONT)
            stop.wait(RUNS_S)
    finally:
        _signal(pids, signal.SIGCONT)


def _with_children(pid: int) -> list[int]:
    try:
        process = psutil.Process(pid)
        return [pid, *(child.pid for child in process.children(recursive=True))]
    except psutil.NoSuchProcess:
        return []


def _signal(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
