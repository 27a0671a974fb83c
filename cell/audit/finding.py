"""What somebody typed into the filters, as the ids that entries hold."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from cell.actors import SYSTEM
from cell.audit import queries
from cell.audit.queries import Wanted
from cell.people import service as people
from kit.database import Reading


class Filter(BaseModel):
    """Which entries to show, as the address says it. Days are of UTC, and the last one counts."""

    actor: Annotated[str, Field(max_length=254)] = ""
    action: Annotated[str, Field(max_length=60)] = ""
    target: Annotated[str, Field(max_length=254)] = ""
    since: date | None = None
    until: date | None = None

    @property
    def query(self) -> dict[str, str]:
        """The filters that are set, as they stand in an address."""
        return {name: str(value) for name, value in self.model_dump(include=set(Filter.model_fields)).items() if value}


async def wanted(tx: Reading, filters: Filter) -> Wanted:
    """The entries that a filter means."""
    return Wanted(
        actors=await _ids(tx, filters.actor),
        actions=await _actions(tx, filters.action),
        targets=await _ids(tx, filters.target),
        since=_midnight(filters.since),
        until=None if filters.until is None else _after(filters.until),
    )


async def _ids(tx: Reading, text: str) -> frozenset[UUID] | None:
    """An id itself, or the members whose name or e-mail contains the text; Cellcast is what acts by itself."""
    if not text:
        return None
    try:
        return frozenset({UUID(text)})
    except ValueError:
        found = await people.ids_like(tx, text)
    return frozenset(found | {SYSTEM.id}) if text.lower() in SYSTEM.name.lower() else frozenset(found)


async def _actions(tx: Reading, action: str) -> frozenset[str] | None:
    """The action itself, or for `link.` all that there are of that noun: an index finds these, and no pattern."""
    if action.endswith("."):
        return frozenset(one for one in await tx.all(queries.actions()) if one.startswith(action))
    return frozenset({action}) if action else None


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), UTC)


def _after(day: date) -> datetime | None:
    """The midnight that ends a day; None for the last day there is."""
    return None if day == date.max else _midnight(day + timedelta(days=1))
