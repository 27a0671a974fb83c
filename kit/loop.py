"""How long this process's event loop was held up: by what ran in it, or by a machine without time for it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import Gauge

from kit.stopping import beside

LOOK_EVERY_S = 0.005
SHOWN_S = 30.0  # a block is shown for so long at least, and for twice as long at most

LONGEST = Gauge(
    "cellcast_event_loop_longest_block_seconds", "The longest that the event loop was held up within the last minute"
)


@asynccontextmanager
async def watched() -> AsyncIterator[None]:
    """Measure while the block runs, ten times less often than a process whose blocks are its one concern."""
    async with beside(watch(LOOK_EVERY_S * 10)):
        yield


async def watch(every_s: float = LOOK_EVERY_S) -> None:
    """Measure until cancelled."""
    before, longest, since = 0.0, 0.0, time.monotonic()
    while True:
        began = time.perf_counter()
        await asyncio.sleep(every_s)
        longest = max(longest, time.perf_counter() - began - every_s)
        if time.monotonic() - since > SHOWN_S:
            before, longest, since = longest, 0.0, time.monotonic()
        LONGEST.set(max(before, longest))
