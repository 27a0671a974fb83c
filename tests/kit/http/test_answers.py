"""Answers as HTTP/1.1 has them, whatever an application does, and a client that goes is told of."""

import asyncio

import pytest
from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, Scope

from kit.http.exchange import FULL
from tests.cell.lines import Logged
from tests.kit.http.world import GET, Echo, answer, ask, connected, serving, statuses
from tests.waiting import eventually

HEAD = GET.replace(b"GET", b"HEAD")


def sends(status: int, headers: list[tuple[bytes, bytes]], *pieces: bytes) -> ASGIFramework:
    """An application that answers every request with this."""

    async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    return app


LENGTH = (b"content-length", b"4")


@pytest.mark.parametrize(
    ("asked", "status", "headers", "pieces", "ends"),
    [
        (GET, 200, [LENGTH], [b"ab", b"cd"], b"content-length: 4\r\n\r\nabcd"),
        (GET, 200, [], [b"ab", b"", b"cd"], b"chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n"),
        (GET, 200, [(b"transfer-encoding", b"chunked")], [b"ab"], b"chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"),
        (GET.replace(b"1.1", b"1.0"), 200, [], [b"ab", b"cd"], b"connection: close\r\n\r\nabcd"),
        (HEAD, 200, [LENGTH], [b"abcd"], b"content-length: 4\r\n\r\n"),
        (HEAD, 200, [], [b"abcd"], b"GMT\r\n\r\n"),
        (GET, 204, [(b"content-length", b"0")], [], b"GMT\r\n\r\n"),
        (GET, 304, [(b"etag", b"x")], [], b"etag: x\r\n\r\n"),
        (GET, 200, [(b"connection", b"close"), LENGTH], [b"abcd"], b"connection: close\r\n\r\nabcd"),
    ],
    ids=["length", "chunks", "its-own-chunked", "http-1.0", "head", "head-unknown", "204", "304", "close"],
)
async def test_an_answer_is_framed(
    asked: bytes, status: int, headers: list[tuple[bytes, bytes]], pieces: list[bytes], ends: bytes
) -> None:
    async with serving(sends(status, headers, *pieces)) as server, connected(server.port) as client:
        await client.say(asked)
        said = await client.reader.readuntil(ends)
        assert said.startswith(b"HTTP/1.1 %d " % status)
        assert said.count(b"\r\ndate: ") == 1
        assert said.lower().count(b"transfer-encoding") == ends.startswith(b"chunked")
        if b"close" in said:
            assert await client.rest() == b""
        else:
            await client.say(asked)
            assert (await client.reader.readuntil(ends)).startswith(b"HTTP/1.1 %d " % status)


@pytest.mark.parametrize("value", [b"a\r\nset-cookie: b", b"a\nb", b"a\rb", b"a\0b"])
async def test_an_answer_cannot_be_split(value: bytes, logged: Logged) -> None:
    async with serving(sends(200, [(b"location", value)])) as server:
        said = await ask(server.port, GET)
    assert statuses(said) == [500] and b"cookie" not in said
    assert logged.lines[0]["event"] == "unexpected"


@pytest.mark.parametrize("pieces", [[b"ab"], [b"abc", b"def"]], ids=["short", "long"])
async def test_an_answer_of_another_length_ends_the_connection(pieces: list[bytes], logged: Logged) -> None:
    async with serving(sends(200, [LENGTH], *pieces)) as server, connected(server.port) as client:
        await client.say(GET, GET)
        assert len(await client.rest()) < 200
    assert logged.lines[0]["event"] == "unexpected"


async def test_an_application_that_fails_is_said_to(logged: Logged) -> None:
    async def fails(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        raise ZeroDivisionError

    async def nothing(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        return None

    for app in (fails, nothing):
        async with serving(app) as server:
            assert statuses(await ask(server.port, GET)) == [500]
    assert [line["event"] for line in logged.lines] == ["unexpected"]


async def test_a_body_is_asked_for_when_somebody_wants_it() -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    async with serving(Echo()) as server, connected(server.port) as client:
        await client.say(head)
        assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await client.say(b"hello")
        assert (await client.hear()).endswith(b"hello")
    async with serving(sends(403, [(b"content-length", b"0")])) as server, connected(server.port) as client:
        await client.say(head)
        said = await client.rest()
        assert statuses(said) == [403] and b"connection: close" in said, "whether the body follows is not known"


async def test_an_answer_before_the_body_is_there_arrives() -> None:
    """The client goes on sending: a reset would take the answer from it."""
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n"
    async with serving(sends(413, [(b"content-length", b"0")])) as server, connected(server.port) as client:
        await client.say(head, b"x" * 1_000_000, b"x" * 1_000_000)
        assert statuses(await client.rest()) == [413]


async def test_a_body_is_read_no_faster_than_it_is_taken() -> None:
    take, taken = asyncio.Event(), 0

    async def slow(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        nonlocal taken
        await take.wait()
        while (event := await receive())["type"] == "http.request":
            taken += len(event["body"])
            assert len(event["body"]) < 2 * FULL + 256 * 1024  # what is full, and one read of the loop more
            if not event["more_body"]:
                break
        await answer(send)

    size = 20_000_000
    async with serving(slow) as server, connected(server.port) as client:
        client.writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
        client.writer.write(b"x" * size)
        await asyncio.sleep(0.2)
        transport = client.writer.transport
        assert transport.get_write_buffer_size() > size / 2, "the server took what nobody wanted yet"
        take.set()
        assert statuses(await client.hear()) == [200]
    assert taken == size


async def test_a_stream_is_written_no_faster_than_it_is_read() -> None:
    sent = 0

    async def endless(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        nonlocal sent
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(2000):
            await send({"type": "http.response.body", "body": b"x" * 10_000, "more_body": True})
            sent += 10_000
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async with serving(endless) as server, connected(server.port) as client:
        await client.say(GET)
        before = -1
        while sent != before:  # until it waits
            before = sent
            await asyncio.sleep(0.1)
        assert sent < 15_000_000
        said = b""
        while not said.endswith(b"\r\n0\r\n\r\n"):
            said += await client.reader.read(1 << 20)
        assert said.count(b"x") == 20_000_000


@pytest.mark.parametrize("half", [True, False], ids=["says-no-more", "is-gone"])
async def test_a_stream_ends_with_its_client(half: bool) -> None:
    told = asyncio.Event()

    async def stream(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        told.set()

    async with serving(stream) as server:
        async with connected(server.port) as client:
            await client.say(GET)
            await client.reader.readuntil(b"data: 1\n\n")
            if half:
                client.writer.write_eof()
            else:
                client.writer.transport.abort()
            await asyncio.wait_for(told.wait(), 60)
        await eventually(lambda: server.open == 0, 5)
