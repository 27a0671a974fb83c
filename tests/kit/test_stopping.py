"""A process is told to stop patiently, for others stand in for it, or at once."""

import asyncio
import os
import signal

import pytest

from kit.stopping import stop_event, unless


@pytest.mark.parametrize(("number", "patient"), [(signal.SIGTERM, True), (signal.SIGINT, False)])
async def test_each_signal_says_how(number: signal.Signals, patient: bool) -> None:
    loop = asyncio.get_running_loop()
    stop = stop_event()
    try:
        os.kill(os.getpid(), number)
        await asyncio.wait_for(stop.wait(), 60)
        assert stop.patient is patient
    finally:
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(one)


async def test_work_is_given_up_once_it_is_to_stop() -> None:
    stop = asyncio.Event()

    async def answers() -> int:
        return 7

    async def never() -> int:
        await asyncio.Event().wait()
        return 8

    assert await unless(stop, answers()) == 7
    waits = asyncio.create_task(unless(stop, never()))
    await asyncio.sleep(0)
    stop.set()
    assert await waits is None
    with pytest.raises(ValueError, match="broken"):
        await unless(asyncio.Event(), _fails())


async def _fails() -> None:
    raise ValueError("broken")
