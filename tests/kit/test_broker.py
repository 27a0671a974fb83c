"""The wake-up on real Redis Streams: what is lost there is a delay, never a job."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from sqlalchemy import delete, update

from kit.database import Database
from kit.jobs import Kind, Lane, Tasks, later
from kit.jobs.broker import Brokers
from kit.jobs.models import Job
from kit.jobs.runner import Runner
from kit.jobs.sweep import sweep_forever
from tests.cell.world import Workspace, World
from tests.waiting import eventually

NOTE = Kind("test.note")
SLOW = Kind("test.slow", Lane.MEDIA)
Done = list[str]
TASKS: Tasks[Done] = Tasks()


@TASKS.does(NOTE)
async def note(done: Done, workspace_id: UUID, arguments: list[str]) -> None:
    done.append(arguments[0])


@TASKS.does(SLOW)
async def slow(done: Done, workspace_id: UUID, arguments: list[str]) -> None:
    done.append(f"began {arguments[0]}")
    await asyncio.sleep(0.2)
    done.append(f"ended {arguments[0]}")


LONG = Kind("test.long", Lane.MEDIA)
LONG_TAKES = asyncio.Event()


@TASKS.does(LONG)
async def long(done: Done, workspace_id: UUID, arguments: list[str]) -> None:
    done.append(f"began {arguments[0]}")
    try:
        await LONG_TAKES.wait()
        done.append(f"ended {arguments[0]}")
    except asyncio.CancelledError:
        done.append(f"ended {arguments[0]} too early")
        raise


@pytest.fixture(autouse=True)
async def nothing_left(world: World) -> None:
    """Thousands of jobs of earlier tests would be swept into the lanes, and waited behind."""
    async with world.cell.database.outside() as session:
        await session.execute(delete(Job))
    await world.cell.redis.flushall()


@pytest.fixture
async def brokers(redis_url: str) -> AsyncIterator[Brokers]:
    made = Brokers(redis_url)
    yield made
    await made.close()


@asynccontextmanager
async def working(redis_url: str, database: Database, done: Done, finish_s: float = 60) -> AsyncIterator[asyncio.Event]:
    """A worker, as a process would have it, until the block ends or the event is set."""
    stop, brokers = asyncio.Event(), Brokers(redis_url)
    runner = Runner(database, TASKS, done)
    work = asyncio.create_task(brokers.work(runner, {Lane.LIGHT: 4, Lane.MEDIA: 1}, stop, finish_s=finish_s))
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(work, 60)
        await brokers.close()


async def write(world: World, workspace: Workspace, kind: Kind, word: str) -> UUID:
    """A job that nobody was told of."""
    async with world.cell.database.writing(workspace.id) as tx:
        job_id = later(tx, kind, word)
        tx._after.clear()
    return job_id


async def test_a_wake_up_is_followed_by_the_work(
    world: World, workspace: Workspace, brokers: Brokers, redis_url: str
) -> None:
    done: Done = []
    first = await write(world, workspace, NOTE, "before the worker began")
    await brokers.kick(first, Lane.LIGHT)
    async with working(redis_url, world.cell.database, done):
        await eventually(lambda: "before the worker began" in done, 10)
        await brokers.kick(await write(world, workspace, NOTE, "after"), Lane.LIGHT)
        await eventually(lambda: "after" in done, 10)
    assert await world.jobs(workspace) == []


async def test_what_redis_forgot_the_sweep_tells_again(
    world: World, workspace: Workspace, brokers: Brokers, redis_url: str
) -> None:
    done: Done = []
    job_id = await write(world, workspace, NOTE, "lost")
    await brokers.kick(job_id, Lane.LIGHT)
    await world.cell.redis.flushall()
    stop = asyncio.Event()
    async with working(redis_url, world.cell.database, done):
        async with world.cell.database.outside() as session:
            await session.execute(update(Job).where(Job.id == job_id).values(kicked_at=None))
        sweep = asyncio.create_task(sweep_forever(world.cell.database, brokers.kick, every_s=0.1, stop=stop))
        await eventually(lambda: "lost" in done, 10)
        stop.set()
        await sweep


async def test_a_worker_outlives_a_redis_that_lost_its_data(
    world: World, workspace: Workspace, brokers: Brokers, redis_url: str
) -> None:
    done: Done = []
    async with working(redis_url, world.cell.database, done):
        await brokers.kick(await write(world, workspace, NOTE, "one"), Lane.LIGHT)
        await eventually(lambda: "one" in done, 10)
        await world.cell.redis.flushall()
        await brokers.kick(await write(world, workspace, NOTE, "two"), Lane.LIGHT)
        await eventually(lambda: "two" in done, 10)


async def test_a_stopping_worker_finishes_what_it_is_at(
    world: World, workspace: Workspace, brokers: Brokers, redis_url: str
) -> None:
    done: Done = []
    async with working(redis_url, world.cell.database, done) as stop:
        await brokers.kick(await write(world, workspace, SLOW, "a"), Lane.MEDIA)
        await eventually(lambda: "began a" in done, 10)
        stop.set()
    assert done == ["began a", "ended a"]
    assert await world.jobs(workspace) == []


async def test_what_takes_a_stopping_worker_too_long_is_given_back(
    world: World, workspace: Workspace, brokers: Brokers, redis_url: str
) -> None:
    done: Done = []
    async with working(redis_url, world.cell.database, done, finish_s=0.1) as stop:
        for word in ("long", "long and not begun"):
            await brokers.kick(await write(world, workspace, LONG, word), Lane.MEDIA)
        await eventually(lambda: "began long" in done, 10)
        stop.set()
    assert done == ["began long", "ended long too early"]
    jobs = await world.jobs(workspace)
    assert [(job.attempts, job.leased_until) for job in jobs] == [(0, None)] * 2
    LONG_TAKES.set()
    async with working(redis_url, world.cell.database, done):  # no lease is waited for
        await brokers.kick(jobs[0].id, Lane.MEDIA)
        await brokers.kick(jobs[1].id, Lane.MEDIA)
        await eventually(lambda: {"ended long", "ended long and not begun"} <= set(done), 10)
    assert await world.jobs(workspace) == []


async def test_lanes_do_not_wait_for_one_another(
    world: World, workspace: Workspace, brokers: Brokers, redis_url: str
) -> None:
    done: Done = []
    async with working(redis_url, world.cell.database, done):
        for word in ("a", "b"):
            await brokers.kick(await write(world, workspace, SLOW, word), Lane.MEDIA)
        await eventually(lambda: "began a" in done, 10)
        await brokers.kick(await write(world, workspace, NOTE, "quick"), Lane.LIGHT)
        await eventually(lambda: "ended b" in done, 10)
    assert done.index("quick") < done.index("ended b")
    assert done.index("ended a") < done.index("began b")  # one at once in this lane


async def test_what_a_killed_worker_held_goes_to_another_when_its_lease_runs_out(
    world: World, workspace: Workspace, brokers: Brokers, redis_url: str
) -> None:
    done: Done = []
    job_id = await write(world, workspace, SLOW, "a")
    assert await Runner(world.cell.database, TASKS, done, lease_s=1)._take(job_id)  # and no more is heard of it
    stop = asyncio.Event()
    async with working(redis_url, world.cell.database, done):
        async with world.cell.database.outside() as session:  # told long ago, as far as the sweep knows
            await session.execute(update(Job).where(Job.id == job_id).values(kicked_at=None))
        sweep = asyncio.create_task(sweep_forever(world.cell.database, brokers.kick, every_s=0.1, stop=stop))
        await eventually(lambda: "ended a" in done, 10)
        stop.set()
        await sweep
    assert await world.jobs(workspace) == []
