"""The sweep: tells the broker again of every job that is due and that nobody is at. Any loss becomes a delay."""

import asyncio
from datetime import timedelta
from uuid import UUID

from prometheus_client import Gauge
from sqlalchemy import func, or_, select, text, update

from kit.database import Database, now
from kit.jobs.models import Job
from kit.jobs.outbox import Kick
from kit.rounds import rounds

KICK_AGAIN = timedelta(seconds=5)  # a wake-up that led to nothing within this time was lost
BATCH = 200

DUE = Gauge("cellcast_jobs_due", "Jobs that are due and that nobody is at")
OLDEST = Gauge("cellcast_jobs_oldest_due_seconds", "How long the oldest due job has waited")
DEAD = Gauge("cellcast_jobs_dead", "Jobs laid aside with their reason")


async def sweep_once(database: Database, kick: Kick) -> int:
    """Wake a worker for each waiting job; how many there were, at most BATCH."""
    moment = now()
    waiting = (
        select(Job.id)
        .where(Job.due <= moment, Job.dead_at.is_(None))
        .where(or_(Job.leased_until.is_(None), Job.leased_until < moment))
        .where(or_(Job.kicked_at.is_(None), Job.kicked_at < moment - KICK_AGAIN))
        .order_by(Job.due)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    mark = update(Job).where(Job.id.in_(waiting)).values(kicked_at=moment).returning(Job.id, Job.lane)
    async with database.outside() as session:
        found: list[tuple[UUID, str]] = [(row.id, row.lane) for row in await session.execute(mark)]
    for job_id, lane in found:
        await kick(job_id, lane)
    return len(found)


async def measure(database: Database) -> None:
    """Set the gauges that scaling and alerts look at."""
    moment = now()
    free = or_(Job.leased_until.is_(None), Job.leased_until < moment)
    due = select(func.count(), func.min(Job.due)).where(Job.due <= moment, Job.dead_at.is_(None), free)
    async with database.outside() as session:
        count, oldest = (await session.execute(due)).one()._tuple()
        dead = (await session.execute(select(func.count()).where(Job.dead_at.is_not(None)))).scalar_one()
    DUE.set(count)
    OLDEST.set((moment - oldest).total_seconds() if count else 0)
    DEAD.set(dead)


async def sweep_forever(database: Database, kick: Kick, *, every_s: float, stop: asyncio.Event) -> None:
    """Sweep every `every_s` seconds until `stop`; of several schedulers one sweeps, the others stand by."""

    async def sweep() -> None:
        async with database.outside() as session:
            # The lock lives as long as this transaction, so a scheduler that dies lets go by itself.
            if (await session.execute(text("select pg_try_advisory_xact_lock(hashtext('sweep'))"))).scalar_one():
                await sweep_once(database, kick)
                await measure(database)

    await rounds("sweep", sweep, stop, every_s=every_s)
