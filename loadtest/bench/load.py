"""A small HTTP/1.1 load generator: kept connections, one request in flight on each.

It costs a fraction of what a Python server spends on the same request, so that it is not what is measured.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import cycle, islice

_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: ([0-9]+)\r\n")

_Asked = tuple[bytes, bytes]  # a request, and how its answer begins


class WrongAnswer(Exception):
    """The server answered something else than was expected, or not in time."""


async def get(
    port: int,
    paths: Sequence[str],
    *,
    expected: bytes | Mapping[str, bytes],
    count: int,
    connections: int = 16,
    within_s: float = 60,
) -> None:
    """Have the server on 127.0.0.1:`port` answer `count` GETs, over `paths` in turn.

    `expected` is how every answer begins, like `b"HTTP/1.1 302"`, or how each path's does. Raises WrongAnswer for
    another one, and when not all are answered within `within_s` seconds.
    """
    asked = [
        (
            f"GET {path} HTTP/1.1\r\nHost: go.localhost\r\nAccept: */*\r\n\r\n".encode(),
            expected if isinstance(expected, bytes) else expected[path],
        )
        for path in paths
    ]
    waiting = islice(cycle(asked), count)
    try:
        async with asyncio.timeout(within_s), asyncio.TaskGroup() as tasks:
            for _ in range(connections):
                tasks.create_task(_ask(port, waiting))
    except TimeoutError:
        raise WrongAnswer(f"{count} answers took more than {within_s} s") from None
    except ExceptionGroup as failed:
        raise WrongAnswer(str(failed.exceptions[0])) from failed


async def _ask(port: int, waiting: "islice[_Asked]") -> None:
    """Work through what is waiting; another connection is opened where the server closes one."""
    loop = asyncio.get_running_loop()
    left: _Asked | None = next(waiting, None)
    while left is not None:
        ended: asyncio.Future[_Asked | None] = loop.create_future()
        asking = partial(_Asking, left, waiting, ended)
        transport, _ = await loop.create_connection(asking, "127.0.0.1", port)
        try:
            left = await ended
        finally:
            transport.close()


class _Asking(asyncio.Protocol):
    """One connection: the next request goes out as soon as the last is answered.

    `ended` receives the request to go on with on another connection, or None when nothing is left.
    """

    def __init__(self, first: _Asked, waiting: "islice[_Asked]", ended: "asyncio.Future[_Asked | None]") -> None:
        self._request, self._expected = first
        self._waiting = waiting
        self._ended = ended
        self._pending = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if self._pending:
            data = self._pending + data
        if not _is_whole(data):
            self._pending = data
            return
        self._pending = b""
        if not data.startswith(self._expected):
            self._fail(f"unexpected answer: {data[:60]!r}")
            return
        following = next(self._waiting, None)
        if following is None or b"connection: close" in data:
            self._end(following)
        elif self._transport is not None:
            self._request, self._expected = following
            self._transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail("the server closed a connection without saying so")

    def _end(self, left: _Asked | None) -> None:
        if not self._ended.done():
            self._ended.set_result(left)

    def _fail(self, reason: str) -> None:
        if not self._ended.done():
            self._ended.set_exception(WrongAnswer(reason))


def _is_whole(data: bytes) -> bool:
    """True when head and body are there."""
    head = data.find(_END)
    if head < 0:
        return False
    length = _LENGTH.search(data, 0, head + 2)
    return len(data) == head + len(_END) + (int(length[1]) if length else 0)
