"""The load generator: every request answered once, and a wrong answer is not counted as one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from loadtest.bench.load import WrongAnswer, get

ANSWER = b"HTTP/1.1 302 \r\nlocation: /x\r\ncontent-length: 0\r\n\r\n"
LAST = ANSWER.replace(b"content-length", b"connection: close\r\ncontent-length")


@asynccontextmanager
async def server(
    *, closes_after: int = 10**9, answer: bytes = ANSWER, silent: bool = False
) -> AsyncIterator[list[str]]:
    """Answers on a free port; yields the paths asked for, the port first."""
    asked: list[str] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = 0
        try:
            while not silent:
                head = await reader.readuntil(b"\r\n\r\n")
                asked.append(head.split()[1].decode())
                number += 1
                said = LAST if number == closes_after else answer
                writer.write(said[:20])
                await writer.drain()
                writer.write(said[20:])
                await writer.drain()
                if number == closes_after:
                    break
            else:
                await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(talk, "127.0.0.1", 0)
    asked.append(str(listening.sockets[0].getsockname()[1]))
    try:
        yield asked
    finally:
        listening.close()


@pytest.mark.parametrize("closes_after", [10**9, 7, 1])
async def test_every_request_is_answered_once(closes_after: int) -> None:
    async with server(closes_after=closes_after) as asked:
        await get(int(asked[0]), ["/a", "/b"], expected=b"HTTP/1.1 302", count=100, connections=4)
    paths = asked[1:]
    assert (len(paths), paths.count("/a"), paths.count("/b")) == (100, 50, 50)


async def test_fewer_requests_than_connections() -> None:
    async with server() as asked:
        await get(int(asked[0]), ["/a"], expected=b"HTTP/1.1 302", count=2, connections=16)
    assert asked[1:] == ["/a", "/a"]


async def test_a_wrong_answer_ends_the_run() -> None:
    async with server(answer=ANSWER.replace(b"302", b"404")) as asked:
        with pytest.raises(WrongAnswer, match=r"HTTP/1\.1 404"):
            await get(int(asked[0]), ["/a"], expected=b"HTTP/1.1 302", count=100)


async def test_a_silent_server_ends_the_run() -> None:
    async with server(silent=True) as asked:
        with pytest.raises(WrongAnswer, match=r"more than 0\.2 s"):
            await get(int(asked[0]), ["/a"], expected=b"HTTP/1.1 302", count=10, within_s=0.2)


async def test_nobody_there_ends_the_run() -> None:
    async with server() as asked:
        port = int(asked[0])
    with pytest.raises(WrongAnswer):
        await get(port, ["/a"], expected=b"HTTP/1.1 302", count=10)
