"""The sweep: tells the broker again of every job that is due and that nobody is at. Any loss becomes a delay."""

import asyncio
from datetime import timedelta
from uuid import UUID

from prometheus_client import Gauge
from sqlalchemy import and_, func, not_, or_, select, text, update

from kit.database import Database, now
from kit.jobs.kinds import Lane
from kit.jobs.models import Job
from kit.jobs.outbox import Kick
from kit.rounds import rounds

KICK_AGAIN = timedelta(seconds=5)  # a wake-up that led to nothing within this time was lost
BATCH = 200

DUE = Gauge("cellcast_jobs_due", "Jobs of the cell that are due and that nobody is at", ["lane"])
LEASED = Gauge("cellcast_jobs_leased", "Jobs of the cell that workers are at", ["lane"])
OLDEST = Gauge("cellcast_jobs_oldest_due_seconds", "How long the oldest due job of the cell has waited", ["lane"])
DEAD = Gauge("cellcast_jobs_dead", "Jobs of the cell that were laid aside with their reason", ["lane"])


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
    mark = mark.execution_options(synchronize_session=False)
    async with database.outside() as session:
        found: list[tuple[UUID, str]] = [(row.id, row.lane) for row in await session.execute(mark)]
    for job_id, lane in found:
        await kick(job_id, lane)
    return len(found)


async def measure(database: Database) -> None:
    """Set the gauges that scaling and alerts look at."""
    moment = now()
    alive, leased = Job.dead_at.is_(None), and_(Job.leased_until.is_not(None), Job.leased_until >= moment)
    waits = and_(alive, not_(leased), Job.due <= moment)
    counts = [func.count().filter(one) for one in (waits, and_(alive, leased), Job.dead_at.is_not(None))]
    by_lane = select(Job.lane, func.min(Job.due).filter(waits)).add_columns(*counts).group_by(Job.lane)
    async with database.outside() as session:
        found = {row[0]: row for row in await session.execute(by_lane)}
    for lane in Lane:
        _, oldest, due, at_work, dead = found.get(lane, (lane, None, 0, 0, 0))
        DUE.labels(lane).set(due)
        LEASED.labels(lane).set(at_work)
        DEAD.labels(lane).set(dead)
        OLDEST.labels(lane).set((moment - oldest).total_seconds() if oldest else 0)


def _stand_by() -> None:
    """Show nothing: what was measured here once is old, and another scheduler measures now."""
    for gauge in (DUE, LEASED, OLDEST, DEAD):
        gauge.clear()


async def sweep_forever(database: Database, kick: Kick, *, every_s: float, stop: asyncio.Event) -> None:
    """Sweep every `every_s` seconds until `stop`; of several schedulers one sweeps, the others stand by."""

    async def sweep() -> None:
        async with database.outside() as session:
            # The lock lives as long as this transaction, so a scheduler that dies lets go by itself.
            if (await session.execute(text("select pg_try_advisory_xact_lock(hashtext('sweep'))"))).scalar_one():
                await sweep_once(database, kick)
                await measure(database)
            else:
                _stand_by()

    await rounds("sweep", sweep, stop, every_s=every_s)
