"""One process of the stack: started, watched until it is ready, started again when it ends by itself, stopped."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from contracts.feed_store import StoreBroken
from kit.sockets import LET_IN, listening
from stack.errors import StackError
from stack.handing import Estate, Handing
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
    handing: Handing | None = None  # with it, another process can take its place while it still answers


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
        self._estate = Estate(service.handing) if service.handing else None
        self._beside: set[Child] = set()  # who is to take its place, or whose place it took
        self._replacing = asyncio.Lock()

    @property
    def report(self) -> Report:
        """How it stands now."""
        if self._report.life is Life.STARTING:
            return replace(self._report, seconds=time.monotonic() - self._begun)
        return self._report

    @property
    def can_be_replaced(self) -> bool:
        """Whether another process could take its place now, so that a restart shuts nobody out."""
        return self._estate is not None and self._report.life is Life.READY

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
        self._let_nobody_in()
        for one in self._beside:
            one.send_signal(signal.SIGKILL if at_once else self.service.stop_signal)
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGKILL if at_once else self.service.stop_signal)
        elif keeper is not None:
            keeper.cancel()  # it was pausing
        if keeper is not None:
            _, late = await asyncio.wait([keeper], timeout=self.service.stop_within_s)
            if late and process is not None:
                process.kill()
                await asyncio.wait([keeper])
        await asyncio.gather(*(self._gone(one) for one in self._beside))
        self._become(Life.STOPPED, pid=None, note="")

    async def replace(self) -> None:
        """Have another process take its place: once that is ready this one finishes what it has in hand, and ends.

        Raises StackError when the other does not get ready; this one answers on then.
        """
        async with self._replacing:
            began = time.monotonic()
            new = await self._next()
            if self._keeper is not None:
                self._keeper.cancel()
            new.send_signal(LET_IN)
            old, self._process = self._process, new
            done = asyncio.get_running_loop().create_future()
            done.set_result(None)
            self._keeper = asyncio.create_task(self._keep(done, new))
            self._become(Life.READY, pid=new.pid, note="", seconds=time.monotonic() - began)
            if old is not None:
                await self._let_go(old)

    async def _next(self) -> Child:
        """A process that is ready beside the one that runs."""
        name, begin, estate, handing = self.service.name, self._said(), self._estate, self.service.handing
        if estate is None or handing is None or not self.can_be_replaced:
            raise StackError(f"{name}: nothing can take its place now: stop and start it")
        command = self._command()
        with listening("127.0.0.1:0") as own:
            try:
                new = start(estate.for_next(command, own), self._report.log)
            except (OSError, StoreBroken) as error:
                estate.give_up(command)
                raise StackError(f"{name}: what was to take its place cannot be started: {error}") from error
            ready = handing.ready(own.getsockname()[1])
        self._beside.add(new)
        try:
            if not await self._gets_ready(new, ready, begin) or self._stopping:
                raise StackError(f"{name}: what was to take its place {self._why_not(new, begin)}")
        except BaseException:
            new.kill()
            new.wait()
            estate.give_up(command)
            self._is_gone(new)
            raise
        self._beside.discard(new)
        estate.hand_on()
        return new

    async def _let_go(self, old: Child) -> None:
        """Let it answer once more to whoever has a connection open, and end."""
        self._beside.add(old)
        try:
            old.send_signal(signal.SIGTERM)  # patiently, kit/stopping.py: another stands in for it
            await self._gone(old)
        finally:
            self._is_gone(old)

    def _is_gone(self, other: Child) -> None:
        """One that was beside has ended. Where nobody is left, whoever asks is to hear that at once."""
        self._beside.discard(other)
        if self._process is None and not self._beside:
            self._let_nobody_in()

    async def _gone(self, process: Child) -> None:
        """Wait until a process that was told to end has, and kill it when that takes too long."""
        try:
            await asyncio.wait_for(_ended(process), self.service.stop_within_s)
        except TimeoutError:
            process.kill()
            process.wait()

    async def _keep(self, first: asyncio.Future[None], living: Child | None = None) -> None:
        """Start it again whenever it ends; it is there already where it is `living`."""
        pause = FIRST_PAUSE_S
        while True:
            begun = time.monotonic()
            ended = await (self._live_once(first) if living is None else self._live_on(living, self._said()))
            living = None
            if not self._beside:
                self._let_nobody_in()
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
        begin = self._said()  # what stands there already is of earlier lives
        self._begun = time.monotonic()
        try:
            command = self._command()
            self._process = process = start(
                self._estate.for_one(command) if self._estate else command, self._report.log
            )
        except OSError as error:
            return f"cannot be started: {error.strerror}"
        self._become(Life.STARTING, pid=process.pid, note="")
        if await self._gets_ready(process, self.service.ready, begin):
            self._become(Life.READY, seconds=time.monotonic() - self._begun)
            if not first.done():
                first.set_result(None)
        elif process.poll() is None:
            process.kill()
            await self._live_on(process, begin)
            return self._late()
        return await self._live_on(process, begin)

    async def _live_on(self, process: Child, begin: int) -> str:
        """Wait until a process has ended; how, in words."""
        code = await _ended(process)
        self._process = None
        return self._how(code, begin)

    def _why_not(self, process: Child, begin: int) -> str:
        """Why it did not get ready beside another."""
        if self._stopping:
            return "was stopped with it"
        return self._late() if (code := process.poll()) is None else self._how(code, begin)

    def _late(self) -> str:
        return f"was not ready after {READY_S:g} s: see {self._report.log}"

    def _how(self, code: int, begin: int) -> str:
        how = f"ended with {code}" if code >= 0 else f"was ended by {signal.Signals(-code).name}"
        return f"{how} ({said_last(self._report.log, begin)})"

    async def _gets_ready(self, process: Child, ready: Check, begin: int) -> bool:
        """Whether it is ready before it ends, and in time."""
        ending = asyncio.create_task(_ended(process))
        watching = asyncio.create_task(self._until(ready, begin))
        try:
            await asyncio.wait([ending, watching], return_when=asyncio.FIRST_COMPLETED)
            return not ending.done() and watching.result()
        finally:
            ending.cancel()
            watching.cancel()

    async def _until(self, ready: Check, begin: int) -> bool:
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            if await ready(self._report.log, begin):
                return True
            await asyncio.sleep(POLL_S)
        return False

    def _command(self) -> Command:
        command = self.service.command
        return command() if callable(command) else command

    def _let_nobody_in(self) -> None:
        if self._estate is not None:
            self._estate.close()

    def _said(self) -> int:
        """Bytes in the log so far."""
        log = self._report.log
        return log.stat().st_size if log.exists() else 0

    def _become(self, life: Life, **changes: object) -> None:
        before = self._report
        self._report = replace(before, life=life, **changes)  # type: ignore[arg-type]  # fields of Report
        if self._report != before:
            self._changed(self)


async def _ended(process: Child) -> int:
    """Wait, without a thread, until a process has ended; its exit code, negative for a signal."""
    if (code := process.poll()) is not None:
        return code
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
