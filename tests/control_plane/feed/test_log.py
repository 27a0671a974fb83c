"""The log: gapless whatever happens at once, in the change's own transaction, bounded, and honest after a restore."""

import asyncio

import asyncpg
import pytest
from sqlalchemy import select

from contracts import feed, records
from contracts.placements import State
from control_plane.act import acting
from control_plane.feed import log
from control_plane.feed.models import FeedEvent
from control_plane.placement.records import SOURCES
from control_plane.placement.states import Change
from kit.refusals import NotFound
from tests.control_plane.world import BY, World


async def test_changes_at_once_leave_no_gap(world: World) -> None:
    for number in range(1, 4):
        await world.add_cell(f"eu-{number}")
    await asyncio.gather(*(world.active() for _ in range(30)))
    _, n = await world.head("routing")
    async with world.plane.database.outside() as session:
        found = (await session.scalars(select(FeedEvent.n).where(FeedEvent.audience == "routing"))).all()
    assert sorted(found) == list(range(1, n + 1)) and n == 3 + 60
    assert len((await world.replay("routing"))["workspace"]) == 30


async def test_what_fails_is_told_to_nobody(world: World) -> None:
    await world.add_cell()
    before = await world.head("routing")
    with pytest.raises(RuntimeError):
        async with acting(world.plane.database, BY) as act:
            act.tell(log.Told("routing", "cell", "eu-9", ["eu", "http://eu-9.example"]))
            act.log("cell.add", "cell", "eu-9")
            await act.close()
            raise RuntimeError
    assert await world.head("routing") == before


async def test_each_audience_hears_what_concerns_it(world: World) -> None:
    await world.add_cell("eu-1")
    await world.add_cell("us-1")
    eu, us = await world.active("eu"), await world.active("us")
    keys = {
        audience: set((await world.replay(audience))["workspace"])
        for audience in ("routing", "identity/eu", "identity/us", "cell/eu-1", "cell/us-1")
    }
    assert keys == {
        "routing": {eu.key, us.key},
        "identity/eu": {eu.key},
        "identity/us": {us.key},
        "cell/eu-1": {eu.key},
        "cell/us-1": {us.key},
    }


async def test_a_cell_that_was_left_hears_a_tombstone(world: World) -> None:
    await world.add_cell("eu-1")
    await world.add_cell("eu-2")
    at = await world.active()
    other = {"eu-1": "eu-2", "eu-2": "eu-1"}[at.cell]
    await world.change(at.key, Change.FREEZE)
    moved = await world.change(at.key, Change.HAND_OVER, other)
    assert (await world.replay(f"cell/{at.cell}"))["workspace"] == {}
    assert records.placement_of(at.key, (await world.replay(f"cell/{other}"))["workspace"][at.key]) == moved
    assert (moved.epoch, moved.state) == (2, State.ACTIVE)


async def test_deleted_workspaces_and_retired_cells_are_tombstones(world: World) -> None:
    await world.add_cell("eu-1")
    at = await world.active()
    await world.change(at.key, Change.DELETE)
    await world.change(at.key, Change.ERASED)
    await world.change_cell("eu-1", "drain")
    await world.change_cell("eu-1", "retire")
    for audience in ("routing", "identity/eu", "cell/eu-1"):
        nothing: dict[str, dict[str, feed.Record]] = {source.kind: {} for source in SOURCES}
        assert await world.replay(audience) == nothing
        assert (await world.snapshot(audience)).records == nothing


async def test_a_batch_ends_at_its_bounds(world: World) -> None:
    await _tell(world, feed.BATCH_EVENTS + 10)
    head, events = await _read(world, 0)
    assert (len(events), head.upto, head.head) == (feed.BATCH_EVENTS, feed.BATCH_EVENTS, feed.BATCH_EVENTS + 10)
    await _tell(world, 40, size=60_000)
    head, events = await _read(world, feed.BATCH_EVENTS + 10)
    raw = feed.encode_batch(head, events, world.plane.signing_keys * 2)
    assert 0 < len(events) < 40 and feed.BATCH_BYTES < len(raw) <= feed.LARGEST_BATCH


async def test_the_marks_lead_from_batch_to_batch(world: World) -> None:
    await _tell(world, 30)
    head, events = await _read(world, 0)
    mark = feed.first_mark("routing", 1)
    assert head.after_mark == mark
    for body in events:
        mark = feed.next_mark(mark, body)
    assert head.upto_mark == mark
    await _tell(world, 5)
    assert (await _read(world, 30))[0].after_mark == mark
    assert (await _read(world, 35))[0].upto == 35


async def test_compaction_bounds_the_log_and_leads_the_late_to_a_snapshot(world: World) -> None:
    await _tell(world, 50)
    before = await _read(world, 30)
    async with world.plane.database.outside() as session:
        assert await log.compact(session, "routing", keep=20) == 30
    async with world.plane.database.outside() as session:
        assert await log.compact(session, "routing", keep=20) == 0
    after = await _read(world, 30)
    assert (after[0].after_mark, after[1]) == (before[0].after_mark, before[1])
    assert (await _read(world, 40))[0].upto == 50
    with pytest.raises(log.SnapshotNeeded):
        await _read(world, 29)
    await _tell(world, 1)
    assert (await _read(world, 50))[0].upto == 51


async def test_a_raised_generation_begins_anew_and_never_twice_the_same(world: World) -> None:
    await world.add_cell("eu-1")
    at = await world.active()
    async with world.plane.database.outside() as session:
        first = await log.raise_generation(session)
    async with world.plane.database.outside() as session:
        second = await log.raise_generation(session)
    assert 1 < first < second
    assert await world.head("routing") == (second, 0)
    with pytest.raises(log.SnapshotNeeded):
        await _read(world, 3)
    snapshot = await world.snapshot("routing")
    assert (snapshot.generation, snapshot.n, set(snapshot.records["workspace"])) == (second, 0, {at.key})
    await world.add_cell("eu-2")  # feeds that begin later begin in this generation
    assert await world.head("cell/eu-2") == (second, 1)
    head, events = await _read(world, 0, second)
    assert (head.after_mark, len(events)) == (snapshot.mark, 1)


async def test_a_consumer_that_knows_more_than_the_registry_is_told_so(world: World) -> None:
    await _tell(world, 3)
    with pytest.raises(log.FeedBehind):
        await _read(world, 4)
    with pytest.raises(log.FeedBehind):
        await _read(world, 0, 2)
    with pytest.raises(NotFound):
        async with world.plane.database.outside() as session:
            await log.read(session, "cell/eu-77", 1, 0)


async def test_a_kept_snapshot_is_made_again_once_it_leads_nowhere(world: World) -> None:
    await world.add_cell("eu-1")
    first = await world.plane.snapshots.serve("routing")
    await _tell(world, 10)
    assert await world.plane.snapshots.serve("routing") is first
    async with world.plane.database.outside() as session:
        await log.compact(session, "routing", keep=3)
    second = await world.plane.snapshots.serve("routing")
    assert second.n == 11
    connection = await asyncpg.connect(world.plane.settings.database_url)
    await connection.execute("update feed_heads set mark = $1", "f" * 64)  # as after a restore: the same numbers,
    await connection.execute("update feed_events set mark = $1", "f" * 64)  # another history
    await connection.close()
    assert (await world.plane.snapshots.serve("routing")).mark == "f" * 64


async def _tell(world: World, count: int, size: int = 10) -> None:
    async with acting(world.plane.database, BY) as act:
        for number in range(count):
            act.tell(log.Told("routing", "note", f"key{number}", ["x" * size]))


async def _read(world: World, after: int, generation: int = 1) -> tuple[feed.BatchHead, list[str]]:
    async with world.plane.database.outside() as session:
        return await log.read(session, "routing", generation, after)
