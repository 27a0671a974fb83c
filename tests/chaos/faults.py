"""The table of faults: what is done to which process of the hurt cell, and how it is undone."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

from tests.chaos.pair import HURT, Pair
from tests.e2e.waiting import until

UP_AGAIN_S = 60.0
SLOW_S = 0.1  # more that each answer of a server takes, and each question

PROCESSES = ("postgres", "redis", "s3", "web", "worker", "scheduler", "provisioning")
LINES = ("postgres", "redis", "s3", "web")
DISKS = {"postgres": "postgres", "redis": "redis", "s3": "s3", "worker": "scratch"}  # whose disk is which


@dataclass(frozen=True)
class Row:
    """One fault of one process."""

    process: str
    fault: str

    def __str__(self) -> str:
        return f"{self.process}-{self.fault}"

    @property
    def unit(self) -> str:
        """The process by its name in the stack; provisioning is the region's."""
        return "provisioning-us" if self.process == "provisioning" else f"{HURT}-{self.process}"


ROWS = (
    *(Row(process, "killed") for process in PROCESSES),
    *(Row(process, "hangs") for process in PROCESSES),
    *(Row(process, fault) for fault in ("slow", "refuses", "silent") for process in LINES),
    *(Row(process, "full") for process in DISKS),
)
# Cut off one way or the other is enough for a short look.
LONG_LOOK = {Row("postgres", "refuses"), Row("s3", "refuses"), Row("redis", "silent"), Row("web", "silent")}


async def kill(pair: Pair, row: Row, held: Callable[[], Awaitable[None]]) -> None:
    """SIGKILL; its supervisor starts it again."""
    killed = pair.deployment.pid(row.unit)
    os.kill(killed, signal.SIGKILL)

    async def ready() -> bool:
        now = (await asyncio.to_thread(pair.deployment.processes))[row.unit]
        return now["life"] == "ready" and now["pid"] != killed

    await until(ready, UP_AGAIN_S)


async def hang(pair: Pair, row: Row, held: Callable[[], Awaitable[None]]) -> None:
    """SIGSTOP, and SIGCONT after a while: the process with all its children."""
    process = psutil.Process(pair.deployment.pid(row.unit))
    everybody = [process, *process.children(recursive=True)]
    with _undone(lambda: _signalled(everybody, signal.SIGCONT)):
        _signalled(everybody, signal.SIGSTOP)
        await held()


async def slow(pair: Pair, row: Row, held: Callable[[], Awaitable[None]]) -> None:
    """Every piece takes longer, there and back."""
    line = pair.lines[row.process]

    def quick() -> None:
        line.delay_s = 0.0

    with _undone(quick):
        line.delay_s = SLOW_S
        await held()


async def refuse(pair: Pair, row: Row, held: Callable[[], Awaitable[None]]) -> None:
    """Connections are cut off, and new ones refused."""
    line = pair.lines[row.process]
    await line.close()
    try:
        await held()
    finally:
        await line.open()


async def silence(pair: Pair, row: Row, held: Callable[[], Awaitable[None]]) -> None:
    """Nothing passes, and nobody is told: a firewall that drops, a cable that is pulled."""
    line = pair.lines[row.process]
    with _undone(line.let_go):
        line.hold()
        await held()


async def fill(pair: Pair, row: Row, held: Callable[[], Awaitable[None]]) -> None:
    """Its disk is full."""
    disk = pair.disks[DISKS[row.process]]
    with _undone(disk.free):
        disk.fill()
        await held()


DO = {"killed": kill, "hangs": hang, "slow": slow, "refuses": refuse, "silent": silence, "full": fill}


@contextmanager
def _undone(undo: Callable[[], None]) -> Iterator[None]:
    try:
        yield
    finally:
        undo()


def _signalled(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    for one in processes:
        try:
            one.send_signal(number)
        except psutil.NoSuchProcess:
            continue
