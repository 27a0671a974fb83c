"""The event loop's blocks are seen."""

import asyncio
import time

from kit import loop
from tests.waiting import eventually


def longest() -> float:
    return float(loop.LONGEST._value.get())


async def test_a_block_is_seen() -> None:
    loop.LONGEST.set(0)
    task = asyncio.create_task(loop.watch())
    try:
        await asyncio.sleep(0)
        time.sleep(0.08)  # noqa: ASYNC251 - this is the block
        await eventually(lambda: longest() > 0.06, 5)
    finally:
        task.cancel()
