"""Writing a job together with the change that causes it: both are there after the commit, or neither."""

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID, uuid4

import structlog

from kit import tracing
from kit.database import Writing, now
from kit.direct import DirectWriting
from kit.jobs.kinds import Kind
from kit.jobs.models import Job, JobArguments

Kick = Callable[[UUID, str], Awaitable[None]]  # job id, lane

_kick: list[Kick] = []


def use(kick: Kick) -> None:
    """Set how this process wakes a worker. Without it jobs wait for the sweep, a second or two."""
    _kick[:] = [kick]


def later(tx: Writing, kind: Kind, *arguments: str | UUID, at: datetime | None = None) -> UUID:
    """Have `kind` done after this transaction, at `at` or at once. The arguments are ids; the job's id comes back."""
    moment = now()
    job_id = uuid4()
    at_once = at is None or at <= moment
    tx.add(
        Job(
            id=job_id,
            workspace_id=tx.workspace_id,
            kind=kind.name,
            lane=kind.lane,
            due=moment if at is None else at,
            trace=_trace(),
            kicked_at=moment if at_once else None,
        ),
        JobArguments(id=job_id, arguments=[str(argument) for argument in arguments]),
    )
    if at_once:
        _wake(tx, job_id, kind)
    return job_id


async def later_directly(tx: DirectWriting, kind: Kind, *arguments: str | UUID, at: datetime | None = None) -> UUID:
    """The same from a transaction that speaks PostgreSQL directly."""
    moment, job_id = now(), uuid4()
    at_once = at is None or at <= moment
    texts = json.dumps([str(argument) for argument in arguments])
    due, kicked_at = at or moment, moment if at_once else None
    await tx.row(_DIRECTLY, tx.workspace_id, job_id, kind.name, kind.lane, due, _trace(), kicked_at, texts)
    if at_once:
        _wake(tx, job_id, kind)
    return job_id


def _trace() -> str | None:
    """The request, and the span if there is one, which cause the job: `request-id` or `request-id traceparent`."""
    request_id: str | None = structlog.contextvars.get_contextvars().get("request_id")
    span = tracing.current()
    return f"{request_id or ''} {span}" if span else request_id


def _wake(tx: Writing | DirectWriting, job_id: UUID, kind: Kind) -> None:
    if _kick:
        kick = _kick[0]
        tx.after_commit(lambda: kick(job_id, kind.lane))


_DIRECTLY = """
WITH job AS (
  INSERT INTO jobs (workspace_id, id, kind, lane, due, trace, kicked_at, attempts)
  VALUES ($1, $2, $3, $4, $5, $6, $7, 0))
INSERT INTO job_arguments (workspace_id, id, arguments) VALUES ($1, $2, $8::text::jsonb)
"""
