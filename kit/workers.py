"""Several processes that answer at one address: started, looked after and ended by their parent, and counted as one."""

import asyncio
import mmap
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from kit import logs
from kit.stopping import Stop

_GO = b"go\n"  # what the parent says once everything is in order
_LOOK_EVERY_S = 0.05
_RESTART_AFTER_S = 1.0
_STOP_WITHIN_S = 28.0  # a server gives what is in flight 25 s (kit/http/server.py)
_NUMBERS = 64  # in a row

READY = 0  # the first number of each row: 1 while the worker answers

log = logs.get("workers")


class Rows:
    """A row of numbers a worker, in memory shared with the parent.

    Writing one costs as much as in a list. A worker that is started again goes on in its row: sums never fall.
    """

    def __init__(self, workers: int, shared: int | None = None) -> None:
        """`shared` is the file descriptor that the parent handed on; without one the memory is made."""
        self.shared = os.memfd_create("cellcast-rows") if shared is None else shared
        if shared is None:
            os.ftruncate(self.shared, workers * _NUMBERS * 8)
        numbers = memoryview(mmap.mmap(self.shared, workers * _NUMBERS * 8)).cast("Q")
        self.rows = [numbers[one * _NUMBERS : (one + 1) * _NUMBERS] for one in range(workers)]

    def sum(self, column: int) -> int:
        """The number of all workers together."""
        return sum(row[column] for row in self.rows)


class Workers:
    """The processes that answer; one that ends is started again. They load at once, and answer when told to.

    `arguments` makes a worker's, from its number; it begins in `lifeline` and sets READY in its row.
    """

    def __init__(self, rows: Rows, arguments: Callable[[int], Sequence[str]]) -> None:
        self._rows = rows
        self._arguments = arguments
        self._running = [self._start(number) for number in range(len(rows.rows))]
        self._started = [time.monotonic()] * len(self._running)

    async def run(self, stop: Stop, on_ready: Callable[[], None]) -> None:
        """Let them answer and look after them until `stop` is set; then have them finish and end."""
        for one in self._running:
            _say_go(one)
        said = False
        while not stop.is_set():
            self._restart()
            if not said and self._rows.sum(READY) == len(self._running):
                said = True
                on_ready()
            await _within(stop, _LOOK_EVERY_S)
        for one in self._running:
            one.send_signal(signal.SIGTERM if stop.patient else signal.SIGINT)
        deadline = time.monotonic() + _STOP_WITHIN_S
        for one in self._running:
            try:
                await asyncio.to_thread(one.wait, max(deadline - time.monotonic(), 0))
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait()

    def _restart(self) -> None:
        """Start those again that have ended, each at most once a second."""
        for number, one in enumerate(self._running):
            if one.poll() is None or time.monotonic() < self._started[number] + _RESTART_AFTER_S:
                continue
            log.error("worker ended", worker=number, code=one.returncode)
            self._rows.rows[number][READY] = 0
            self._running[number] = self._start(number)
            self._started[number] = time.monotonic()
            _say_go(self._running[number])

    def _start(self, number: int) -> "subprocess.Popen[bytes]":
        # Its stdin is its life line: it ends when we do, however that was.
        return subprocess.Popen(  # noqa: S603 - a program of ours
            [sys.executable, *self._arguments(number)], stdin=subprocess.PIPE, pass_fds=[self._rows.shared]
        )


async def lifeline(stop: asyncio.Event) -> bool:
    """In a worker: True once the parent says go. From then on `stop` is set when the parent is gone."""
    pipe = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(pipe), sys.stdin)
    if await pipe.readline() != _GO:
        return False

    async def watch() -> None:
        await pipe.read()
        stop.set()

    _watching.append(asyncio.create_task(watch()))
    return True


_watching: list["asyncio.Task[None]"] = []  # the loop itself holds tasks weakly


def _say_go(worker: "subprocess.Popen[bytes]") -> None:
    assert worker.stdin is not None
    try:
        worker.stdin.write(_GO)
        worker.stdin.flush()
    except BrokenPipeError:
        pass  # it has ended; it will be started again


async def _within(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
