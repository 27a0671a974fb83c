"""The baseline: a bare ASGI application that redirects, on Hypercorn set up like every server of ours."""

import asyncio
import sys

from hypercorn.asyncio import serve
from hypercorn.config import Config
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, Scope

_HEADERS = [(b"location", b"http://eu-1.localhost:8001/r/somewhere"), (b"content-length", b"0")]


async def redirect(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """302 for everything: the least that a redirect on this server can cost."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 302, "headers": _HEADERS})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _run(bind: str) -> None:
    config = Config()
    config.bind = [bind]
    config.keep_alive_timeout = 75
    config.include_server_header = False
    config.errorlog = None
    config.backlog = 1024
    await serve(redirect, config)


if __name__ == "__main__":
    asyncio.run(_run(sys.argv[1]))
