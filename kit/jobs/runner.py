"""Doing a job: lease it, do it in the tenant's scope, and remove it, put it off, or lay it aside with its reason."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar
from uuid import UUID

from prometheus_client import Counter, Gauge, Histogram
from sqlalchemy import ColumnElement, and_, delete, or_, select, update

from kit import logs, outages, tracing
from kit.database import Database, Writing, now
from kit.database_errors import WorkspaceFrozen
from kit.jobs.kinds import GiveUp, RunAgain, Task, Tasks
from kit.jobs.models import Job, JobArguments
from kit.refusals import NotFound

C = TypeVar("C")
log = logs.get("jobs")

BACKOFF_S = (1, 5, 30, 120, 600)  # after the 1st, 2nd, ... failed attempt
OUTAGE_S = 10  # until what was away is asked again
FROZEN_S = 30  # how long work waits where its workspace takes no writes
REASON_LENGTH = 500  # characters of an error that are kept
# No job's row is held as an object, so there is none to bring in step: that took an eighth of a worker's time.
AS_IT_IS = {"synchronize_session": False}

RUNS = Counter("cellcast_job_runs_total", "Runs of jobs by how they ended", ["kind", "outcome"])
SECONDS = Histogram(
    "cellcast_job_seconds", "How long a run took", ["kind"], buckets=(0.05, 0.2, 1, 3, 10, 30, 120, 600)
)
WAITED = Histogram(
    "cellcast_job_wait_seconds",
    "From when a job was due until a worker began it",
    ["lane"],
    buckets=(0.05, 0.2, 1, 3, 10, 30, 120, 600, 3600),
)
RUNNING = Gauge("cellcast_jobs_running", "Jobs that this worker is at", ["lane"])


@dataclass
class Leased:
    """A job that this worker holds; `until`, to the microsecond, is also the proof that the lease is still its own."""

    id: UUID
    workspace_id: UUID
    kind: str
    attempts: int
    trace: str | None
    last_error: str | None
    lane: str
    due: datetime
    until: datetime


class Runner(Generic[C]):
    """Runs jobs of `tasks` with `context` (what their functions need: database, bucket, ...)."""

    def __init__(self, database: Database, tasks: Tasks[C], context: C, *, lease_s: float = 30) -> None:
        self._database = database
        self._tasks = tasks
        self._context = context
        self._lease = timedelta(seconds=lease_s)

    async def run(self, job_id: UUID) -> None:
        """Do one job if it is due and nobody else is at it; never raises for what the job does."""
        leased = await self._take(job_id)
        if leased is None:
            return
        logs.clear()
        request_id, _, parent = (leased.trace or "").partition(" ")
        logs.bind(
            job=str(job_id), kind=leased.kind, workspace_id=str(leased.workspace_id), request_id=request_id or None
        )
        with tracing.span(f"job {leased.kind}", parent) as span:
            outcome = await self._run(leased)
            if span is not None:
                span.set_attribute("cellcast.outcome", outcome)

    async def _run(self, leased: Leased) -> str:
        """Do a job that this worker holds; how it ended."""
        task = self._tasks.get(leased.kind)
        if task is None:
            await self._lay_aside(leased, None, [], f"this worker knows no job called {leased.kind}")
            return "unknown"
        arguments = await self._arguments(leased)
        if arguments is None:  # the workspace left this cell, or was deleted, with its work
            await self._forget(leased)
            return "gone"
        WAITED.labels(leased.lane).observe(max(0.0, (now() - leased.due).total_seconds()))
        with SECONDS.labels(leased.kind).time(), RUNNING.labels(leased.lane).track_inprogress():
            try:
                outcome = await self._attempt(leased, task, arguments)
            except WorkspaceFrozen:  # it is moving or suspended: its work waits, and that is no failure
                await self._put_off(leased, FROZEN_S, reset=True)
                outcome = "frozen"
            except asyncio.CancelledError:
                await asyncio.shield(self._give_back(leased))
                RUNS.labels(leased.kind, "given-back").inc()
                raise
        RUNS.labels(leased.kind, outcome).inc()
        return outcome

    async def _attempt(self, leased: Leased, task: Task[C], arguments: list[str]) -> str:
        if leased.attempts > task.kind.attempts:  # it took its workers down with it each time
            await self._lay_aside(leased, task, arguments, leased.last_error or "it never came to an end")
            return "dead"
        try:
            await self._with_lease(leased, task.work(self._context, leased.workspace_id, arguments))
        except _LeaseLost:
            log.warning("lease lost")
            return "lost"
        except RunAgain as again:
            await self._put_off(leased, again.after_s, reset=True)
            return "again"
        except GiveUp as reason:
            await self._lay_aside(leased, task, arguments, str(reason), said=str(reason))
            return "dead"
        except WorkspaceFrozen:
            raise
        except Exception as error:
            return await self._failed(leased, task, arguments, error)
        await self._forget(leased)
        return "done"

    async def _failed(self, leased: Leased, task: Task[C], arguments: list[str], error: Exception) -> str:
        reason = f"{type(error).__name__}: {error}"[:REASON_LENGTH]
        if outages.is_outage(error):  # waited for, however long: nothing is wrong with the work itself
            log.warning("job waits for what is away", error=type(error).__name__)
            await self._put_off(leased, OUTAGE_S, error=reason, reset=True)
            return "away"
        if leased.attempts >= task.kind.attempts:
            await self._lay_aside(leased, task, arguments, reason)
            return "dead"
        log.warning("job failed, will be tried again", attempt=leased.attempts, exc_info=error)
        await self._put_off(leased, BACKOFF_S[min(leased.attempts, len(BACKOFF_S)) - 1], error=reason)
        return "failed"

    async def _take(self, job_id: UUID) -> Leased | None:
        moment = now()
        until = moment + self._lease
        free = (
            select(Job.id)
            .where(Job.id == job_id, Job.due <= moment, Job.dead_at.is_(None))
            .where(or_(Job.leased_until.is_(None), Job.leased_until < moment))
            .with_for_update(skip_locked=True)
        )
        take = (
            update(Job)
            .where(Job.id.in_(free.scalar_subquery()))
            .values(attempts=Job.attempts + 1, leased_until=until)
            .returning(Job.id, Job.workspace_id, Job.kind, Job.attempts, Job.trace, Job.last_error, Job.lane, Job.due)
            .execution_options(**AS_IT_IS)
        )
        async with self._database.outside() as session:
            row = (await session.execute(take)).first()
        return None if row is None else Leased(**row._mapping, until=until)

    async def _arguments(self, leased: Leased) -> list[str] | None:
        async with self._database.reading(leased.workspace_id) as tx:
            return await tx.first(select(JobArguments.arguments).where(JobArguments.id == leased.id))

    async def _with_lease(self, leased: Leased, work: Awaitable[None]) -> None:
        """Do the work while renewing the lease; end it as soon as somebody else holds the job."""
        doing = asyncio.ensure_future(work)
        try:
            while not doing.done():
                await asyncio.wait({doing}, timeout=self._lease.total_seconds() / 3)
                if not doing.done() and not await self._renew(leased):
                    raise _LeaseLost
            await doing
        finally:
            if not doing.done():
                doing.cancel()
                await asyncio.gather(doing, return_exceptions=True)

    async def _renew(self, leased: Leased) -> bool:
        try:
            renewed = now() + self._lease
            held = await self._change(leased, leased_until=renewed)
            leased.until = renewed
            return held
        except Exception as error:  # a blink of the database must not end the work; the lease decides
            log.warning("lease not renewed", error=type(error).__name__)
            return True

    async def _change(self, leased: Leased, **values: object) -> bool:
        mine = update(Job).where(_held(leased)).values(**values).execution_options(**AS_IT_IS)
        async with self._database.outside() as session:
            result = await session.execute(mine)
        return bool(getattr(result, "rowcount", 0))

    async def _put_off(self, leased: Leased, after_s: float, *, error: str | None = None, reset: bool = False) -> None:
        due = now() + timedelta(seconds=after_s)
        values: dict[str, object] = {"due": due, "leased_until": None, "kicked_at": None, "last_error": error}
        await self._change(leased, **values, **({"attempts": 0} if reset else {}))

    async def _give_back(self, leased: Leased) -> None:
        """Whoever is told next begins at once, and no attempt was used up: the worker stops, the work was well."""
        await self._change(leased, leased_until=None, kicked_at=None, attempts=Job.attempts - 1)

    async def _forget(self, leased: Leased) -> None:
        try:
            async with self._database.writing(leased.workspace_id) as tx:
                await self._remove(tx, leased)
        except NotFound:  # the workspace is no longer of this cell: its arguments went with it
            async with self._database.outside() as session:
                await session.execute(delete(Job).where(Job.id == leased.id))

    async def _remove(self, tx: Writing, leased: Leased) -> None:
        if await tx.execute(delete(Job).where(_held(leased)).execution_options(**AS_IT_IS)):
            arguments = delete(JobArguments).where(JobArguments.id == leased.id)
            await tx.execute(arguments.execution_options(**AS_IT_IS))

    async def _lay_aside(
        self, leased: Leased, task: Task[C] | None, arguments: list[str], reason: str, *, said: str = ""
    ) -> None:
        """A dead letter keeps its reason; the product is told first, so that a crash in between tells it again.

        `said` is what the work itself gave as its reason, in words for people; an exception's text is not.
        """
        log.error("job given up", reason=reason, attempts=leased.attempts)
        if task is not None and task.gave_up is not None:
            await task.gave_up(self._context, leased.workspace_id, arguments, said)
        await self._change(leased, dead_at=now(), leased_until=None, last_error=reason[:REASON_LENGTH])


def _held(leased: Leased) -> ColumnElement[bool]:
    """True of the job's row while nobody else has taken it."""
    return and_(Job.id == leased.id, Job.leased_until == leased.until)


class _LeaseLost(Exception):
    """Somebody else holds the job now; what this worker still did is repeated there."""
