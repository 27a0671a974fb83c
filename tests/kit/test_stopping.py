"""A process is told to stop patiently, for others stand in for it, or at once."""

import asyncio
import os
import signal

import pytest

from kit.stopping import stop_event


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
