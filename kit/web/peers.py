"""Whose request it is, for everything behind this: the address that connected, or whom proxies of ours name."""

from typing import cast

from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope

from kit.addresses import Addresses


def from_real_peer(app: ASGIFramework, addresses: Addresses) -> ASGIFramework:
    """The application, told each client's own address. Headers of a client that is no proxy of ours say nothing."""

    async def told(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        client = scope["client"]
        real = addresses.exact(scope)
        named = cast(HTTPScope, {**scope, "client": (real or "unknown", client[1] if client else 0)})
        await app(named, receive, send)

    return told
