"""Feeds over HTTP: who may read what, polls that wait, and answers that a consumer can verify."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from contracts import feed
from control_plane.feed import log
from control_plane.feed.batches import WAITING
from control_plane.placement.states import Change
from tests.control_plane.world import World


@pytest.fixture
async def reader(world: World) -> str:
    """A credential for the feeds of routers and of eu-1."""
    made = await world.api("/feed-readers", {"name": "router-eu", "audiences": ["routing", "cell/eu-1"]}, 201)
    return str(made["token"])


@pytest.fixture
async def listening(world: World) -> AsyncIterator[None]:
    """The bell at work, as in the process."""
    task = asyncio.create_task(world.plane.bell.listen())
    yield
    world.plane.bell.close()
    await task


async def batch(world: World, token: str, after: int, wait: float = 0, audience: str = "routing") -> feed.Batch:
    answer = await world.ask(f"/feeds/{audience}?after={after}&generation=1&wait={wait}", token=token)
    raw = await answer.get_data(as_text=False)
    assert answer.status_code == 200, raw
    return feed.decode_batch(raw, world.public)


async def waiting(polls: int) -> None:
    """Return once so many polls wait."""
    async with asyncio.timeout(60):
        while next(iter(WAITING.collect())).samples[0].value < polls:  # noqa: ASYNC110 - a metric sets no event
            await asyncio.sleep(0.02)


async def test_a_batch_is_signed_and_complete(world: World, reader: str) -> None:
    await world.add_cell("eu-1")
    at = await world.active()
    got = await batch(world, reader, 0)
    assert (got.audience, got.after, got.upto, got.head) == ("routing", 0, 3, 3)
    assert [(one.kind, one.key) for one in got.events] == [
        ("cell", "eu-1"),
        ("workspace", at.key),
        ("workspace", at.key),
    ]
    assert (await batch(world, reader, 3)).events == ()
    assert len((await batch(world, reader, 0, audience="cell/eu-1")).events) == 3


@pytest.mark.usefixtures("listening")
async def test_a_poll_is_answered_as_soon_as_something_happens(world: World, reader: str) -> None:
    await world.add_cell("eu-1")
    polls = [asyncio.create_task(batch(world, reader, 1, wait=20)) for _ in range(10)]
    await waiting(10)
    begun = time.monotonic()
    await world.reserve()
    assert {one.upto for one in await asyncio.gather(*polls)} == {2}
    assert time.monotonic() - begun < 5


async def test_without_a_bell_a_poll_looks_by_itself(world: World, reader: str) -> None:
    await world.add_cell("eu-1")
    poll = asyncio.create_task(batch(world, reader, 1, wait=20))
    await waiting(1)
    await world.reserve()
    assert (await asyncio.wait_for(poll, 60)).upto == 2


@pytest.mark.usefixtures("listening")
async def test_a_process_that_stops_lets_waiting_polls_go(world: World, reader: str) -> None:
    await world.add_cell("eu-1")
    poll = asyncio.create_task(batch(world, reader, 1, wait=20))
    await waiting(1)
    world.plane.bell.close()
    assert (await asyncio.wait_for(poll, 60)).events == ()


async def test_a_poll_that_waits_holds_no_connection(world: World, reader: str) -> None:
    await world.add_cell("eu-1")
    polls = [asyncio.create_task(batch(world, reader, 1, wait=3)) for _ in range(60)]  # three times the pool
    await waiting(60)
    assert (await world.ask("/api/operators/v1/cells")).status_code == 200
    assert {one.upto for one in await asyncio.gather(*polls)} == {1}


async def test_a_snapshot_leads_into_the_log(world: World, reader: str) -> None:
    await world.add_cell("eu-1")
    at = await world.active()
    answer = await world.ask("/snapshots/routing", token=reader)
    got = feed.decode_snapshot(await answer.get_data(as_text=False), world.public)
    assert (got.n, set(got.records["workspace"])) == (3, {at.key})
    await world.change(at.key, Change.SUSPEND)
    beyond = await batch(world, reader, got.n)
    assert (beyond.after_mark, len(beyond.events)) == (got.mark, 1)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/feeds/identity/eu?after=0&generation=1", 403),
        ("/snapshots/identity/eu", 403),
        ("/feeds/everything?after=0&generation=1", 403),
        ("/feeds/cell/eu-1?after=0&generation=1", 404),  # not there yet
        ("/feeds/routing?after=9&generation=1", 409),
        ("/feeds/routing?after=0&generation=2", 409),
        ("/feeds/routing?after=0&generation=0", 410),
        ("/feeds/routing?after=-1&generation=1", 422),
        ("/feeds/routing?after=0&generation=1&wait=9999", 422),
        ("/feeds/routing", 422),
    ],
)
async def test_what_a_reader_is_refused(world: World, reader: str, path: str, status: int) -> None:
    answer = await world.ask(path, token=reader)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")


async def test_whoever_is_no_reader_is_refused(world: World, reader: str) -> None:
    other = await world.api("/feed-readers", {"name": "router-eu", "audiences": ["routing"]}, 201)
    for token in ("", world.token, reader, "ccf_router-eu_" + "0" * 64):  # `reader` was replaced
        assert (await world.ask("/feeds/routing?after=0&generation=1", token=token)).status_code == 401
    assert (await world.ask("/feeds/routing?after=0&generation=1", token=other["token"])).status_code == 200
    await world.api("/feed-readers/router-eu/revoke", {}, 200)
    assert (await world.ask("/feeds/routing?after=0&generation=1", token=other["token"])).status_code == 401


async def test_a_reader_of_nothing_known_is_not_issued(world: World) -> None:
    for audiences in ([], ["everything"], ["routing", "cell/EU"]):
        await world.api("/feed-readers", {"name": "router-eu", "audiences": audiences}, 422)


async def test_an_operator_sees_and_raises_the_generation(world: World) -> None:
    await world.add_cell("eu-1")
    before = await world.api("/feeds")
    assert {one["audience"]: one["n"] for one in before["items"]} == {
        "routing": 1,
        "identity/eu": 1,
        "identity/us": 0,
        "cell/eu-1": 1,
    }
    raised = await world.api("/feeds/raise-generation", {"why": "restored"}, 200)
    after = await world.api("/feeds")
    assert {one["generation"] for one in after["items"]} == {raised["generation"]}
    assert before["signing_keys"] == after["signing_keys"] == [world.plane.signing_keys[0].id]


@pytest.mark.usefixtures("listening")
async def test_polls_at_one_place_cost_one_read(world: World, reader: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.add_cell("eu-1")
    reads = 0
    read = log.read

    async def counted(session: AsyncSession, audience: str, generation: int, after: int) -> object:
        nonlocal reads
        reads += 1
        return await read(session, audience, generation, after)

    monkeypatch.setattr(log, "read", counted)
    polls = [asyncio.create_task(batch(world, reader, 1, wait=20)) for _ in range(40)]
    await waiting(40)
    before = reads
    await world.reserve()
    assert {one.upto for one in await asyncio.gather(*polls)} == {2}
    assert reads - before <= 4  # as few as the ring wakes at once; looks of the net may come between
