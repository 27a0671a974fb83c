"""Runs an ASGI application on Hypercorn until it is told to stop, and lets what is in flight finish."""

import asyncio
import signal

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config
from hypercorn.typing import ASGIFramework

from kit import logs

# A load balancer in front keeps its idle connections for 60 s; ours must outlive them, else it writes into
# one that we are just closing and the visitor sees a 502.
KEEP_ALIVE_S = 75
GRACE_S = 25  # what is in flight gets this long; below Kubernetes' 30 s, after which it kills

log = logs.get("serve")


def stop_event() -> asyncio.Event:
    """An event that is set by SIGTERM or SIGINT; call it inside the running loop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def serve(app: ASGIFramework, bind: str, *, stop: asyncio.Event | None = None) -> None:
    """Answer on `bind` (host:port) until a signal or `stop`. One process; a pod has one."""
    config = Config()
    config.bind = [bind]
    config.keep_alive_timeout = KEEP_ALIVE_S
    config.graceful_timeout = GRACE_S
    config.accesslog = None  # paths hold link secrets; requests are counted by the metrics
    config.errorlog = None
    config.include_server_header = False
    config.h11_max_incomplete_size = 16 * 1024  # request line and headers together
    config.wsgi_max_body_size = 0
    config.backlog = 1024
    ended = stop if stop is not None else stop_event()
    await hypercorn_serve(app, config, shutdown_trigger=ended.wait)
    log.info("stopped")
