"""How often tokens are used: counted in memory and written together, so that a read writes nothing itself."""

import asyncio
from collections import defaultdict
from datetime import datetime
from uuid import UUID

from cell.directory import statements
from kit import logs
from kit.database import Database, now
from kit.refusals import Refusal

WRITTEN_EVERY_S = 2.0  # what a process that is killed forgets

log = logs.get("directory")

_Use = tuple[UUID, str]  # the token, and what was read; empty for a change


class Tally:
    """The uses that this process has not written yet."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._uses: defaultdict[UUID, dict[_Use, tuple[int, datetime]]] = defaultdict(dict)
        self._timer: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()

    def used(self, workspace_id: UUID, token_id: UUID, read: str = "") -> None:
        """A token was used just now; `read` is the resource that was looked at."""
        of_workspace = self._uses[workspace_id]
        count, _ = of_workspace.get((token_id, read), (0, None))
        of_workspace[(token_id, read)] = (count + 1, now())
        if self._timer is None or self._timer.done():
            self._timer = asyncio.create_task(self._later())

    async def write(self) -> None:
        """Write what was counted so far; what is being written is waited for."""
        async with self._writing:
            uses, self._uses = self._uses, defaultdict(dict)
            for workspace_id, of_workspace in uses.items():
                try:
                    await self._write(workspace_id, of_workspace)
                except Refusal as refusal:  # frozen, or gone: a count is no reason to wait
                    log.warning("uses not written", reason=refusal.slug)

    async def _later(self) -> None:
        while self._uses:  # again, for what was counted while this was writing
            await asyncio.sleep(WRITTEN_EVERY_S)
            await self.write()

    async def _write(self, workspace_id: UUID, uses: dict[_Use, tuple[int, datetime]]) -> None:
        reads = [(token, read, count, at) for (token, read), (count, at) in uses.items() if read]
        async with self._database.writing_directly(workspace_id) as tx:
            tokens, moments = [token for token, _ in uses], [at for _, at in uses.values()]
            await tx.row(statements.USED, workspace_id, tokens, moments)
            if reads:
                await tx.row(statements.COUNT_READS, workspace_id, *(list(one) for one in zip(*reads, strict=True)))
