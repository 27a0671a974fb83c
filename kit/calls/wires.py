"""HTTP/1.1 to one other process of ours over kept connections: as much of it as calls need, and no more.

A client that is made for any server takes 170 us of processor time for a call, several times what it takes here. What
arrives is read by llhttp (httptools), and held to a size before any of it is believed.
"""

import asyncio
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httptools

from kit import localhost

LARGEST_HEAD = 32 * 1024  # bytes that an answer may have beside its body
KEPT_S = 15.0  # unused; a server closes after some more, and what is sent into a connection that it closes is lost
_FAMILIES_S = 0.25  # until another address of the host is tried beside the first (RFC 8305)
_HTTPS = "https"
_PORTS = {"http": 80, _HTTPS: 443}
_INTERIM = 200  # what is below only says that an answer will come


class Broken(Exception):
    """There is no answer: the connection ended, or what came is none. The text says which, and repeats nothing."""


@dataclass(frozen=True)
class Answered:
    """What came back. Names of headers are in lower case; of several with one name the last counts."""

    status: int
    headers: Mapping[bytes, bytes]
    body: bytes


class Wires:
    """The connections to the process at `url`, `most` at once; whoever comes then waits.

    An answer has `largest` bytes at the most. Time is the caller's to keep: a request that is cancelled takes its
    connection along.
    """

    def __init__(self, url: str, most: int, largest: int) -> None:
        self.url = url
        there, self._host = localhost.to_loopback(url)
        parts = urlsplit(there)
        self._name, self._port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        self._named = urlsplit(url).hostname
        self._prefix = parts.path.rstrip("/")
        self._tls = ssl.create_default_context() if parts.scheme == _HTTPS else None
        self._largest = largest
        self._room = asyncio.Semaphore(most)
        self._idle: list[_Wire] = []  # the one that was used last is the last
        self._used: set[_Wire] = set()
        self._closed = False

    @property
    def idle(self) -> int:
        """How many connections are kept and not in use."""
        return len(self._idle)

    async def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answered:
        """One request and its answer. Raises Broken, OSError where there is no connection to be had."""
        request = self._written(method, path, headers, body)
        async with self._room:
            wire = self._kept() or await self._connected()
            self._used.add(wire)
            try:
                answered = await wire.ask(request)
            finally:
                self._used.discard(wire)
                if wire.is_free and not self._closed:
                    wire.unused_since = time.monotonic()
                    self._idle.append(wire)
                else:
                    wire.abort()
            return answered

    def retire(self) -> None:
        """Give the connections back, each once its request is answered."""
        self._closed = True
        for wire in self._idle:
            wire.abort()
        self._idle.clear()

    def close(self) -> None:
        """Give the connections back; what is under way on them is broken off."""
        self.retire()
        for wire in self._used:
            wire.abort()

    def _written(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
        lines = [f"{method} {self._prefix}{path} HTTP/1.1", f"Host: {self._host}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        if not all(line.isprintable() for line in lines):
            raise ValueError("a line of a request's head holds the end of a line")
        return "\r\n".join((*lines, "", "")).encode("ascii") + body

    def _kept(self) -> "_Wire | None":
        oldest = time.monotonic() - KEPT_S
        while self._idle:
            wire = self._idle.pop()
            if wire.is_free and wire.unused_since > oldest:
                return wire
            wire.abort()
        return None

    async def _connected(self) -> "_Wire":
        if self._closed:
            raise Broken("closed")
        _, wire = await asyncio.get_running_loop().create_connection(
            lambda: _Wire(self._largest),
            self._name,
            self._port,
            ssl=self._tls,
            server_hostname=self._named if self._tls else None,
            happy_eyeballs_delay=_FAMILIES_S,
        )
        return wire


class _Wire(asyncio.Protocol):
    """One connection, with one request under way at the most."""

    unused_since = 0.0

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Answered] | None = None
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._left = 0  # bytes that may still come

    @property
    def is_free(self) -> bool:
        """Whether the next request may be sent on it."""
        return self._waiting is None and self._transport is not None and not self._transport.is_closing()

    async def ask(self, request: bytes) -> Answered:
        """Send a request and wait for its answer. Raises Broken."""
        if self._transport is None or not self.is_free:
            raise Broken("the connection has ended")
        self._left = self._largest + LARGEST_HEAD
        waiting: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._waiting = waiting
        self._transport.write(request)
        try:
            return await waiting
        finally:
            if not waiting.done() or waiting.cancelled():
                self.abort()  # what may still come would be taken for the next answer

    def abort(self) -> None:
        """End it; whoever waits hears so."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Of asyncio."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Of asyncio: a piece of the answer. What comes unasked ends the connection."""
        self._left -= len(data)
        if self._waiting is None:
            self._break("bytes that nobody asked for")
        elif self._left < 0:
            self._break(f"more than {self._largest} bytes")
        else:
            try:
                self._parser.feed_data(data)
            except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
                self._break(type(error).__name__)

    def connection_lost(self, error: Exception | None) -> None:
        """Of asyncio."""
        self._break("the connection ended")

    def on_message_begin(self) -> None:
        """Of llhttp. A second answer to one request would be taken for the next one's."""
        if self._waiting is None:
            self._break("an answer that nobody asked for")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Of llhttp."""
        self._headers[name.lower()] = value

    def on_body(self, piece: bytes) -> None:
        """Of llhttp."""
        self._body.append(piece)

    def on_message_complete(self) -> None:
        """Of llhttp: the answer is whole."""
        headers, body = self._headers, self._body
        self._headers, self._body = {}, []
        status, waiting = self._parser.get_status_code(), self._waiting
        if status < _INTERIM or waiting is None:
            return
        if not self._parser.should_keep_alive():
            self.abort()
        self._waiting = None
        if not waiting.done():
            waiting.set_result(Answered(status, headers, body[0] if len(body) == 1 else b"".join(body)))

    def _break(self, reason: str) -> None:
        self.abort()
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_exception(Broken(reason))
