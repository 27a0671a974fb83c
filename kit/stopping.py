"""How a process of ours is told to stop."""

import asyncio
import signal


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
