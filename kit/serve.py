"""Runs an ASGI application until it is told to stop."""

import asyncio

from hypercorn.typing import ASGIFramework

from kit import logs
from kit.http.server import Server
from kit.sockets import listening
from kit.stopping import stop_event

log = logs.get("serve")


async def serve(app: ASGIFramework, bind: str, *, stop: asyncio.Event | None = None) -> None:
    """Answer on `bind` (host:port) until a signal or `stop`. One process; a pod has one. Raises OSError."""
    await Server(app).serve(listening(bind), stop or stop_event())
    log.info("stopped")
