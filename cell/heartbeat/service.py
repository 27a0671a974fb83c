"""How loaded the cell is, in the registry's units."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from cell.recordings.models import Recording
from cell.workspaces import service as workspaces
from kit.database import Database, now

UNIT = 10  # recordings a day: what a typical small workspace makes (contracts/placing.py, Beat)
DAY = timedelta(days=1)
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Load:
    """`load` in units, measured over the last day; `growth` in units a day, against the same day a week ago."""

    load: float
    growth: float


async def measure(database: Database) -> Load:
    """Count what each workspace recorded, each in its own scope. Half a millisecond a workspace."""
    moment, today, then = now(), 0, 0
    for workspace_id in await workspaces.here(database):
        today += await _begun(database, workspace_id, moment - DAY, moment)
        then += await _begun(database, workspace_id, moment - WEEK - DAY, moment - WEEK)
    return Load(today / UNIT, (today - then) / UNIT / WEEK.days)


async def _begun(database: Database, workspace_id: UUID, since: datetime, until: datetime) -> int:
    counted = select(func.count()).where(Recording.created_at > since, Recording.created_at <= until)
    async with database.reading(workspace_id) as tx:
        return await tx.one(counted)
