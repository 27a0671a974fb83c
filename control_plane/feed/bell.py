"""Wakes whoever waits for a feed: PostgreSQL's NOTIFY, with a look every few seconds as the net below it."""

import asyncio
import contextlib

import asyncpg

from control_plane.feed.log import CHANNEL
from kit import logs

LOOK_EVERY_S = 1.0  # how late an event is while there is no connection to hear a NOTIFY on
NET_EVERY_S = 5.0  # how late it is when the connection dies unnoticed
CHECK_EVERY_S = 15  # how long a connection that died without a word is believed

log = logs.get("feed")


class Bell:
    """Rings for an audience when its feed grew. One connection to the database for all who wait in this process."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._waiting: dict[str, asyncio.Event] = {}
        self._closed = asyncio.Event()
        self._listening = False

    def ticket(self, audience: str) -> asyncio.Event:
        """What is set at the next ring. Take it before looking at the log, so that no ring falls between."""
        return self._waiting.setdefault(audience, asyncio.Event())

    async def wait(self, ticket: asyncio.Event, within_s: float) -> bool:
        """Wait for the ring, the next look or `within_s`; False when this process is stopping."""
        if not self._closed.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ticket.wait(), min(within_s, NET_EVERY_S if self._listening else LOOK_EVERY_S))
        return not self._closed.is_set()

    async def listen(self) -> None:
        """Listen until closed, connecting anew as often as needed."""
        while not self._closed.is_set():
            try:
                await self._listen_once()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("not listening: feeds are looked at each second", reason=type(error).__name__)
                await self._pause(LOOK_EVERY_S)

    def close(self) -> None:
        """Let everybody go: the process stops."""
        self._closed.set()
        self._ring_all()

    async def _listen_once(self) -> None:
        connection = await asyncpg.connect(
            self._url, timeout=5, server_settings={"application_name": "control-plane-bell"}
        )
        try:
            await connection.add_listener(CHANNEL, lambda *said: self._ring(str(said[-1])))
            self._listening = True
            self._ring_all()  # what happened before this connection was there
            while not await self._pause(CHECK_EVERY_S):
                await connection.execute("select 1", timeout=5)
        finally:
            self._listening = False
            await connection.close(timeout=2)

    async def _pause(self, seconds: float) -> bool:
        """True when closed meanwhile."""
        try:
            await asyncio.wait_for(self._closed.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def _ring_all(self) -> None:
        for audience in list(self._waiting):
            self._ring(audience)

    def _ring(self, audience: str) -> None:
        waiting = self._waiting.pop(audience, None)
        if waiting is not None:
            waiting.set()
