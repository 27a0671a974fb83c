"""One request and its answer, between the bytes of a connection and an ASGI application."""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus
from typing import Protocol

from hypercorn.typing import (
    ASGIFramework,
    ASGIReceiveEvent,
    ASGISendEvent,
    HTTPDisconnectEvent,
    HTTPResponseStartEvent,
    HTTPScope,
)

from kit import logs

FULL = 64 * 1024  # bytes of a body that wait for the application before no more are read

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_GONE: HTTPDisconnectEvent = {"type": "http.disconnect"}
_LENGTH, _CONNECTION, _CODING = b"content-length", b"connection", b"transfer-encoding"
_FRAMING = frozenset({_LENGTH, _CONNECTION, _CODING})  # said by us, from what the application means
_BODILESS = frozenset({204, 304})
_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}

log = logs.get("http")


class Line(Protocol):
    """What an exchange needs of its connection."""

    lost: bool  # nothing that is written arrives any more

    def write(self, data: bytes) -> None:
        """Send bytes on."""

    async def writable(self) -> None:
        """Return once the client has read most of what was written."""

    def date(self) -> bytes:
        """The header with the time."""

    def stays(self) -> bool:
        """Whether another request may follow on this connection."""

    def read_on(self) -> None:
        """The application has taken what waited."""

    def answered(self, exchange: "Exchange") -> None:
        """The answer is complete; it said so if it is the connection's last."""

    def unanswered(self, exchange: "Exchange", *, failed: bool) -> None:
        """No answer is to come; `failed`: though there could have been one."""


class Exchange:
    """A request as it arrives, and its answer as the application makes it."""

    def __init__(self, line: Line, scope: HTTPScope, expects: bool, asked_last: bool) -> None:
        self.task: asyncio.Task[None] | None = None
        self.whole = False  # all of the request is here
        self.last = asked_last  # the connection ends with the answer
        self.begun = False  # something of the answer was sent
        self.gone = False  # the client is
        self._line = line
        self._scope = scope
        self._expects = expects  # "100-continue"
        self._body = bytearray()
        self._told = False  # the application has all of the request
        self._done = False
        self._start: HTTPResponseStartEvent | None = None
        self._left: int | None = None  # bytes of the answer's body that are to come; None: in chunks
        self._bodiless = False
        self._waiting: asyncio.Future[None] | None = None

    @property
    def is_full(self) -> bool:
        """True when the application is to take something first."""
        return len(self._body) > FULL

    def arrived(self, body: bytes) -> None:
        """A piece of the body is here."""
        if not self._done:
            self._body += body
            self._wake()

    def is_whole(self) -> None:
        """The request is complete."""
        self.whole = True
        self._wake()

    def leave(self) -> None:
        """The client has gone, or says no more."""
        self.gone = True
        self._wake()

    async def run(self, app: ASGIFramework) -> None:
        """Have the application answer."""
        try:
            await app(self._scope, self._receive, self._send)
        except Exception as error:
            log.error("unexpected", exc_info=error)
        finally:
            self.task = None
            if not self._done:
                self._done = True
                self._line.unanswered(self, failed=not self.gone)

    async def _receive(self) -> ASGIReceiveEvent:
        if self._expects and not (self.whole or self._body or self.begun or self._line.lost):
            self._line.write(_CONTINUE)
        self._expects = False
        while not (self._done or self.gone or (not self._told and (self.whole or self._body))):
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        if self._done or self._told or not (self.whole or self._body):
            return _GONE
        body, self._told = bytes(self._body), self.whole
        self._body.clear()
        self._line.read_on()
        return {"type": "http.request", "body": body, "more_body": not self.whole}

    async def _send(self, event: ASGISendEvent) -> None:
        if event["type"] == "http.response.start" and self._start is None:
            self._start = event  # sent with the first of the body: most answers are one write
            return
        if event["type"] != "http.response.body" or self._start is None or self._done:
            raise RuntimeError(f"unexpected {event['type']}")
        body, more = event.get("body", b""), event.get("more_body", False)
        head = b"" if self.begun else self._head(self._start)
        self.begun = True
        said = head + self._framed(body, more)
        if not self._line.lost and said:
            self._line.write(said)
        if not more:
            self._done = True
            self._wake()
            self._line.answered(self)
        else:
            await self._line.writable()

    def _head(self, start: HTTPResponseStartEvent) -> bytes:
        """Status and headers; decides how the body is framed, and whether another request may follow."""
        status, headers = start["status"], list(start["headers"])
        length = _given(headers)
        self._bodiless = status in _BODILESS or self._scope["method"] == "HEAD"
        # A request that is answered before it is here leaves bytes that nobody wants to read.
        self.last = self.last or not (self.whole and self._line.stays()) or (_CONNECTION, b"close") in headers
        lines = [_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status, self._line.date()]
        lines += [b"%b: %b\r\n" % one for one in headers if one[0] not in _FRAMING]
        if length is not None and status != 204:
            lines.append(b"content-length: %d\r\n" % length)
        self._left = length
        if length is None and not self._bodiless:
            if self._scope["http_version"] == "1.1":
                lines.append(b"transfer-encoding: chunked\r\n")
            else:
                self.last = True  # the end of the connection is the end of the body
        if self.last:
            lines.append(b"connection: close\r\n")
        lines.append(b"\r\n")
        head = b"".join(lines)
        if head.count(b"\n") != len(lines) or head.count(b"\r") != len(lines) or b"\0" in head:
            raise ValueError("a header holds the end of a line")
        return head

    def _framed(self, body: bytes, more: bool) -> bytes:
        if self._bodiless:
            return b""
        if self._left is None:
            if self._scope["http_version"] != "1.1":
                return body
            piece = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            return piece if more else piece + b"0\r\n\r\n"
        self._left -= len(body)
        if self._left < 0 or (self._left and not more):
            raise RuntimeError("the body has another length than was said")
        return body

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


def _given(headers: Sequence[tuple[bytes, bytes]]) -> int | None:
    for name, value in headers:
        if name == _LENGTH:
            return int(value)
    return None
