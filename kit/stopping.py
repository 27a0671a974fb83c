"""How a process of ours is told to stop, and work that ends with something else."""

import asyncio
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import TypeVar

T = TypeVar("T")


class Stop(asyncio.Event):
    """Set once this process is to end. `patient`: others stand in for it, so its clients may be given time to move."""

    patient = False


def stop_event() -> Stop:
    """Set by SIGTERM, patiently, and by SIGINT; call it inside the running loop."""
    stop = Stop()
    loop = asyncio.get_running_loop()

    def told(number: signal.Signals) -> None:
        stop.patient = number is signal.SIGTERM
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told, number)
    return stop


@asynccontextmanager
async def beside(work: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Have the work done while the block runs; it is cancelled at the end."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()


async def unless(stop: asyncio.Event, work: Coroutine[object, object, T]) -> T | None:
    """What the work answers, or None as soon as `stop` is set: the work is given up then."""
    working, stopped = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
        return await working if working.done() else None
    finally:
        stopped.cancel()
        working.cancel()
