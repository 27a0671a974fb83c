"""Rounds go on whatever happens in one, and end when told."""

import asyncio

from kit.refusals import NotFound
from kit.rounds import rounds


async def test_a_round_that_fails_is_followed_by_the_next() -> None:
    stop = asyncio.Event()
    done: list[int] = []

    async def do() -> None:
        done.append(len(done))
        if len(done) == 1:
            raise NotFound
        if len(done) == 2:
            raise ZeroDivisionError
        if len(done) == 4:
            stop.set()

    await asyncio.wait_for(rounds("test", do, stop, every_s=0.001), 60)
    assert done == [0, 1, 2, 3]


async def test_after_a_failure_it_is_tried_sooner_where_wanted() -> None:
    stop = asyncio.Event()
    done: list[int] = []

    async def do() -> None:
        done.append(0)
        if len(done) < 3:
            raise NotFound
        stop.set()

    await asyncio.wait_for(rounds("test", do, stop, every_s=3600, again_s=0.001), 60)
    assert len(done) == 3


async def test_it_ends_at_once_while_it_waits() -> None:
    stop = asyncio.Event()

    async def do() -> None:
        asyncio.get_running_loop().call_soon(stop.set)

    await asyncio.wait_for(rounds("test", do, stop, every_s=3600), 60)
