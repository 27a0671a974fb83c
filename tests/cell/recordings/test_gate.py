"""The gate: whatever order changes, crashes and late copies come in, it never allows what the row does not."""

import asyncio
import time
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from cell.recordings import limits
from cell.recordings.gate import KEPT_S, SHUT_S, Gate, Gates
from cell.recordings.states import ALLOWED, UPLOADING, State
from tests.cell.recordings.sending import PIECES, begun, wanted
from tests.cell.world import Workspace, World

KEY = bytes(32)
MOST = 1000


@dataclass
class One:
    """The gate of one made-up recording."""

    gates: Gates
    workspace: UUID
    recording: UUID

    @property
    def redis(self) -> Redis:
        return self.gates.redis

    @property
    def at(self) -> str:
        return f"upload:{self.workspace}:{self.recording}"

    async def read(self) -> Gate | None:
        return await self.gates.read(self.workspace, self.recording)

    async def put(self, state: State, version: int, granted: dict[int, int] | None = None) -> None:
        await self.gates.put(self.workspace, self.recording, Gate(state, version, KEY), granted)

    async def shut(self, version: int) -> None:
        await self.gates.shut(self.workspace, self.recording, version)

    async def count(self, version: int, sizes: dict[int, int]) -> int:
        gate = Gate(State.RECORDING, version, KEY)
        return await self.gates.count(self.workspace, self.recording, gate, sizes, MOST, time.time())


@pytest.fixture
def one(world: World) -> One:
    return One(Gates(world.cell.redis), uuid4(), uuid4())


async def test_a_gate_that_nobody_set_is_unknown_and_counts_nothing(one: One) -> None:
    assert await one.read() is None
    assert await one.count(1, {0: 10}) == -1
    assert not await one.redis.exists(one.at)


async def test_what_is_put_is_read(one: One) -> None:
    await one.put(State.RECORDING, 2)
    assert await one.read() == Gate(State.RECORDING, 2, KEY)
    assert 0 < await one.redis.ttl(one.at) <= KEPT_S


async def test_an_older_copy_never_replaces_a_newer_one(one: One) -> None:
    await one.put(State.FINISHING, 3)
    await one.put(State.RECORDING, 2, {0: 5})
    assert await one.read() == Gate(State.FINISHING, 3, KEY)
    assert await one.count(2, {0: 10}) == -1


async def test_a_shut_gate_holds_against_a_copy_of_the_row_before(one: One) -> None:
    await one.put(State.RECORDING, 2)
    await one.shut(3)  # a change is about to commit
    await one.put(State.RECORDING, 2)  # somebody reads the row a moment before
    gate = await one.read()
    assert gate is not None and not gate.open
    assert await one.count(2, {0: 10}) == -1
    assert 0 < await one.redis.ttl(one.at) <= SHUT_S  # a crash leaves it so for a few seconds only


async def test_a_gate_shut_while_redis_was_empty_is_no_gate_to_read(one: One) -> None:
    await one.shut(3)
    assert await one.read() is None  # no key in it: the row is read
    await one.put(State.RECORDING, 2)
    assert await one.count(2, {0: 10}) == -1  # and the row's older version counts for nothing


async def test_chunks_are_counted_once_and_up_to_the_limit(one: One) -> None:
    await one.put(State.RECORDING, 1, {0: 100})
    assert await one.count(1, {1: 200}) == 300
    assert await one.count(1, {1: 200, 0: 100}) == 300
    assert await one.count(1, {1: 250}) == 350
    assert await one.count(1, {2: MOST}) == -2
    assert await one.count(1, {2: 650}) == MOST
    assert await one.count(1, {3: 1}) == -2
    assert await one.count(1, {}) == MOST


async def test_counts_at_once_never_pass_the_limit(one: One) -> None:
    await one.put(State.RECORDING, 1, {})
    answers = await asyncio.gather(*(one.count(1, {index: 100}) for index in range(25)))
    assert sorted(answers)[-1] == MOST and answers.count(-2) == 15


async def test_a_long_recording_is_counted_anew_as_a_whole(one: One) -> None:
    granted = dict.fromkeys(range(limits.CHUNKS), 1)
    await one.put(State.RECORDING, 1, granted)
    most = await one.gates.count(
        one.workspace, one.recording, Gate(State.RECORDING, 1, KEY), {0: 1, limits.CHUNKS - 1: 1}, 10**9, time.time()
    )
    assert most == limits.CHUNKS


# -- any order of events ------------------------------------------------------------------------------------------

STEPS = st.one_of(
    st.tuples(
        st.just("change"), st.sampled_from(State), st.sampled_from(["told", "crash before commit", "crash after"])
    ),
    st.tuples(st.just("read the row"), st.none(), st.none()),
    st.tuples(st.just("copy what was read"), st.integers(0, 5), st.none()),
    st.tuples(st.just("shut runs out"), st.none(), st.none()),
    st.tuples(st.just("redis is emptied"), st.none(), st.none()),
    st.tuples(st.just("ask"), st.none(), st.none()),
)


@dataclass
class Row:
    state: State = State.CREATED
    version: int = 1


LATE_COPY = [
    ("change", State.RECORDING, "told"),
    ("read the row", None, None),
    ("change", State.FINISHING, "told"),
    ("redis is emptied", None, None),
    ("copy what was read", 1, None),
    ("ask", None, None),
]


@given(st.lists(STEPS, max_size=25))
@example(LATE_COPY)
@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_order_of_events_lets_a_closed_recording_be_granted(
    world: World, steps: list[tuple[str, object, object]]
) -> None:
    one = One(Gates(world.cell.redis), uuid4(), uuid4())
    row, copies = Row(), [Row()]
    for what, how, end in steps:
        if what == "change":
            assert isinstance(how, State)
            await change(one, row, how, str(end))
        elif what == "read the row":
            copies.append(Row(row.state, row.version))
        elif what == "copy what was read":
            assert isinstance(how, int)
            await copy(one, row, copies[how % len(copies)])  # a request that was slow between its read and its copy
        elif what == "shut runs out":
            if 0 < await one.redis.ttl(one.at) <= SHUT_S:
                await one.redis.delete(one.at)
        elif what == "redis is emptied":
            await one.redis.delete(one.at)
        else:
            await ask(one, row)
        await ask(one, row)


async def change(one: One, row: Row, to: State, end: str) -> None:
    """As `service.change` does it: held shut before the commit, told after; either may be cut off by a crash."""
    if to not in ALLOWED[row.state]:
        return
    if not {row.state, to} <= UPLOADING:
        await one.shut(row.version + 1)
    if end == "crash before commit":
        return
    row.state, row.version = to, row.version + 1
    if end == "told":
        await one.put(row.state, row.version)


async def copy(one: One, row: Row, read: Row) -> Gate:
    """As a request that found no gate does it: copy what it read, and look whether that is still so."""
    while True:
        await one.put(read.state, read.version, {})
        if read.version == row.version:
            return Gate(read.state, read.version, KEY)
        read = Row(row.state, row.version)


async def ask(one: One, row: Row) -> None:
    """As a request for grants does it; what it would grant must be what the row allows."""
    gate = await one.read() or await copy(one, row, Row(row.state, row.version))
    if not gate.open:
        return
    counted = await one.gates.count(one.workspace, one.recording, gate, {0: 1}, MOST, time.time())
    assert counted < 0 or row.state in UPLOADING, f"granted while the row says {row.state}"


# -- the whole path -------------------------------------------------------------------------------------------------


async def test_an_emptied_redis_grants_what_the_row_allows_and_no_more(world: World, workspace: Workspace) -> None:
    running, ended = await begun(world, workspace), await begun(world, workspace)
    for each in (running, ended):
        await each.send(PIECES)
    await ended.finish(PIECES)
    await world.cell.redis.flushall()
    assert (await running.grants(wanted(3, b"more"))).status == 200
    refused = await ended.grants(wanted(3, b"more"))
    assert (refused.status, refused.slug) == (409, "recording-closed")


async def test_redis_that_forgets_between_two_looks_costs_nothing(
    world: World, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending = await begun(world, workspace)
    await sending.send(PIECES)
    count = Gates.count
    emptied: list[bool] = []

    async def emptied_before(self: Gates, *arguments: object, **more: object) -> int:
        if not emptied:
            emptied.append(True)
            await self.redis.flushall()
        return await count(self, *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Gates, "count", emptied_before)
    assert (await sending.grants(wanted(3, b"more"))).status == 200


async def test_a_recording_that_closes_between_two_looks_is_granted_nothing(
    world: World, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending = await begun(world, workspace)
    await sending.send(PIECES)
    count = Gates.count

    async def finished_before(self: Gates, *arguments: object, **more: object) -> int:
        monkeypatch.setattr(Gates, "count", count)
        assert (await sending.finish(PIECES)).status == 202
        return await count(self, *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Gates, "count", finished_before)
    refused = await sending.grants(wanted(3, b"more"))
    assert (refused.status, refused.slug) == (409, "recording-closed")


async def test_a_sign_of_life_while_the_recording_begins_is_answered(
    world: World, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending = await begun(world, workspace)
    count = Gates.count

    async def begun_before(self: Gates, *arguments: object, **more: object) -> int:
        monkeypatch.setattr(Gates, "count", count)
        assert (await sending.grants(wanted(0, b"first"))).status == 200
        return await count(self, *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Gates, "count", begun_before)
    assert (await sending.grants()).status == 200


async def test_after_a_crash_between_commit_and_gate_a_resumed_recording_is_granted_again(
    world: World, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending = await begun(world, workspace)
    await sending.send(PIECES)
    async with world.cell.database.writing(workspace.id) as tx:
        from cell.recordings import queries, service

        row = await tx.one(queries.by_id_locked(sending.id))
        await service.give_up_upload(tx, Gates(world.cell.redis), row, has_footage=True)

    async def crash(*_: object, **__: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as broken:
        broken.setattr(Gates, "put", crash)
        assert (await sending.resume()).status == 200
    key = f"upload:{workspace.id}:{sending.id}"
    if 0 < await world.cell.redis.ttl(key) <= SHUT_S:
        await world.cell.redis.delete(key)  # its few seconds are over
    assert (await sending.grants(wanted(3, b"more"))).status == 200
