"""A server that ends takes nothing from anybody: what is in flight is answered, and clients hear where it ends."""

import asyncio
import gc

import pytest
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, Scope

from kit.http import server as servers
from kit.http.connection import Connection
from kit.http.exchange import Exchange
from tests.kit.http.world import GET, Echo, Never, answer, connected, serving, statuses
from tests.waiting import eventually


async def test_what_is_in_flight_is_answered_and_says_that_it_is_the_last() -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        begun.set()
        await go_on.wait()
        await answer(send, b"late")

    async with serving(slow) as server, connected(server.port) as client:
        await client.say(GET)
        await begun.wait()
        server.stop.set()
        await asyncio.sleep(0.1)
        go_on.set()
        said = await client.rest()
        assert said.endswith(b"late") and b"connection: close" in said
        await asyncio.wait_for(server.task, 60)


@pytest.mark.parametrize("patient", [True, False])
async def test_an_idle_client_may_say_one_thing_more_to_a_patient_server(patient: bool) -> None:
    async with serving(Echo()) as server, connected(server.port) as client:
        await client.say(GET)
        assert b"connection: close" not in await client.hear()
        server.stop.patient = patient
        server.stop.set()
        await asyncio.sleep(0.2)
        if patient:
            await client.say(GET)
        said = await client.rest()
        assert statuses(said) == [200] * patient and (b"connection: close" in said) == patient
        await asyncio.wait_for(server.task, 60)


async def test_a_patient_server_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "DRAIN_S", 0.3)
    async with serving(Echo()) as server, connected(server.port) as client:
        await client.say(GET)
        await client.hear()
        server.stop.patient = True
        server.stop.set()
        await asyncio.wait_for(server.task, 60)
        assert await client.rest() == b""


async def test_who_never_ends_is_cut_off_at_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "GRACE_S", 0.3)
    never = Never()
    async with serving(never) as server, connected(server.port) as client:
        await client.say(GET)
        await asyncio.wait_for(never.asked.wait(), 60)
        server.stop.set()
        await asyncio.wait_for(server.task, 60)
        assert never.cancelled.is_set()


async def test_a_connection_leaves_nothing_behind() -> None:
    """What ends is freed at once: with garbage for the collector, one look of it held up a loop for 23 ms."""
    gc.collect()
    gc.disable()
    others = _in_memory()  # of servers that other tests have running
    try:
        async with serving(Echo()) as server:
            for _ in range(20):
                async with connected(server.port) as client:
                    await client.say(GET)
                    await client.hear()
            await eventually(lambda: server.open == 0, 5)
            await asyncio.sleep(0)
            assert [one for one in _in_memory() if one not in others] == []
    finally:
        gc.enable()


def _in_memory() -> list[Connection | Exchange]:
    return [one for one in gc.get_objects() if isinstance(one, Connection | Exchange)]
