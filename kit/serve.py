"""Runs an ASGI application until it is told to stop."""

import asyncio

from hypercorn.typing import ASGIFramework

from kit import logs
from kit.http.server import Server
from kit.sockets import LET_IN, listening
from kit.stopping import stop_event, unless

log = logs.get("serve")


async def serve(app: ASGIFramework, bind: str, *, stop: asyncio.Event | None = None) -> None:
    """Answer on `bind` (kit/sockets.py) until a signal or `stop`. One process; a pod has one. Raises OSError.

    Of two with a comma between, the first is for whoever started us, who asks there whether we are ready: everybody
    else is let in, by the second, at LET_IN.
    """
    stop = stop or stop_event()
    *own, at = map(listening, bind.split(","))
    asked = [asyncio.create_task(Server(app).serve(one, stop)) for one in own]
    if own:
        await _let_in(stop)
    await asyncio.gather(Server(app).serve(at, stop), *asked)
    log.info("stopped")


async def _let_in(stop: asyncio.Event) -> None:
    """Return at LET_IN, or once it is too late for that."""
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(LET_IN, told.set)
    await unless(stop, told.wait())
