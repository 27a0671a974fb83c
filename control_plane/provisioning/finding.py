"""Somebody asks which workspaces are theirs: every cell of the region is told, and mails whom it knows.

Nobody waits for it, so that neither words nor time say whether anybody is known.
"""

import asyncio
from typing import Protocol

from prometheus_client import Counter

from contracts.peers import Peer, PeerKind
from contracts.said import Region
from contracts.signing_in import PEOPLE_FIND, Find
from kit import logs
from kit.calls import Calling
from kit.refusals import Refusal

MOST_AT_ONCE = 50  # people whose workspaces are looked for; who comes then is not served, and asks again

FINDS = Counter("cellcast_finds_total", "Questions of people for their workspaces, by cell asked", ["outcome"])

log = logs.get("find")


class Known(Protocol):
    """Whoever knows the cells of a region (`contracts.peers.Peers`)."""

    def of(self, kind: PeerKind, region: str = "") -> list[Peer]:
        """The peers of a kind, of one region."""
        ...


class Finding:
    """Questions under way."""

    def __init__(self, calls: Calling, peers: Known, region: Region) -> None:
        self._calls = calls
        self._peers = peers
        self._region = region
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, find: Find) -> None:
        """Ask every cell, some time soon."""
        if len(self._tasks) >= MOST_AT_ONCE:
            FINDS.labels("not asked").inc()
            return
        task = asyncio.create_task(self._ask(find))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Give what is under way a moment."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2)
        for task in self._tasks:
            task.cancel()

    async def _ask(self, find: Find) -> None:
        cells = self._peers.of(PeerKind.CELL, self._region)
        await asyncio.gather(*(self._ask_one(cell.name, find) for cell in cells))

    async def _ask_one(self, cell: str, find: Find) -> None:
        try:
            await self._calls.call(cell, PEOPLE_FIND, find)
        except Refusal as refusal:
            FINDS.labels("refused").inc()
            log.warning("not found out", cell=cell, reason=refusal.slug)
        except Exception as error:  # nobody waits for this task: without a word the fault would be lost
            FINDS.labels("refused").inc()
            log.error("not found out", cell=cell, exc_info=error)
        else:
            FINDS.labels("asked").inc()
