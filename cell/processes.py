"""The long-running processes of a cell: web, worker, scheduler. Each says `ready` once it works.

Each imports what it needs when it runs: a scheduler that starts in a second has no use for the pages and S3.
"""

import asyncio

from redis.asyncio import Redis

from cell.settings import CellSettings
from kit import health, logs, loop, metrics, redis_facts, tracing
from kit.database import Database
from kit.jobs.broker import Brokers
from kit.jobs.kinds import Lane
from kit.jobs.runner import Runner
from kit.jobs.sweep import sweep_forever
from kit.serve import serve
from kit.stopping import stop_event

LIGHT_JOBS = 16  # errands that one worker runs at once; they mostly wait for S3 and PostgreSQL

log = logs.get("cell")


def begin(process: str) -> CellSettings:
    """Read the settings and open the logs. Raises SettingsError."""
    settings = CellSettings.load()
    logs.configure(settings.log_level, cell=settings.name, process=process)
    return settings


def be_seen(settings: CellSettings, process: str) -> None:
    """Let metrics be read, and send traces. Starts threads, so it comes after what has to come before threads."""
    tracing.configure(settings.traces_url, settings.traces_share, f"cell-{process}", cell=settings.name)
    if settings.metrics_bind:
        metrics.serve(settings.metrics_bind)


async def web(settings: CellSettings) -> None:
    """Answer browsers and machines until told to stop."""
    from cell import calls, resources
    from cell.app import make_app

    stop = stop_event()
    async with resources.opened(settings, "web") as cell, loop.watched(), health.watched(cell.checks):
        be_seen(settings, "web")
        app = calls.in_front_of(make_app(cell, stop), cell)
        log.info("ready", url=settings.url)
        await serve(app, settings.bind, stop=stop)


async def worker(settings: CellSettings, lane: str | None = None) -> None:
    """Do jobs of one lane, or of all, until told to stop; what is in hand is finished first."""
    from cell import resources
    from cell.jobs import TASKS

    stop = stop_event()
    async with resources.opened(settings, "worker") as cell, loop.watched(), health.watched(cell.checks):
        be_seen(settings, "worker")
        runner = Runner(cell.database, TASKS, cell, lease_s=settings.job_lease_s)
        most = {Lane.LIGHT: LIGHT_JOBS, Lane.MEDIA: settings.media_jobs}
        log.info("ready", lane=lane or "all")
        at_once = {one: most[one] for one in Lane if lane in (None, one)}
        await cell.brokers.work(runner, at_once, stop, finish_s=settings.finish_s)


async def scheduler(settings: CellSettings) -> None:
    """Look for waiting jobs until told to stop, beat, and ask how Redis is; of several one looks for jobs at a time."""
    from cell.heartbeat.beating import beat_forever

    stop = stop_event()
    be_seen(settings, "scheduler")
    database = Database(settings.database_url, name=f"{settings.name}-scheduler", pool_size=2)
    brokers = Brokers(settings.redis_url)
    redis: Redis = Redis.from_url(settings.redis_url, socket_timeout=5, socket_connect_timeout=2)
    try:
        log.info("ready")
        async with loop.watched(), redis_facts.watched(redis), asyncio.TaskGroup() as tasks:
            tasks.create_task(sweep_forever(database, brokers.kick, every_s=settings.sweep_every_s, stop=stop))
            tasks.create_task(beat_forever(settings, database, stop))
    finally:
        await redis.aclose()
        await brokers.close()
        await database.close()


def run(process: str, lane: str | None = None) -> None:
    """Run one of the processes by name; a worker may be one lane's."""
    settings = begin(process)
    if process == "worker":
        asyncio.run(worker(settings, lane))
    else:
        asyncio.run({"web": web, "scheduler": scheduler}[process](settings))
