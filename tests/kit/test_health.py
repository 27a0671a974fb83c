"""What a process leans on is asked by itself, and whoever hangs is down for it."""

import asyncio

import pytest

from kit import health
from tests.waiting import eventually


def is_up(part: str) -> bool:
    return bool(health.UP.labels(part)._value.get())


async def fine() -> None:
    return None


async def hangs() -> None:
    await asyncio.Event().wait()


async def test_whoever_hangs_is_down_and_keeps_nobody_else_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "WITHIN_S", 0.05)
    async with asyncio.timeout(60):
        assert await health.down({"first": hangs, "second": hangs, "third": fine}) == {
            "first": "TimeoutError",
            "second": "TimeoutError",
        }
    assert not is_up("first") and is_up("third")


async def test_a_process_that_nobody_asks_notices_what_goes_and_what_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health, "EVERY_S", 0.01)
    gone = asyncio.Event()

    async def check() -> None:
        if gone.is_set():
            raise ConnectionError

    async with health.watched({"server": check}):
        await eventually(lambda: is_up("server"), 5)
        gone.set()
        await eventually(lambda: not is_up("server"), 5)
        gone.clear()
        await eventually(lambda: is_up("server"), 5)
