"""The baselines: a bare ASGI application that redirects, on Hypercorn or on the server that is ours."""

import asyncio
import sys

from hypercorn.asyncio import serve as hypercorn
from hypercorn.config import Config
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, Scope

from kit.serve import serve

HYPERCORN, OURS = "hypercorn", "ours"
_HEADERS = [(b"location", b"http://eu-1.localhost:8001/r/somewhere"), (b"content-length", b"0")]


async def redirect(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """302 for everything: the least that a redirect can cost."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 302, "headers": _HEADERS})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _on_hypercorn(bind: str) -> None:
    config = Config()
    config.bind = [bind]
    config.keep_alive_timeout = 75
    config.include_server_header = False
    config.errorlog = None
    config.backlog = 1024
    await hypercorn(redirect, config)


if __name__ == "__main__":
    asyncio.run(_on_hypercorn(sys.argv[2]) if sys.argv[1] == HYPERCORN else serve(redirect, sys.argv[2]))
