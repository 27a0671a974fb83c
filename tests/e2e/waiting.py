"""Waiting for a condition that has to be asked for."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.waiting import PATIENCE


async def until(condition: Callable[[], Awaitable[bool]], within_s: float, every_s: float = 0.1) -> None:
    """Return as soon as the condition holds. Raises TimeoutError long after `within_s` seconds."""
    async with asyncio.timeout(within_s * PATIENCE):
        while not await condition():  # noqa: ASYNC110 - nobody tells, it has to be asked
            await asyncio.sleep(every_s)
