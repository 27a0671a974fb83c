"""Waiting for a condition while the event loop goes on."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], bool], within_s: float = 10) -> None:
    """Return as soon as the condition holds. Raises TimeoutError after `within_s` seconds."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - any condition, not an event of ours
            await asyncio.sleep(0.02)
