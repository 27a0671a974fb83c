"""How long this process's event loop was held up: by what ran in it, or by a machine without time for it."""

import asyncio
import time

from prometheus_client import Gauge

LOOK_EVERY_S = 0.005
SHOWN_S = 30.0  # a block is shown for so long at least, and for twice as long at most

LONGEST = Gauge(
    "cellcast_event_loop_longest_block_seconds", "The longest that the event loop was held up within the last minute"
)


async def watch() -> None:
    """Measure until cancelled."""
    before, longest, since = 0.0, 0.0, time.monotonic()
    while True:
        began = time.perf_counter()
        await asyncio.sleep(LOOK_EVERY_S)
        longest = max(longest, time.perf_counter() - began - LOOK_EVERY_S)
        if time.monotonic() - since > SHOWN_S:
            before, longest, since = longest, 0.0, time.monotonic()
        LONGEST.set(max(before, longest))
