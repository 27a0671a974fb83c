"""A server in this loop, and a client that says exactly these bytes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, Scope

from kit.http.server import Bounds, Server
from kit.sockets import listening
from kit.stopping import Stop

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@dataclass
class Serving:
    """A server that answers, and what it told of itself."""

    port: int
    stop: Stop
    task: "asyncio.Task[None]"
    open: int = 0
    cut: int = 0


@asynccontextmanager
async def serving(
    app: ASGIFramework, bounds: Bounds | None = None, exempt: Callable[[str], bool] = lambda _: False
) -> AsyncIterator[Serving]:
    """A server for this application on a port of its own."""

    def count(number: int) -> None:
        made.open = number

    def cut() -> None:
        made.cut += 1

    at = listening("127.0.0.1:0")
    port, stop = at.getsockname()[1], Stop()
    server = Server(app, bounds or Bounds(), exempt, count, cut)
    made = Serving(port, stop, asyncio.create_task(server.serve(at, stop)))
    try:
        yield made
    finally:
        stop.set()
        await asyncio.wait_for(made.task, 60)


@dataclass
class Client:
    """A connection as a client has it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, *pieces: bytes) -> None:
        """Send these bytes, each piece by itself."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0.001)

    async def hear(self) -> bytes:
        """An answer's head, and a body whose length it says."""
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 60)
        length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length: ")]
        return head + (await self.reader.readexactly(int(length[0][16:])) if length else b"")

    async def rest(self) -> bytes:
        """Everything until the server ends the connection."""
        said = b""
        with suppress(OSError):
            while piece := await asyncio.wait_for(self.reader.read(65536), 60):
                said += piece
        return said


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Client]:
    """A connection to this port, closed at the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def ask(port: int, *pieces: bytes) -> bytes:
    """All that the server answers to these bytes until it ends the connection; nothing follows them."""
    async with connected(port) as client:
        with suppress(OSError):
            await client.say(*pieces)
            client.writer.write_eof()
        return await client.rest()


def statuses(answer: bytes) -> list[int]:
    """The status of each answer in these bytes; bodies must not look like heads."""
    return [int(one[:3]) for one in answer.split(b"HTTP/1.1 ")[1:]]


@dataclass
class Echo:
    """Answers every request with its body, and remembers what it saw."""

    seen: list[tuple[str, str, bytes]] = field(default_factory=list)
    headers: list[list[tuple[bytes, bytes]]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        assert scope["type"] == "http"
        body, more = b"", True
        while more:
            event = await receive()
            if event["type"] != "http.request":
                return
            body, more = body + event["body"], event["more_body"]
        self.seen.append((scope["method"], scope["path"], body))
        self.headers.append(list(scope["headers"]))
        await answer(send, body)


class Never:
    """Never answers, and says when it was asked and when it was cancelled."""

    def __init__(self) -> None:
        self.asked, self.cancelled = asyncio.Event(), asyncio.Event()

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        self.asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()


async def answer(send: ASGISendCallable, body: bytes = b"", status: int = 200, *headers: tuple[bytes, bytes]) -> None:
    """A whole answer with its length."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
    await send({"type": "http.response.body", "body": body, "more_body": False})
