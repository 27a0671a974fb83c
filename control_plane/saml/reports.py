"""Refused sign-ins on their way to the workspace's sign-in log in its cell: held in memory, bounded, never on disk."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from uuid import UUID

from prometheus_client import Counter, Gauge

from contracts.signing_in import IDENTITY_REPORT, MOST_REPORTS, Attempt, Report
from kit import logs
from kit.calls import Calling, PeerUnavailable
from kit.refusals import Kind, Refusal

MOST_WAITING = 20_000  # of all workspaces; one takes a few kB at most
AGAIN_S = (1.0, 2.0, 5.0, 10.0, 30.0)  # waits after each attempt that found the cell away
LAST_S = 2.0  # that a process which ends gives to what it still holds

DROPPED = Counter("cellcast_saml_reports_dropped_total", "Refused sign-ins that no sign-in log will show")
WAITING = Gauge("cellcast_saml_reports_waiting", "Refused sign-ins that a sign-in log will yet show")

log = logs.get("saml")


class Reports:
    """What is to be told to cells. `cell_of` says which cell a workspace lives in now, if it lives anywhere."""

    def __init__(self, calls: Calling, cell_of: Callable[[UUID], Awaitable[str | None]]) -> None:
        self._calls = calls
        self._cell_of = cell_of
        self._queues: dict[UUID, deque[Attempt]] = defaultdict(deque)
        self._count = 0
        self._sending: dict[UUID, asyncio.Task[None]] = {}

    def add(self, workspace_id: UUID, attempt: Attempt) -> None:
        """Tell the workspace's cell, as soon as it answers. The oldest of a workspace gives way when there are many."""
        queue = self._queues[workspace_id]
        queue.append(attempt)
        self._counted(1)
        if len(queue) > MOST_REPORTS or self._count > MOST_WAITING:
            queue.popleft()
            self._dropped(1)
        if workspace_id not in self._sending and queue:
            self._sending[workspace_id] = asyncio.create_task(self._send(workspace_id))

    @property
    def waiting(self) -> int:
        """How many are held."""
        return self._count

    async def close(self) -> None:
        """Give what is held a last moment."""
        tasks = list(self._sending.values())
        if tasks:
            await asyncio.wait(tasks, timeout=LAST_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._dropped(self._count)
        self._queues.clear()

    async def _send(self, workspace_id: UUID) -> None:
        """Until nothing of the workspace is left."""
        failures = 0
        while queue := self._queues.get(workspace_id):
            some = tuple(queue)[:MOST_REPORTS]
            try:
                told = await self._tell(workspace_id, some)
            except Exception as error:  # ours; what is reported must not be lost with it, nor sent for ever
                log.error("not reported", exc_info=error)
                told = True
            if told:
                failures = 0
                sent = {one.reference for one in some}
                left = deque(one for one in queue if one.reference not in sent)
                self._counted(len(left) - len(queue))
                self._queues[workspace_id] = left
            else:
                await asyncio.sleep(AGAIN_S[min(failures, len(AGAIN_S) - 1)])
                failures += 1
        # In one step with having seen that nothing is left: what is added next begins anew.
        del self._queues[workspace_id], self._sending[workspace_id]

    async def _tell(self, workspace_id: UUID, attempts: tuple[Attempt, ...]) -> bool:
        """False where it is to be tried again."""
        cell = await self._cell_of(workspace_id)
        if cell is None:
            DROPPED.inc(len(attempts))
            return True
        try:
            await self._calls.call(cell, IDENTITY_REPORT, Report(workspace_id=workspace_id, attempts=attempts))
        except Refusal as refusal:
            if isinstance(refusal, PeerUnavailable) or refusal.kind is Kind.UNAVAILABLE:
                return False
            log.warning("not reported", workspace_id=str(workspace_id), reason=refusal.slug)
            DROPPED.inc(len(attempts))
        return True

    def _counted(self, more: int) -> None:
        self._count += more
        WAITING.set(self._count)

    def _dropped(self, number: int) -> None:
        self._counted(-number)
        DROPPED.inc(number)
