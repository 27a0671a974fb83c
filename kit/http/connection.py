"""One client's connection: its requests are read one after the other, and answered in that order."""

import asyncio
from collections import deque
from typing import TYPE_CHECKING
from urllib.parse import unquote

import httptools
from hypercorn.typing import HTTPScope

from kit import logs
from kit.http.exchange import Exchange

if TYPE_CHECKING:
    from kit.http.server import Server

LONGEST_HEAD = 16 * 1024  # bytes of request line and headers, give or take what is read at once
MOST_HEADERS = 100
LINGER_S = 2.0  # so long a client may go on that we have done with

_AT_ONCE = 4096  # bytes that are parsed before it is looked whether that was enough
_VERSIONS = frozenset({"1.0", "1.1"})
_NEVER = float("inf")

log = logs.get("http")


class _Refused(Exception):
    """A request that no application is to see."""

    def __init__(self, status: int) -> None:
        self.status = status


class Connection(asyncio.Protocol):
    """Between the transport, the parser, whose callbacks are the methods on_..., and one exchange at a time.

    `deadline` is when it is cut off, in the loop's time, unless it is `idle`: then it may be closed at any time.
    """

    def __init__(self, server: "Server", address: str) -> None:
        self.address = address
        self.idle = True
        self.lost = False
        self.deadline = server.now() + server.bounds.head_s
        self._server = server
        self._transport: asyncio.Transport
        self._headers: list[tuple[bytes, bytes]] | None = None  # of a head that is not complete
        self._parser: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)
        self._now: Exchange | None = None  # what is being answered
        self._next: deque[Exchange] = deque()  # what came meanwhile
        self._reading: Exchange | None = None  # whose body is being read
        self._held = b""  # not parsed yet
        self._deaf = False  # what comes is not looked at any more
        self._ended = False  # the client says no more
        self._refusal = 0  # a status, once the exchanges before it are answered
        self._fed = 0  # bytes since the last piece of a body, or the end of a head
        self._writable: asyncio.Future[None] | None = None

    # The transport's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It begins."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._client = _name(transport.get_extra_info("peername"))
        self._ours = _name(transport.get_extra_info("sockname"))

    def data_received(self, data: bytes) -> None:
        """The client sent something."""
        if self._deaf:
            return
        if self.idle:
            self.idle = False
            self.deadline = self._server.now() + self._server.bounds.head_s
        if len(data) <= _AT_ONCE and not self._held:
            self._parse(data)
        else:
            self._held += data
            self._parse_held()
        self._listen()

    def eof_received(self) -> bool:
        """The client says no more: what it asked for is answered, and streams end."""
        self._ended = True
        for one in (self._now, self._reading):
            if one is not None:
                one.leave()
        return self._now is not None

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self.lost = self._deaf = True
        self._parser = None  # which holds our methods: two that hold each other wait for the collector
        self._next.clear()
        self._reading = None
        if self._now is not None:
            self._now.leave()
        self.resume_writing()
        self._server.forget(self)

    def pause_writing(self) -> None:
        """The client reads more slowly than is written."""
        self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """It has caught up, or is gone."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    # The server's side.

    def cut(self) -> None:
        """End it at once, whatever goes on."""
        if self._now is not None and self._now.task is not None:
            self._now.task.cancel()
        self._transport.abort()

    def close(self) -> None:
        """End it; what was written is still sent."""
        self._deaf = True
        self._transport.close()

    # The exchange's side.

    def write(self, data: bytes) -> None:
        """Send bytes on."""
        self._transport.write(data)

    async def writable(self) -> None:
        """Return once the client has read most of what was written."""
        if self._writable is not None:
            await asyncio.shield(self._writable)

    def date(self) -> bytes:
        """The header with the time."""
        return self._server.date

    def stays(self) -> bool:
        """Whether there is, or may come, another request to answer."""
        more = self._next or self._held or self._refusal
        return bool(more) or not (self._server.ending or self._ended or self._deaf)

    def read_on(self) -> None:
        """The application has taken what waited."""
        self._listen()

    def answered(self, exchange: Exchange) -> None:
        """Go on with the next request, or end."""
        self._now = None
        if self.lost:
            return
        if exchange.last:
            self._end(clean=exchange.whole and not self._refusal)
        elif self._refusal and not self._next:
            self._refuse_now()
        else:
            if self._next:
                self._answer(self._next.popleft())
            self._parse_held()
            self._listen()
            self._rest()

    def unanswered(self, exchange: Exchange, *, failed: bool) -> None:
        """The application made no answer, or not all of it: say so if that can still be said."""
        self._now = None
        if self.lost:
            return
        if exchange.begun:
            self._transport.abort()
        elif failed or self._refusal:
            self._refusal = self._refusal or 500
            self._refuse_now()
        else:
            self.close()

    # The parser's side.

    def on_message_begin(self) -> None:
        """A request begins."""
        self._url = b""
        self._headers = []
        self._hosts = 0
        self._expects = False

    def on_url(self, url: bytes) -> None:
        """A piece of its target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer, which is let go."""
        if self._headers is None:
            return
        name = name.lower()
        if name == b"host":
            self._hosts += 1
        elif name == b"expect":
            self._expects = value.lower() == b"100-continue"
        elif name == b"upgrade" and value.lower() == b"websocket":
            raise _Refused(403)
        self._headers.append((name, value))
        if len(self._headers) > MOST_HEADERS:
            raise _Refused(431)

    def on_headers_complete(self) -> None:
        """The head is here: from now on an application may answer."""
        assert self._parser is not None
        assert self._headers is not None
        self._fed = 0
        version, method = self._parser.get_http_version(), self._parser.get_method().decode("ascii")
        if version not in _VERSIONS or self._hosts > 1 or (version == "1.1" and not self._hosts):
            raise _Refused(400)
        if method == "CONNECT":
            raise _Refused(501)
        target, _, query = self._url.partition(b"?")
        if not target.isascii() or not (target.startswith(b"/") or target == b"*"):
            raise _Refused(400)
        path = target.decode("ascii")
        scope: HTTPScope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": version,
            "method": method,
            "scheme": "http",
            "path": unquote(path) if "%" in path else path,
            "raw_path": target,
            "query_string": query,
            "root_path": "",
            "headers": self._headers,
            "client": self._client,
            "server": self._ours,
            "state": {},  # type: ignore[typeddict-item]  # nobody keeps anything there
            "extensions": {},
        }
        self._headers = None
        exchange = Exchange(self, scope, self._expects, asked_last=not self._parser.should_keep_alive())
        self._reading = exchange
        if self._now is None:
            self._answer(exchange)
        else:
            self._next.append(exchange)

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._fed = 0
        if self._reading is not None:
            self._reading.arrived(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._fed = 0
        if self._reading is not None:
            self._reading.is_whole()
            self._reading = None

    # Between them.

    def _parse_held(self) -> None:
        """Parse what is there, a little at a time, until a request waits for the one before it."""
        while self._held and not self._next and not self._deaf:
            piece, self._held = self._held[:_AT_ONCE], self._held[_AT_ONCE:]
            self._parse(piece)

    def _parse(self, data: bytes) -> None:
        assert self._parser is not None
        self._fed += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._listen_no_more()  # nothing of ours is switched to; what follows would be another protocol
        except httptools.HttpParserError as error:
            self._refuse(_status(error))
        else:
            if self._fed > LONGEST_HEAD:
                self._refuse(431)

    def _listen(self) -> None:
        """Read from the client only what there is room for."""
        if self._held or (self._reading is not None and self._reading.is_full):
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _listen_no_more(self) -> None:
        self._deaf, self._held = True, b""

    def _answer(self, exchange: Exchange) -> None:
        self._now = exchange
        if self._ended:
            exchange.leave()
        answer_s = self._server.bounds.answer_s
        self.deadline = _NEVER if answer_s is None else self._server.now() + answer_s
        exchange.task = asyncio.get_running_loop().create_task(exchange.run(self._server.app))

    def _rest(self) -> None:
        """Wait for a request, if there is none: for its first byte, or for the rest of its head."""
        if self._now is not None or self._deaf:
            return
        if self._ended:
            self.close()
            return
        self.idle = self._headers is None
        bounds = self._server.bounds
        self.deadline = self._server.now() + (bounds.idle_s if self.idle else bounds.head_s)

    def _refuse(self, status: int) -> None:
        """Answer with this status after what came before, and listen no more."""
        self._listen_no_more()
        self._refusal = status
        broken, self._reading = self._reading, None
        if broken is not None and broken is self._now:
            broken.leave()  # its application waits for a body that does not come
        elif broken is not None:
            self._next.remove(broken)
        if self._now is None:
            self._refuse_now()

    def _refuse_now(self) -> None:
        self.write(b"HTTP/1.1 %d \r\n%bcontent-length: 0\r\nconnection: close\r\n\r\n" % (self._refusal, self.date()))
        self._end(clean=False)

    def _end(self, *, clean: bool) -> None:
        """Close it. Where the client still sends, that waits: a reset would take our last answer from it."""
        self._listen_no_more()
        self.idle = True
        flushed = not self._transport.get_write_buffer_size()
        self.deadline = self._server.now() + (LINGER_S if flushed else self._server.bounds.idle_s)
        if clean:
            self._transport.close()
        else:
            self._transport.resume_reading()
            self._transport.write_eof()


def _status(error: httptools.HttpParserError) -> int:
    """What a request is refused with that could not be parsed, or that we refused while it was."""
    ours = error.__context__
    if isinstance(ours, _Refused):
        return ours.status
    if ours is not None:
        log.error("unexpected", exc_info=ours)
    return 400


def _name(socket_name: object) -> tuple[str, int]:
    """Address and port of a socket's name; a Unix socket has neither."""
    return (socket_name[0], socket_name[1]) if isinstance(socket_name, tuple) else ("", 0)
