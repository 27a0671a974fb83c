"""How much one workspace may ask of this process: so often, and so much at once, that others do not notice.

A full synchronisation is thousands of requests in a row. Each workspace has a lane: a bucket of requests, and a few at
a time; whoever comes then waits in line, and is sent away when the line is long. A credential that no cell has
accepted yet has the narrow lane of the workspace's strangers, so that guessing stops nobody who is known.
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

from control_plane.scim.errors import ScimError

AT_ONCE = 4  # of one workspace: two cores are busy with that, and another one waits for four answers at most
IN_LINE = 200
STRANGERS_PER_S = 20
STRANGERS_AT_ONCE = 2
KNOWN_S = 600.0  # since the cell last accepted a credential; whether it is good, the cell says each time
MOST_LANES = 20_000
MOST_KNOWN = 20_000


class Lane:
    """One workspace's."""

    def __init__(self, per_s: float, at_once: int, clock: Callable[[], float]) -> None:
        self._per_s = per_s
        self._clock = clock
        self._held, self._at = per_s, clock()
        self._room = asyncio.Semaphore(at_once)
        self._in_line = 0

    @asynccontextmanager
    async def passing(self) -> AsyncIterator[None]:
        """A request on its way. Raises ScimError, 429."""
        self._take()
        if self._in_line >= IN_LINE:
            raise too_often(1)
        self._in_line += 1
        try:
            await self._room.acquire()
        finally:
            self._in_line -= 1
        try:
            yield
        finally:
            self._room.release()

    def _take(self) -> None:
        now = self._clock()
        self._held = min(self._per_s, self._held + (now - self._at) * self._per_s)
        self._at = now
        if self._held < 1:
            raise too_often(math.ceil((1 - self._held) / self._per_s))
        self._held -= 1


class Lanes:
    """The lanes of all workspaces."""

    def __init__(self, per_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_s
        self._clock = clock
        self._lanes: OrderedDict[tuple[UUID, bool], Lane] = OrderedDict()
        self._known: OrderedDict[tuple[UUID, str], float] = OrderedDict()

    def lane(self, workspace_id: UUID, credential: str) -> Lane:
        """The lane for a request with this credential."""
        known = self.knows(workspace_id, credential)
        found = self._lanes.get((workspace_id, known))
        if found is None:
            per_s, at_once = (self._per_s, AT_ONCE) if known else (STRANGERS_PER_S, STRANGERS_AT_ONCE)
            found = self._lanes[workspace_id, known] = Lane(per_s, at_once, self._clock)
        self._lanes.move_to_end((workspace_id, known))
        if len(self._lanes) > MOST_LANES:
            self._lanes.popitem(last=False)
        return found

    def knows(self, workspace_id: UUID, credential: str) -> bool:
        """Whether the cell took the credential for good lately."""
        return self._known.get((workspace_id, credential), 0.0) > self._clock()

    def accepted(self, workspace_id: UUID, credential: str) -> None:
        """The cell took the credential for good."""
        self._known[workspace_id, credential] = self._clock() + KNOWN_S
        self._known.move_to_end((workspace_id, credential))
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)

    def refused(self, workspace_id: UUID, credential: str) -> None:
        """The cell did not."""
        self._known.pop((workspace_id, credential), None)


def too_often(retry_after_s: int) -> ScimError:
    """429, and when to come again."""
    return ScimError(
        429, "Too many requests at once. Come again after the time of Retry-After.", retry_after_s=retry_after_s
    )
