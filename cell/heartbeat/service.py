"""How loaded the cell is, in the registry's units."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from prometheus_client import Gauge
from sqlalchemy import func, select

from cell.recordings.models import Recording
from cell.workspaces import service as workspaces
from kit.database import Database, now

UNIT = 10  # recordings a day: what a typical small workspace makes (contracts/placing.py, Beat)
DAY = timedelta(days=1)
WEEK = timedelta(days=7)
SHOWN = 10  # workspaces that have a series of their own: those that would be a noisy neighbour

BUSIEST = Gauge(
    "cellcast_workspace_recordings_day", "Recordings of the last day, of the ten busiest workspaces", ["workspace"]
)


@dataclass(frozen=True)
class Load:
    """`load` in units, measured over the last day; `growth` in units a day, against the same day a week ago."""

    load: float
    growth: float


async def measure(database: Database) -> Load:
    """Count what each workspace recorded, each in its own scope. Half a millisecond a workspace."""
    moment, then = now(), 0
    begun: dict[UUID, int] = {}
    for workspace_id in await workspaces.here(database):
        begun[workspace_id] = await _begun(database, workspace_id, moment - DAY, moment)
        then += await _begun(database, workspace_id, moment - WEEK - DAY, moment - WEEK)
    _show(begun)
    today = sum(begun.values())
    return Load(today / UNIT, (today - then) / UNIT / WEEK.days)


def _show(begun: dict[UUID, int]) -> None:
    BUSIEST.clear()
    for workspace_id, recordings in sorted(begun.items(), key=lambda one: one[1], reverse=True)[:SHOWN]:
        if recordings:
            BUSIEST.labels(str(workspace_id)).set(recordings)


async def _begun(database: Database, workspace_id: UUID, since: datetime, until: datetime) -> int:
    counted = select(func.count()).where(Recording.created_at > since, Recording.created_at <= until)
    async with database.reading(workspace_id) as tx:
        return await tx.one(counted)
