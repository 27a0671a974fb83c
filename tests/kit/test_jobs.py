"""Jobs: written with their change, done at least once and by one at a time, put off, laid aside, never lost."""

import asyncio
import errno
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeout
from sqlalchemy import delete, select, update

from cell.workspaces.models import Ownership
from kit.database import Database, now
from kit.database_errors import DatabaseUnavailable
from kit.jobs import GiveUp, Kind, Lane, RunAgain, Tasks, later
from kit.jobs.models import Job, JobArguments
from kit.jobs.runner import Runner
from kit.jobs.sweep import DEAD, DUE, LEASED, OLDEST, measure, sweep_once
from kit.storage import StorageRefused, StorageUnavailable
from tests.cell.world import Workspace, World

GREET = Kind("test.greet", attempts=2)
UNKNOWN = Kind("test.unknown")

Work = Callable[[], Awaitable[None]]


@dataclass
class Log:
    """The context of the tests' jobs: what was done, and what each run does besides."""

    done: list[list[str]] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)
    work: Work | None = None


TASKS: Tasks[Log] = Tasks()


async def gave_up(log: Log, workspace_id: UUID, arguments: list[str], reason: str) -> None:
    log.given_up.append(reason)


@TASKS.does(GREET, gave_up=gave_up)
async def greet(log: Log, workspace_id: UUID, arguments: list[str]) -> None:
    log.done.append(arguments)
    if log.work is not None:
        await log.work()


@dataclass(frozen=True)
class Bench:
    """A workspace with a runner of the tests' jobs."""

    database: Database
    workspace: Workspace
    log: Log
    runner: Runner[Log]

    async def write(self, kind: Kind = GREET, *arguments: str) -> UUID:
        async with self.database.writing(self.workspace.id) as tx:
            return later(tx, kind, *arguments)

    async def row(self, job_id: UUID) -> Job | None:
        async with self.database.outside() as session:
            return await session.get(Job, job_id)

    async def there(self, job_id: UUID) -> Job:
        row = await self.row(job_id)
        assert row is not None
        return row

    async def arguments(self, job_id: UUID) -> JobArguments | None:
        async with self.database.reading(self.workspace.id) as tx:
            return await tx.first(select(JobArguments).where(JobArguments.id == job_id))

    async def set(self, job_id: UUID, **values: object) -> None:
        async with self.database.outside() as session:
            await session.execute(update(Job).where(Job.id == job_id).values(**values))

    async def own(self, state: str) -> None:
        mine = update(Ownership).where(Ownership.workspace_id == self.workspace.id)
        async with self.database.outside() as session:
            await session.execute(mine.values(state=state))


@pytest.fixture
def bench(world: World, workspace: Workspace) -> Bench:
    log = Log()
    return Bench(world.cell.database, workspace, log, Runner(world.cell.database, TASKS, log, lease_s=20))


def failing(error: Exception) -> Work:
    async def fail() -> None:
        raise error

    return fail


async def test_a_job_is_there_with_its_change_and_gone_with_its_rollback(bench: Bench) -> None:
    job_id = await bench.write(GREET, "a")
    assert (await bench.there(job_id)).kind == "test.greet"
    with pytest.raises(ZeroDivisionError):
        async with bench.database.writing(bench.workspace.id) as tx:
            undone = later(tx, GREET, "b")
            await tx.flush()
            raise ZeroDivisionError
    assert await bench.row(undone) is None and await bench.arguments(undone) is None


async def test_a_job_runs_once_and_leaves_nothing(bench: Bench) -> None:
    job_id = await bench.write(GREET, "a", "b")
    await bench.runner.run(job_id)
    await bench.runner.run(job_id)
    assert bench.log.done == [["a", "b"]]
    assert await bench.row(job_id) is None and await bench.arguments(job_id) is None


async def test_a_job_that_is_told_of_many_times_at_once_runs_once(bench: Bench) -> None:
    job_id = await bench.write()
    bench.log.work = lambda: asyncio.sleep(0.05)
    await asyncio.gather(*(bench.runner.run(job_id) for _ in range(8)))
    assert len(bench.log.done) == 1


async def test_a_job_before_its_time_waits(bench: Bench) -> None:
    async with bench.database.writing(bench.workspace.id) as tx:
        job_id = later(tx, GREET, at=now() + timedelta(hours=1))
    await bench.runner.run(job_id)
    assert bench.log.done == [] and (await bench.there(job_id)).attempts == 0


async def test_a_failure_is_put_off_with_its_reason_and_tried_again(bench: Bench) -> None:
    job_id = await bench.write()
    bench.log.work = failing(OSError("disk is full"))
    await bench.runner.run(job_id)
    row = await bench.there(job_id)
    assert row.last_error == "OSError: disk is full" and row.leased_until is None and row.kicked_at is None
    assert timedelta(0) < row.due - now() <= timedelta(seconds=1)
    await bench.set(job_id, due=now())
    bench.log.work = None
    await bench.runner.run(job_id)
    assert await bench.row(job_id) is None


async def test_after_its_last_attempt_a_job_is_laid_aside_and_the_product_told(bench: Bench) -> None:
    job_id = await bench.write()
    bench.log.work = failing(OSError("disk is full"))
    for _ in range(GREET.attempts):
        await bench.set(job_id, due=now())
        await bench.runner.run(job_id)
    row = await bench.there(job_id)
    assert row.dead_at is not None and row.last_error == "OSError: disk is full"
    assert bench.log.given_up == [""]  # an exception's text is for the log, not for people
    await bench.runner.run(job_id)
    assert len(bench.log.done) == GREET.attempts


async def test_giving_up_is_at_once_and_keeps_the_words(bench: Bench) -> None:
    job_id = await bench.write()
    bench.log.work = failing(GiveUp("Nothing of this recording arrived."))
    await bench.runner.run(job_id)
    assert (await bench.there(job_id)).last_error == "Nothing of this recording arrived."
    assert bench.log.given_up == ["Nothing of this recording arrived."] and len(bench.log.done) == 1


async def test_a_job_that_takes_its_workers_down_is_laid_aside_without_another_try(bench: Bench) -> None:
    job_id = await bench.write()
    await bench.set(job_id, attempts=GREET.attempts, leased_until=now() - timedelta(seconds=1))
    await bench.runner.run(job_id)
    assert bench.log.done == [] and bench.log.given_up == [""]
    row = await bench.there(job_id)
    assert row.dead_at is not None and row.last_error == "it never came to an end"


async def test_running_again_is_no_failure_however_often(bench: Bench) -> None:
    job_id = await bench.write()
    bench.log.work = failing(RunAgain(30))
    for _ in range(GREET.attempts + 3):
        await bench.set(job_id, due=now())
        await bench.runner.run(job_id)
    row = await bench.there(job_id)
    assert row.dead_at is None and row.attempts == 0 and row.last_error is None
    assert timedelta(seconds=25) < row.due - now() <= timedelta(seconds=30)


@pytest.mark.parametrize(
    "outage",
    [
        StorageUnavailable("S3 does not answer"),
        StorageRefused("S3 answers 403"),
        DatabaseUnavailable(),
        RedisTimeout("Timeout reading from socket"),
        ResponseError("MISCONF Errors writing to the AOF file: No space left on device"),
        OSError(errno.ENOSPC, "No space left on device"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_is_away_closed_or_full_is_waited_for_and_costs_no_attempt(bench: Bench, outage: Exception) -> None:
    job_id = await bench.write()
    bench.log.work = failing(outage)
    for _ in range(GREET.attempts + 3):
        await bench.set(job_id, due=now())
        await bench.runner.run(job_id)
    row = await bench.there(job_id)
    assert row.dead_at is None and row.attempts == 0 and type(outage).__name__ in (row.last_error or "")
    bench.log.work = None
    await bench.set(job_id, due=now())
    await bench.runner.run(job_id)
    assert await bench.row(job_id) is None


async def test_an_unknown_kind_is_laid_aside_with_its_name(bench: Bench) -> None:
    job_id = await bench.write(UNKNOWN)
    await bench.runner.run(job_id)
    row = await bench.there(job_id)
    assert row.dead_at is not None and row.last_error is not None and "test.unknown" in row.last_error


async def test_a_job_whose_workspace_is_gone_is_forgotten(bench: Bench) -> None:
    job_id = uuid4()
    async with bench.database.outside() as session:
        session.add(Job(id=job_id, workspace_id=uuid4(), kind=GREET.name, lane=GREET.lane, due=now()))
    await bench.runner.run(job_id)
    assert await bench.row(job_id) is None and bench.log.done == []


async def test_work_of_a_frozen_workspace_waits_and_costs_no_attempt(bench: Bench) -> None:
    job_id = await bench.write()

    async def change_something() -> None:
        async with bench.database.writing(bench.workspace.id):
            pass

    bench.log.work = change_something
    await bench.own("frozen")
    for _ in range(GREET.attempts + 3):
        await bench.set(job_id, due=now())
        await bench.runner.run(job_id)
    row = await bench.there(job_id)
    assert row.dead_at is None and row.leased_until is None and bench.log.given_up == []
    await bench.own("active")
    await bench.set(job_id, due=now())
    await bench.runner.run(job_id)
    assert await bench.row(job_id) is None


async def test_work_that_ends_while_its_workspace_is_frozen_is_done_again_later(bench: Bench) -> None:
    job_id = await bench.write()
    bench.log.work = lambda: bench.own("frozen")
    await bench.runner.run(job_id)
    row = await bench.there(job_id)
    assert row.dead_at is None and row.leased_until is None


async def test_when_a_lease_runs_out_another_worker_takes_over_and_the_first_stops(bench: Bench) -> None:
    job_id = await bench.write()
    begun, ended = asyncio.Event(), []

    async def hang() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("first")

    bench.log.work = hang
    hasty = Runner(bench.database, TASKS, bench.log, lease_s=0.3)
    first = asyncio.create_task(hasty.run(job_id))
    await begun.wait()
    await bench.set(job_id, leased_until=now() - timedelta(seconds=1))  # as if it had been silent
    bench.log.work = lambda: asyncio.wait_for(asyncio.shield(first), 5)
    await bench.runner.run(job_id)  # ends only after the first one noticed
    assert ended == ["first"] and len(bench.log.done) == 2
    assert await bench.row(job_id) is None


async def test_a_stale_worker_cannot_remove_what_another_one_holds(bench: Bench) -> None:
    job_id = await bench.write()

    async def another_takes_over() -> None:
        await bench.set(job_id, attempts=Job.attempts + 1, leased_until=now() + timedelta(seconds=60))

    bench.log.work = another_takes_over
    await bench.runner.run(job_id)
    assert await bench.row(job_id) is not None and await bench.arguments(job_id) is not None


async def test_long_work_keeps_its_lease(bench: Bench) -> None:
    job_id = await bench.write()
    patient = Runner(bench.database, TASKS, bench.log, lease_s=0.2)

    async def outlast_the_lease() -> None:
        taken = (await bench.there(job_id)).leased_until
        for _ in range(100):
            await asyncio.sleep(0.02)
            if (await bench.there(job_id)).leased_until != taken:
                return
        raise AssertionError("never renewed")

    bench.log.work = outlast_the_lease
    await patient.run(job_id)
    assert await bench.row(job_id) is None


async def test_the_sweep_tells_again_of_what_nobody_is_at(bench: Bench) -> None:
    async with bench.database.outside() as session:
        await session.execute(delete(Job))
    long_ago = now() - timedelta(minutes=1)
    lost, fresh, leased, dead, early, expired = [await bench.write() for _ in range(6)]
    await bench.set(lost, kicked_at=long_ago)
    await bench.set(leased, kicked_at=long_ago, leased_until=now() + timedelta(minutes=1))
    await bench.set(dead, kicked_at=long_ago, dead_at=now())
    await bench.set(early, kicked_at=None, due=now() + timedelta(minutes=1))
    await bench.set(expired, kicked_at=long_ago, leased_until=long_ago)
    told: list[tuple[UUID, str]] = []

    async def kick(job_id: UUID, lane: str) -> None:
        told.append((job_id, lane))

    assert await sweep_once(bench.database, kick) == 2
    assert set(told) == {(lost, Lane.LIGHT), (expired, Lane.LIGHT)}
    assert await sweep_once(bench.database, kick) == 0  # told a moment ago
    assert (await bench.there(fresh)).attempts == 0


async def test_two_sweeps_at_once_tell_of_each_job_once(bench: Bench) -> None:
    async with bench.database.outside() as session:
        await session.execute(delete(Job))
    for job_id in [await bench.write() for _ in range(20)]:
        await bench.set(job_id, kicked_at=None)
    told: list[UUID] = []

    async def kick(job_id: UUID, lane: str) -> None:
        told.append(job_id)

    counts = await asyncio.gather(*(sweep_once(bench.database, kick) for _ in range(4)))
    assert sum(counts) == len(told) == len(set(told)) == 20


async def test_what_waits_is_measured(bench: Bench) -> None:
    async with bench.database.outside() as session:
        await session.execute(delete(Job))
    waiting, leased, dead = [await bench.write() for _ in range(3)]
    await bench.set(waiting, due=now() - timedelta(seconds=90))
    await bench.set(leased, leased_until=now() + timedelta(minutes=1))
    await bench.set(dead, dead_at=now())
    await measure(bench.database)
    light, media = ({gauge: gauge.labels(lane)._value.get() for gauge in (DUE, LEASED, DEAD, OLDEST)} for lane in Lane)
    assert light[DUE] == 1  # nobody is at it, as the help text says
    assert light[LEASED] == light[DEAD] == 1
    assert 90 <= light[OLDEST] < 120
    assert set(media.values()) == {0}


async def test_the_trace_leads_from_the_job_to_the_request(bench: Bench) -> None:
    import structlog

    with structlog.contextvars.bound_contextvars(request_id="request-7"):
        job_id = await bench.write()
    assert (await bench.there(job_id)).trace == "request-7"


def test_two_tasks_never_do_the_same_kind() -> None:
    with pytest.raises(ValueError, match="two tasks do"):
        TASKS.does(GREET)(greet)
