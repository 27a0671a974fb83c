"""The long-running processes of a cell: web, worker, scheduler. Each says `ready` once it works."""

import asyncio

from cell import resources
from cell.settings import CellSettings
from kit import logs, metrics
from kit.jobs.kinds import Lane
from kit.jobs.runner import Runner
from kit.jobs.sweep import sweep_forever
from kit.serve import serve, stop_event

LIGHT_JOBS = 16  # errands that one worker runs at once; they mostly wait for S3 and PostgreSQL

log = logs.get("cell")


def begin(process: str) -> CellSettings:
    """Read the settings, and open logs and metrics. Raises SettingsError."""
    settings = CellSettings.load()
    logs.configure(settings.log_level, cell=settings.name, process=process)
    if settings.metrics_bind:
        metrics.serve(settings.metrics_bind)
    return settings


async def web(settings: CellSettings) -> None:
    """Answer browsers and machines until told to stop."""
    from cell.app import make_app

    stop = stop_event()
    async with resources.opened(settings, "web") as cell:
        app = make_app(cell)
        log.info("ready", url=settings.url)
        await serve(app, settings.bind, stop=stop)


async def worker(settings: CellSettings) -> None:
    """Do jobs until told to stop; what is in hand is finished first."""
    from cell.jobs import TASKS

    stop = stop_event()
    async with resources.opened(settings, "worker") as cell:
        runner = Runner(cell.database, TASKS, cell, lease_s=settings.job_lease_s)
        log.info("ready")
        await cell.brokers.work(runner, {Lane.LIGHT: LIGHT_JOBS, Lane.MEDIA: settings.media_jobs}, stop)


async def scheduler(settings: CellSettings) -> None:
    """Look for waiting jobs until told to stop; of several schedulers one works at a time."""
    from cell.jobs import TASKS

    stop = stop_event()
    async with resources.opened(settings, "scheduler") as cell:
        log.info("ready")
        await sweep_forever(cell.database, TASKS, cell.brokers.kick, every_s=settings.sweep_every_s, stop=stop)


def run(process: str) -> None:
    """Run one of the processes by name."""
    settings = begin(process)
    asyncio.run({"web": web, "worker": worker, "scheduler": scheduler}[process](settings))
