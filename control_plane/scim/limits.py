"""How much one workspace may ask of this process: so often, and so much at once, that others do not notice.

A full synchronisation is thousands of requests in a row. Each workspace has a lane: a bucket of requests, and a few at
a time; whoever comes then waits in line, and is sent away when the line is long. A credential that no cell has accepted
for a day has the narrow lane of the network it comes from, in which it is proved: guessing stops nobody who is known,
and nobody who comes from elsewhere.
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar
from uuid import UUID

from control_plane.scim.errors import ScimError, busy

AT_ONCE = 4  # of one workspace: two cores are busy with that, and another one waits for four answers at most
IN_LINE = 200
STRANGERS_PER_S = 20
STRANGERS_AT_ONCE = 2
KNOWN_S = 24 * 3600.0  # since the cell last accepted a credential; whether it is good, the cell says each time
TOLD_EVERY_S = 60.0  # that somebody was sent away; the cell keeps one line a minute, whoever tells it
MOST_LANES = 20_000
MOST_KNOWN = 20_000

K = TypeVar("K")


class Lane:
    """One workspace's."""

    def __init__(self, per_s: float, at_once: int, clock: Callable[[], float]) -> None:
        self._per_s = per_s
        self._clock = clock
        self._held, self._at = per_s, clock()
        self._room = asyncio.Semaphore(at_once)
        self._in_line = 0
        self._told_at = -math.inf

    @asynccontextmanager
    async def passing(self) -> AsyncIterator[None]:
        """A request on its way, once it is taken. Raises ScimError, 429."""
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

    def take(self) -> None:
        """One request more. Raises ScimError, 429."""
        now = self._clock()
        self._held = min(self._per_s, self._held + (now - self._at) * self._per_s)
        self._at = now
        if self._held < 1:
            raise too_often(math.ceil((1 - self._held) / self._per_s))
        self._held -= 1

    def tells(self) -> bool:
        """Whether it is time to say in the provisioning log that somebody was sent away; then it is said."""
        now = self._clock()
        if now - self._told_at < TOLD_EVERY_S:
            return False
        self._told_at = now
        return True


class Lanes:
    """The lanes of all workspaces, and of the strangers who ask for them."""

    def __init__(self, per_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_s
        self._clock = clock
        self._lanes: OrderedDict[UUID, Lane] = OrderedDict()
        self._strangers: OrderedDict[tuple[UUID, str], Lane] = OrderedDict()
        self._known: OrderedDict[tuple[UUID, str], float] = OrderedDict()

    def lane(self, workspace_id: UUID) -> Lane:
        """The lane of whoever has a credential of the workspace."""
        return _kept(self._lanes, workspace_id, partial(Lane, self._per_s, AT_ONCE, self._clock))

    def strangers(self, workspace_id: UUID, address: str) -> Lane:
        """The lane of those from a network address whose credential nobody knows yet."""
        made = partial(Lane, STRANGERS_PER_S, STRANGERS_AT_ONCE, self._clock)
        return _kept(self._strangers, (workspace_id, address), made)

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


def _kept(lanes: OrderedDict[K, Lane], key: K, made: Callable[[], Lane]) -> Lane:
    """The lane of a key; of those that nobody has used for longest there are not too many."""
    found = lanes.get(key)
    if found is None:
        found = lanes[key] = made()
        if len(lanes) > MOST_LANES:
            lanes.popitem(last=False)
    lanes.move_to_end(key)
    return found


def too_often(retry_after_s: int) -> ScimError:
    """429, and when to come again."""
    return busy(429, "Too many requests at once. Come again after the time of Retry-After.", retry_after_s)
