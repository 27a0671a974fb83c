"""Batches for those who poll: waited for, and made once for all who stand at the same place."""

import asyncio
import time
from collections.abc import Sequence

from prometheus_client import Gauge

from contracts import feed
from control_plane.feed import log
from control_plane.feed.bell import Bell
from kit.database import Database
from kit.signing import SigningKey

WAITING = Gauge("cellcast_feed_polls_waiting", "Polls that wait for something new")


class Batches:
    """Signed batches of every feed. A change wakes many consumers at once; one read and one signature serve them."""

    def __init__(self, database: Database, bell: Bell, keys: Sequence[SigningKey]) -> None:
        self._database = database
        self._bell = bell
        self._keys = keys
        self._making: dict[tuple[int, str, int, int], asyncio.Task[tuple[bool, bytes]]] = {}

    async def after(self, audience: str, generation: int, n: int, wait_s: float) -> bytes:
        """The batch beyond n, as soon as there is an event; an empty one when `wait_s` seconds brought none.

        Raises what `log.read` raises.
        """
        deadline = time.monotonic() + wait_s
        while True:
            ticket = self._bell.ticket(audience)
            news, raw = await self._shared(ticket, audience, generation, n)
            left = deadline - time.monotonic()
            if news or left <= 0:
                return raw
            with WAITING.track_inprogress():
                if not await self._bell.wait(ticket, left):
                    return raw

    async def _shared(self, ticket: asyncio.Event, audience: str, generation: int, n: int) -> tuple[bool, bytes]:
        # Shared only with those who hold the same ticket: that read began after the ring that they all answer to.
        place = (id(ticket), audience, generation, n)
        making = self._making.get(place)
        if making is None:
            making = self._making[place] = asyncio.create_task(self._make(audience, generation, n))
            making.add_done_callback(lambda _: self._making.pop(place))
        return await asyncio.shield(making)  # one consumer that hangs up takes nothing from the others

    async def _make(self, audience: str, generation: int, n: int) -> tuple[bool, bytes]:
        async with self._database.outside() as session:
            head, events = await log.read(session, audience, generation, n)
        return bool(events), feed.encode_batch(head, events, self._keys)
