"""One change of the registry: its transaction, its audit entry and its feed events, committed together or not at all.

What is logged and told is collected and written at the end, always in the same order (audit, then feeds by name):
the rows that order everything are locked for the shortest time, and two acts never wait for one another in a ring.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession

from control_plane.audit import service as audit
from control_plane.audit.service import Actor, Details
from control_plane.feed.log import Told, append
from kit.database import Database


class Act:
    """A transaction that changes the registry. `session` is for the nouns' services."""

    def __init__(self, session: AsyncSession, by: Actor) -> None:
        self.session = session
        self.by = by
        self._lines: list[audit.Line] = []
        self._told: list[Told] = []

    def log(self, action: str, target_kind: str, target: str, details: Details | None = None) -> None:
        """Put this act into the audit log."""
        self._lines.append(audit.Line(action, target_kind, target, details or {}))

    def tell(self, told: Told) -> None:
        """Append an event to a feed."""
        self._told.append(told)

    async def close(self) -> None:
        """Write what was logged and told; the commit follows at once."""
        await self.session.flush()
        if self._lines:
            await audit.write(self.session, self.by, self._lines)
        if self._told:
            await append(self.session, self._told)


@asynccontextmanager
async def acting(database: Database, by: Actor) -> AsyncIterator[Act]:
    """A change made by `by`; a block that fails leaves nothing."""
    async with database.outside() as session:
        act = Act(session, by)
        yield act
        await act.close()
