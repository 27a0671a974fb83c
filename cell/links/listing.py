"""Lists of links, each with the state that its recordings give it."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cell.links import queries, states
from cell.links.models import Link
from cell.recordings import queries as recordings
from kit.cursors import Cursor
from kit.database import Reading, now


@dataclass(frozen=True)
class Listed:
    """A link and its state."""

    link: Link
    state: str

    def view(self) -> dict[str, object]:
        """What the templates show."""
        link = self.link
        return {
            "id": link.id,
            "title": link.title,
            "note": link.note,
            "ticket": link.ticket,
            "state": self.state,
            "expires_at": link.expires_at,
            "uses": link.uses,
            "max_uses": link.max_uses,
            "created_by": link.created_by_name,
            "created_at": link.created_at,
            "opened_at": link.opened_at,
        }


async def page(tx: Reading, cursor: Cursor | None, limit: int) -> tuple[list[Listed], Cursor | None]:
    """A page of links, the newest first, and where the next one begins."""
    found = list(await tx.all(queries.page(cursor, limit + 1)))
    shown = found[:limit]
    onward = (shown[-1].created_at, shown[-1].id) if len(found) > limit else None
    return await with_states(tx, shown), onward


async def with_states(tx: Reading, links: list[Link]) -> list[Listed]:
    """Links with their states, in the same order."""
    of_link: dict[UUID, list[str]] = defaultdict(list)
    for row in await tx.rows(recordings.states_of_links({link.id for link in links})):
        of_link[row.link_id].append(row.state)
    moment: datetime = now()
    return [Listed(link, states.of(link, of_link[link.id], moment)) for link in links]
