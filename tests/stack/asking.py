"""Clients that ask a server without pause, on connections that they keep and on new ones, and note what goes wrong."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Asked:
    """What came of it: how often each body was answered with 200, and what was answered or happened otherwise."""

    answers: "Counter[bytes]" = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)


@asynccontextmanager
async def asking(port: int, requests: Sequence[bytes], clients: int = 4) -> AsyncIterator[Asked]:
    """While the block runs, so many clients of each of the two kinds ask for these in turn."""
    asked, until = Asked(), asyncio.Event()
    kinds = [kept for kept in (True, False) for _ in range(clients)]
    tasks = [asyncio.create_task(_client(port, requests, asked, until, kept=kept)) for kept in kinds]
    try:
        yield asked
    finally:
        until.set()
        await asyncio.gather(*tasks)


async def _client(port: int, requests: Sequence[bytes], asked: Asked, until: asyncio.Event, *, kept: bool) -> None:
    while not until.is_set():
        try:
            async with asyncio.timeout(60):
                await _one_connection(port, requests, asked, until, kept=kept)
        except (OSError, EOFError, TimeoutError) as error:
            asked.failed.append(repr(error))


async def _one_connection(
    port: int, requests: Sequence[bytes], asked: Asked, until: asyncio.Event, *, kept: bool
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for at in range(50):
            writer.write(requests[at % len(requests)])
            head, body = await answer(reader)
            if head.startswith(b"HTTP/1.1 200 "):
                asked.answers[body] += 1
            else:
                asked.failed.append(head.decode())
            if not kept or until.is_set() or b"connection: close" in head:
                return
    finally:
        writer.close()


async def answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """The next answer's head, in small letters but for its first line's, and its body, whose length it says."""
    first, _, rest = (await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")
    rest = rest.lower()
    length = int(rest.partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return first + b"\r\n" + rest, await reader.readexactly(length)
