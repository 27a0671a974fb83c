"""One owner: only what is later applies, writers in flight end first, grants stop, no stale write is committed."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import count
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text

from cell.audit.models import SubjectKey
from cell.ownership import gate, service
from cell.ownership.gate import Held
from cell.recordings.gate import Gate, Gates
from cell.recordings.states import State as Recording
from contracts.placements import State
from kit.database import Database
from kit.database_errors import OwnershipPassed, WorkspaceFrozen, WritersInFlight
from kit.refusals import NotFound
from tests.cell.world import Workspace, World
from tests.servers.postgres import Postgres
from tests.waiting import eventually

WRITERS, CHANGES = 64, 50


async def set_to(world: World, workspace: Workspace, epoch: int, version: int, state: State = State.ACTIVE) -> Held:
    return await service.set_to(world.cell.database, world.cell.redis, workspace.id, Held(epoch, version, state))


@pytest.mark.parametrize(("epoch", "version"), [(1, 1), (1, 0), (0, 99)])
async def test_what_is_not_later_changes_nothing(world: World, workspace: Workspace, epoch: int, version: int) -> None:
    assert await set_to(world, workspace, epoch, version, State.FROZEN) == Held(1, 1, State.ACTIVE)


@pytest.mark.parametrize(("epoch", "version"), [(1, 2), (2, 1), (2, 2)])
async def test_what_is_later_applies(world: World, workspace: Workspace, epoch: int, version: int) -> None:
    assert await set_to(world, workspace, epoch, version) == Held(epoch, version, State.ACTIVE)
    async with world.cell.database.writing(workspace.id) as tx:
        assert tx.epoch == epoch


async def test_a_workspace_that_is_not_here_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        await service.set_to(world.cell.database, world.cell.redis, uuid4(), Held(1, 1, State.FROZEN))


async def test_a_frozen_workspace_takes_no_write_and_a_thawed_one_does(world: World, workspace: Workspace) -> None:
    await set_to(world, workspace, 1, 2, State.FROZEN)
    with pytest.raises(WorkspaceFrozen):
        async with world.cell.database.writing(workspace.id):
            pass
    await set_to(world, workspace, 1, 3)
    async with world.cell.database.writing(workspace.id):
        pass


async def test_a_write_that_goes_on_from_an_earlier_epoch_is_refused(world: World, workspace: Workspace) -> None:
    async with world.cell.database.writing(workspace.id) as tx:
        believed = tx.epoch
    await set_to(world, workspace, 2, 2)
    with pytest.raises(OwnershipPassed):
        async with world.cell.database.writing(workspace.id, believed=believed):
            pass
    async with world.cell.database.writing(workspace.id, believed=2):
        pass


async def test_freezing_waits_for_the_writer_in_flight(world: World, workspace: Workspace) -> None:
    async with world.cell.database.writing(workspace.id) as tx:
        freezing = asyncio.create_task(set_to(world, workspace, 1, 2, State.FROZEN))
        await _waits_for_lock(world)
        tx.add(SubjectKey(id=uuid4(), wrapped=b"in flight"))
    assert (await freezing).state is State.FROZEN
    async with world.cell.database.reading(workspace.id) as reading:
        assert await reading.first(select(SubjectKey).where(SubjectKey.wrapped == b"in flight")) is not None


async def test_a_writer_that_does_not_end_stops_the_freeze_and_not_the_cell(
    world: World, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "WRITERS_END_WITHIN_S", 0.1)
    async with world.cell.database.writing(workspace.id):
        with pytest.raises(WritersInFlight):
            await set_to(world, workspace, 1, 2, State.FROZEN)
    async with world.cell.database.writing(workspace.id):
        pass


async def _waits_for_lock(world: World) -> None:
    async with asyncio.timeout(60):
        while True:
            async with world.cell.database.outside() as session:
                waiting = text("select count(*) from pg_locks where locktype = 'advisory' and not granted")
                if await session.scalar(waiting):
                    return


async def test_a_copy_is_replaced_by_a_later_one_alone(world: World, workspace: Workspace) -> None:
    redis = world.cell.redis
    for held, state in (
        (Held(2, 5, State.ACTIVE), "active"),
        (Held(2, 4, State.FROZEN), "active"),
        (Held(1, 9, State.FROZEN), "active"),
        (Held(2, 6, State.FROZEN), "frozen"),
        (Held(3, 1, State.ACTIVE), "active"),
    ):
        await gate.put(redis, workspace.id, held)
        assert await redis.hget(gate.at(workspace.id), "state") == state


async def test_a_copy_that_is_shut_is_forgotten_by_itself(world: World, workspace: Workspace) -> None:
    await gate.shut(world.cell.redis, workspace.id, Held(1, 2, State.SUSPENDED))
    assert await world.cell.redis.hget(gate.at(workspace.id), "state") == "frozen"
    assert 0 < await world.cell.redis.ttl(gate.at(workspace.id)) <= gate.SHUT_S


async def test_the_gate_tells_of_recording_and_workspace_in_one_read(world: World, workspace: Workspace) -> None:
    gates, recording = Gates(world.cell.redis), uuid4()
    await gates.put(workspace.id, recording, Gate(Recording.RECORDING, 1, b"key"), {})
    before = await gates.read(workspace.id, recording)
    assert before is not None and before.workspace is None  # nobody asked for grants yet: the row will say it
    assert await service.state_of(world.cell.database, world.cell.redis, workspace.id) is State.ACTIVE
    assert await gates.read(workspace.id, recording) == Gate(Recording.RECORDING, 1, b"key", "active")
    assert await gates.count(workspace.id, recording, before, {0: 10}, 100, 0) == 10
    await set_to(world, workspace, 1, 2, State.FROZEN)
    assert await gates.read(workspace.id, recording) == Gate(Recording.RECORDING, 1, b"key", "frozen")
    assert await gates.count(workspace.id, recording, before, {0: 10}, 100, 0) == -3


@dataclass
class Log:
    """What the writers know: rows whose commit they were told of, and how often they were refused."""

    acknowledged: dict[UUID, int] = field(default_factory=dict)  # row -> the epoch it was written under
    refused: int = 0


@pytest.fixture
async def many(postgres: Postgres, cell_database: str) -> AsyncIterator[Database]:
    database = Database(postgres.app_dsn(cell_database), name="writers", pool_size=24)
    yield database
    await database.close()


async def test_64_writers_while_the_epoch_changes_50_times(world: World, workspace: Workspace, many: Database) -> None:
    """Each row carries the epoch under which its writer believed to write: once that has passed, it gains no row."""
    log, ended = Log(), asyncio.Event()
    writers = [asyncio.create_task(_write(many, workspace.id, log, ended, random.Random(n))) for n in range(WRITERS)]
    passed: dict[int, int] = {}  # epoch -> rows under it when it had passed
    version = count(2)
    for epoch in range(2, CHANGES + 2):
        enough = len(log.acknowledged) + 5
        await eventually(lambda enough=enough: len(log.acknowledged) >= enough, 30)  # type: ignore[misc]
        if epoch % 2:  # as a move does it; the others as a roll-back does
            await set_to(world, workspace, epoch - 1, next(version), State.FROZEN)
        await set_to(world, workspace, epoch, next(version))
        passed[epoch - 1] = list((await _rows(many, workspace.id)).values()).count(epoch - 1)
    ended.set()
    await asyncio.gather(*writers)
    rows = await _rows(many, workspace.id)
    assert {epoch: list(rows.values()).count(epoch) for epoch in passed} == passed
    assert rows == log.acknowledged  # none acknowledged and lost, none committed and refused
    assert log.refused >= CHANGES


async def _write(database: Database, workspace: UUID, log: Log, ended: asyncio.Event, chance: random.Random) -> None:
    believed: int | None = None
    while not ended.is_set():
        row = uuid4()
        try:
            async with database.writing(workspace, believed=believed) as tx:
                believed = believed or tx.epoch
                tx.add(SubjectKey(id=row, wrapped=str(believed).encode()))
                await tx.flush()
                await asyncio.sleep(chance.random() * 0.01)
            log.acknowledged[row] = believed
        except OwnershipPassed:
            log.refused += 1
            believed = None
        except WorkspaceFrozen:
            log.refused += 1
            await asyncio.sleep(0.005)


async def _rows(database: Database, workspace: UUID) -> dict[UUID, int]:
    async with database.reading(workspace) as tx:
        rows = await tx.rows(select(SubjectKey.id, SubjectKey.wrapped).where(func.length(SubjectKey.wrapped) < 4))
    return {row[0]: int(row[1]) for row in rows}


async def test_grants_stop_within_a_second_of_a_freeze(world: World, workspace: Workspace) -> None:
    """From the call that freezes to the first refused grant, while a browser asks all the time."""
    gates, recording = Gates(world.cell.redis), uuid4()
    await gates.put(workspace.id, recording, Gate(Recording.RECORDING, 1, b"key"), {})
    await service.state_of(world.cell.database, world.cell.redis, workspace.id)
    began = time.monotonic()
    freezing = asyncio.create_task(set_to(world, workspace, 1, 2, State.FROZEN))
    while True:
        found = await gates.read(workspace.id, recording)
        assert found is not None
        if found.workspace != "active":
            break
    assert time.monotonic() - began < 1
    assert (await freezing).state is State.FROZEN
