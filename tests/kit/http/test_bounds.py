"""What a client may hold: so many bytes, so long, so many connections. The others notice nothing."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from kit.http.connection import LONGEST_HEAD, MOST_HEADERS
from kit.http.server import Bounds
from tests.kit.http.world import GET, Echo, Never, ask, connected, serving, statuses
from tests.waiting import eventually

BEGUN = b"GET / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
BRIEF = Bounds(head_s=0.3, idle_s=0.5, answer_s=0.3, per_address=3, connections=5)


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        BEGUN + b"Cookie: " + b"c" * 100_000 + b"\r\n\r\n",
        BEGUN + b"c" * 100_000 + b": x\r\n\r\n",
        BEGUN + b"".join(b"X: %d\r\n" % number for number in range(MOST_HEADERS)) + b"\r\n",
        CHUNKED + b"0\r\nX: " + b"c" * 100_000 + b"\r\n\r\n",
        CHUNKED + b"5;" + b"c" * 100_000 + b"\r\nhello\r\n0\r\n\r\n",
    ],
    ids=["target", "value", "name", "headers", "trailer", "chunk-extension"],
)
async def test_too_much_is_refused(raw: bytes) -> None:
    echo = Echo()
    async with serving(echo) as server:
        assert statuses(await ask(server.port, raw)) == [431]
    assert echo.seen == []


async def test_as_much_as_a_browser_sends_is_not_too_much() -> None:
    many = b"".join(b"X-%d: y\r\n" % number for number in range(MOST_HEADERS - 2))
    long = b"Cookie: " + b"c" * (LONGEST_HEAD - 2000) + b"\r\n"
    async with serving(Echo()) as server:
        assert statuses(await ask(server.port, BEGUN + many + b"\r\n")) == [200]
        assert statuses(await ask(server.port, BEGUN + long + b"\r\n")) == [200]


@pytest.mark.parametrize("begun", [b"", BEGUN, b"\r\n"], ids=["silent", "slow", "empty-lines"])
async def test_a_head_takes_so_long_and_no_longer(begun: bytes) -> None:
    async with serving(Echo(), BRIEF) as server, connected(server.port) as client:
        await client.say(begun)
        began = asyncio.get_running_loop().time()
        while not client.reader.at_eof() and asyncio.get_running_loop().time() - began < 5:
            client.writer.write(begun[:1])
            await asyncio.sleep(0.05)
        assert client.reader.at_eof() or client.reader.exception()
        assert server.cut == bool(begun), "a client that asked for nothing is no attack"


async def test_an_answer_takes_so_long_and_no_longer() -> None:
    never = Never()
    async with serving(never, BRIEF) as server, connected(server.port) as client:
        await client.say(GET)
        assert await client.rest() == b""
        await asyncio.wait_for(never.cancelled.wait(), 60)
        assert server.cut == 1


async def test_an_idle_connection_is_closed_and_was_no_attack() -> None:
    async with serving(Echo(), BRIEF) as server, connected(server.port) as client:
        await client.say(GET)
        await client.hear()
        assert await client.rest() == b""
        assert server.cut == 0


@pytest.mark.parametrize(("exempt", "let_in"), [(False, 3), (True, 5)], ids=["an-address", "a-proxy-of-ours"])
async def test_so_many_connections_and_no_more(exempt: bool, let_in: int) -> None:
    bounds = Bounds(per_address=3, connections=5)
    async with serving(Echo(), bounds, lambda _: exempt) as server, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connected(server.port)) for _ in range(8)]
        await eventually(lambda: server.cut == 8 - let_in, 5)
        assert server.open == let_in
        await clients[0].say(GET)
        assert statuses(await clients[0].hear()) == [200]
        clients[0].writer.close()
        await eventually(lambda: server.open == let_in - 1, 5)
        assert statuses(await ask(server.port, GET)) == [200]
