"""A peer that hangs: it takes connections and says nothing. Callers hear soon, and then at once."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from kit.calls import Calls, Operation, PeerUnavailable
from tests.kit.calls.echo import Echo, Said
from tests.waiting import eventually

SLOW = Operation("echo.read", Said, Said, writes=False, idempotent=True, within_s=30)
HELLO = Said(text="hello")
AT_ONCE_S = 0.3


@asynccontextmanager
async def hanging(port: int) -> AsyncIterator[None]:
    """Whatever connects to the port is held, and hears nothing."""
    held: list[asyncio.StreamWriter] = []

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    server = await asyncio.start_server(hold, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()
        for writer in held:
            writer.transport.abort()


async def refused_after(calls: Calls) -> float:
    began = time.monotonic()
    with pytest.raises(PeerUnavailable):
        await calls.call("echo", SLOW, HELLO)
    return time.monotonic() - began


async def test_who_waits_for_a_peer_that_hangs_hears_within_seconds_and_who_comes_then_at_once() -> None:
    echo = Echo()
    async with echo.calls() as calls:
        async with hanging(echo.port):
            waited = await asyncio.gather(*(refused_after(calls) for _ in range(30)))  # more than connections
            assert max(waited) < 5  # of the 30 s that each would have waited
            assert max([await refused_after(calls) for _ in range(10)]) < AT_ONCE_S
        async with echo.running():
            await eventually(lambda: not calls._peers["echo"]._pulse.silent, 15)
            assert (await calls.call("echo", SLOW, HELLO)).text == "caller: hello"


async def test_a_peer_that_is_slow_with_a_call_but_there_is_waited_for() -> None:
    echo = Echo(hold_s=4)
    async with echo.running(), echo.calls() as calls:
        assert (await calls.call("echo", SLOW, HELLO)).text == "caller: hello"
