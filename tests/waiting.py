"""Waiting for a condition with a deadline, the only way that tests wait."""

import asyncio
import time
from collections.abc import Callable

PATIENCE = 6  # how much longer than it takes here is waited: for a machine that is slow, and busy with much else
_LOOK_S = 0.02


def until(condition: Callable[[], bool], within_s: float, why: Callable[[], str] = str) -> None:
    """Return as soon as the condition holds; fail long after `within_s` seconds with what `why` says."""
    deadline = time.monotonic() + within_s * PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"not within {within_s} s: {why()}"
        time.sleep(_LOOK_S)


async def eventually(condition: Callable[[], bool], within_s: float, why: Callable[[], str] = str) -> None:
    """The same, while the event loop goes on."""
    deadline = time.monotonic() + within_s * PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"not within {within_s} s: {why()}"
        await asyncio.sleep(_LOOK_S)
