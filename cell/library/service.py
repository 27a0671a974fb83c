"""Looking things up in the library, and where a recording's files can be fetched."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from cell.library import queries
from cell.links import queries as link_queries
from cell.recordings import objects
from cell.recordings.models import Recording
from cell.recordings.states import State
from cell.resources import Cell
from kit.cursors import Cursor
from kit.database import Reading
from kit.refusals import NotFound

Tab = Literal["", "ready", "processing", "recording", "failed"]  # the keys of queries.TABS

ADDRESS_LIFE_S = 3600  # of a presigned address; the player asks for a new one when it has died


@dataclass(frozen=True)
class Found:
    """A page of the library."""

    recordings: list[Recording]
    onward: Cursor | None
    counts: dict[str, int]
    link_titles: dict[UUID, str]


async def find(tx: Reading, q: str, tab: str, cursor: Cursor | None, limit: int) -> Found:
    """The recordings of a tab that contain `q`, and how many each tab has."""
    rows = list(await tx.all(queries.page(q, tab, cursor, limit + 1)))
    shown = rows[:limit]
    onward = (shown[-1].created_at, shown[-1].id) if len(rows) > limit else None
    by_state = {str(state): int(count) for state, count in await tx.rows(queries.counts(q))}
    counts = {name: sum(by_state.get(state, 0) for state in states) for name, states in queries.TABS.items()}
    return Found(shown, onward, counts, await link_titles(tx, shown))


async def link_titles(tx: Reading, recordings: list[Recording]) -> dict[UUID, str]:
    """What the links were called under which these recordings were made, by the link's id."""
    links = await tx.all(link_queries.by_ids({recording.link_id for recording in recordings}))
    return {link.id: link.title for link in links}


def shows(recording: Recording, q: str, tab: str) -> bool:
    """Whether a filter shows this recording; the same rule as the statement's."""
    wanted = q.lower()
    return State(recording.state) in queries.TABS[tab] and (
        wanted in recording.title.lower() or wanted in recording.ticket.lower()
    )


def address(cell: Cell, recording: Recording, name: str, *, download: bool = False) -> str:
    """Where the browser fetches a file of a ready recording, for an hour, straight from the bucket. Raises NotFound."""
    if State(recording.state) is not State.READY or recording.final is None:
        raise NotFound
    key = objects.final(recording.workspace_id, recording.id, name)
    if not download:
        return cell.bucket.presign_get(key, expires=ADDRESS_LIFE_S)
    extension = recording.final.rsplit(".", 1)[-1]
    return cell.bucket.presign_get(key, expires=ADDRESS_LIFE_S, filename=f"{recording.title}.{extension}", inline=False)
