"""One process of the stack: started, watched until it is ready, started again when it ends by itself, stopped."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from stack.errors import StackError
from stack.nursery import spawn_in
from stack.processes import Child, Command, spawn
from stack.waiting import Check, said_last

POLL_S = 0.05  # how often a starting process is asked whether it is ready
READY_S = 60.0  # a process that is not ready after this long does not get ready
STEADY_S = 30.0  # a process that ran this long begins again with the shortest pause
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 15.0


class Life(StrEnum):
    """Where a process is in its life."""

    WAITING = "waiting"  # for what it needs
    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"  # it ended by itself, and will be started again after a pause
    STOPPED = "stopped"  # as it was told


@dataclass(frozen=True)
class Service:
    """What a process is: an entry of the topology's table."""

    name: str
    command: Command | Callable[[], Command]  # called at each start, where it is known only then
    ready: Check
    after: tuple[str, ...] = ()  # processes and steps that come first
    stage: int = 0  # the order of stopping; the lowest first, those of one stage together
    stop_signal: signal.Signals = signal.SIGTERM
    stop_within_s: float = 28.0  # what is in hand may finish: a little more than web and workers give it themselves


@dataclass(frozen=True)
class Report:
    """A process at this moment, for status and tables."""

    name: str
    life: Life
    pid: int | None
    restarts: int
    note: str
    seconds: float  # until it was ready, while it starts: so far
    log: Path


class Unit:
    """Keeps one service alive from `start` to `stop`. `changed` is called after every change of its life."""

    def __init__(self, service: Service, log: Path, changed: Callable[["Unit"], None]) -> None:
        self.service = service
        self._changed = changed
        self._report = Report(service.name, Life.WAITING, None, 0, "", 0.0, log)
        self._process: Child | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._stopping = False
        self._begun = 0.0

    @property
    def report(self) -> Report:
        """How it stands now."""
        if self._report.life is Life.STARTING:
            return replace(self._report, seconds=time.monotonic() - self._begun)
        return self._report

    async def start(self) -> None:
        """Start it and return once it is ready. Raises StackError when it ends before, or takes too long."""
        if self._keeper is not None and not self._keeper.done():
            return
        self._stopping = False
        first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._keeper = asyncio.create_task(self._keep(first))
        await first

    async def stop(self, *, at_once: bool = False) -> None:
        """End it: by its own signal, and by SIGKILL when that takes too long or `at_once`."""
        self._stopping = True
        keeper, process = self._keeper, self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGKILL if at_once else self.service.stop_signal)
        elif keeper is not None:
            keeper.cancel()  # it was pausing
        if keeper is not None:
            _, late = await asyncio.wait([keeper], timeout=self.service.stop_within_s)
            if late and process is not None:
                process.kill()
                await asyncio.wait([keeper])
        self._become(Life.STOPPED, pid=None, note="")

    async def _keep(self, first: asyncio.Future[None]) -> None:
        pause = FIRST_PAUSE_S
        while True:
            begun = time.monotonic()
            ended = await self._live_once(first)
            if self._stopping:
                if not first.done():
                    first.set_exception(StackError(f"{self.service.name}: was stopped while it started"))
                return
            if not first.done():  # the first start of all: whoever started it hears why it failed
                self._become(Life.STOPPED, pid=None, note=ended)
                first.set_exception(StackError(f"{self.service.name}: {ended}"))
                return
            pause = FIRST_PAUSE_S if time.monotonic() - begun > STEADY_S else pause
            note = f"{ended}; starting again in {pause:g} s"
            self._become(Life.RESTARTING, pid=None, note=note, restarts=self._report.restarts + 1)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    async def _live_once(self, first: asyncio.Future[None]) -> str:
        """One life of the process, from start to end; how it ended, in words."""
        log = self._report.log
        begin = log.stat().st_size if log.exists() else 0  # what stands there already is of earlier lives
        self._begun = time.monotonic()
        command = self.service.command
        try:
            self._process = process = start(command() if callable(command) else command, log)
        except OSError as error:
            return f"cannot be started: {error.strerror}"
        self._become(Life.STARTING, pid=process.pid, note="")
        ending = asyncio.create_task(_ended(process))
        watching = asyncio.create_task(self._until_ready(begin))
        await asyncio.wait([ending, watching], return_when=asyncio.FIRST_COMPLETED)
        if not ending.done():
            if watching.result():
                self._become(Life.READY, seconds=time.monotonic() - self._begun)
                if not first.done():
                    first.set_result(None)
            else:
                process.kill()
        watching.cancel()
        code = await ending
        self._process = None
        if watching.done() and not watching.cancelled() and not watching.result():
            return f"was not ready after {READY_S:g} s: see {log}"
        how = f"ended with {code}" if code >= 0 else f"was ended by {signal.Signals(-code).name}"
        return f"{how} ({said_last(log, begin)})"

    async def _until_ready(self, begin: int) -> bool:
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            if await self.service.ready(self._report.log, begin):
                return True
            await asyncio.sleep(POLL_S)
        return False

    def _become(self, life: Life, **changes: object) -> None:
        before = self._report
        self._report = replace(before, life=life, **changes)  # type: ignore[arg-type]  # fields of Report
        if self._report != before:
            self._changed(self)


async def _ended(process: Child) -> int:
    """Wait, without a thread, until a process has ended; its exit code, negative for a signal."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    handle = os.pidfd_open(process.pid)
    loop.add_reader(handle, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)
    return process.wait()


def start(command: Command, log: Path, stdin: Path | None = None, stdout: Path | None = None) -> Child:
    """Start a program, from a nursery where the command names one. Raises OSError when it cannot be started."""
    if command.nursery:
        return spawn_in(command.nursery, command, log, stdin, stdout)
    return spawn(command, log, stdin, stdout)


async def run_to_end(command: Command, log: Path, stdin: Path | None = None, stdout: Path | None = None) -> int:
    """Run a program that does one thing; its exit code. It is killed when we are cancelled."""
    process = start(command, log, stdin, stdout)
    try:
        return await _ended(process)
    finally:
        process.kill()
        process.wait()
