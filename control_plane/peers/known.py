"""Whom the registry itself believes: the peers of its own database, looked at again and again."""

import asyncio

from contracts.peers import Peers
from control_plane.peers import records, service
from kit.database import Database
from kit.rounds import rounds

LOOK_EVERY_S = 0.3  # a peer that was removed is refused within a second


class KnownPeers(Peers):
    """The peers as the database said a moment ago. Whoever is not known before its first word is told to come again.

    A database that is away makes nobody a stranger; nothing can be called for then either.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(whole=False)
        self._database = database

    async def run(self, stop: asyncio.Event) -> None:
        """Look until told to stop."""
        await rounds("look at peers", self.look, stop, every_s=LOOK_EVERY_S)

    async def look(self) -> None:
        """Take what the database says now. Raises DatabaseUnavailable."""
        async with self._database.outside() as session:
            rows = await service.listed(session)
        self.replace(records.peer_of(row) for row in rows)
