"""Statements of the library: recordings that agents see."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Select, func, or_, select, tuple_

from cell.recordings.models import Recording
from cell.recordings.states import State
from kit.cursors import Cursor

# What a tab of the library shows; an abandoned recording is in none: there is nothing to watch.
TABS: dict[str, frozenset[State]] = {
    "": frozenset(State) - {State.ABANDONED},
    "ready": frozenset({State.READY}),
    "processing": frozenset({State.FINISHING, State.PROCESSING}),
    "recording": frozenset({State.CREATED, State.RECORDING}),
    "failed": frozenset({State.FAILED}),
}


def page(q: str, tab: str, after: Cursor | None, limit: int) -> Select[Recording]:
    """Recordings of a tab that contain `q` in title or ticket, from the newest on, beyond `after`."""
    found = (
        select(Recording)
        .where(Recording.deleted_at.is_(None), Recording.state.in_(_values(TABS[tab])))
        .order_by(Recording.created_at.desc(), Recording.id.desc())
        .limit(limit)
    )
    if q:
        found = found.where(_contains(q))
    return found if after is None else found.where(tuple_(Recording.created_at, Recording.id) < after)


def counts(q: str) -> Select[str, int]:
    """(state, how many) of what contains `q`."""
    found = select(Recording.state, func.count()).where(Recording.deleted_at.is_(None)).group_by(Recording.state)
    return found.where(_contains(q)) if q else found


def _contains(q: str) -> ColumnElement[bool]:
    return or_(Recording.title.icontains(q, autoescape=True), Recording.ticket.icontains(q, autoescape=True))


def _values(states: Iterable[State]) -> list[str]:
    return [state.value for state in states]
