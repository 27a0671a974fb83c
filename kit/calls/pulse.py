"""Whether a peer answers at all: it is asked while it is being called, so that callers need not wait to find out.

A process that hangs takes connections and says nothing; each call would wait for its whole time, and the next as well.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

EVERY_S = 1.0
ANSWERS_S = 1.0  # somebody who is there answers within this: the question is one that costs nothing
WATCHED_S = 60.0  # since the last call


class Pulse:
    """One peer's. `ask` returns whether anything came back within a time; any answer to a call counts as well."""

    def __init__(self, ask: Callable[[float], Awaitable[bool]]) -> None:
        self._ask = ask
        self._answers = 0
        self._called = 0.0
        self._limits: set[asyncio.Timeout] = set()
        self._watching: asyncio.Task[None] | None = None
        self.silent = False

    def begin(self) -> None:
        """A call is wanted: have the peer watched for a while."""
        self._called = time.monotonic()
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())

    @asynccontextmanager
    async def waiting(self, within_s: float) -> AsyncIterator[None]:
        """Wait for an answer: for so long, or until the peer turns out to be silent. Raises TimeoutError."""
        limit = asyncio.timeout(within_s)
        try:
            async with limit:
                self._limits.add(limit)
                yield
        finally:
            self._limits.discard(limit)

    def answered(self) -> None:
        """Something came from the peer."""
        self._answers += 1
        self.silent = False

    async def close(self) -> None:
        """Stop watching."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)

    async def _watch(self) -> None:
        before = -1
        while time.monotonic() - self._called < WATCHED_S:
            if self._answers == before:
                self._hear(await self._ask(ANSWERS_S), before)
            before = self._answers
            await asyncio.sleep(EVERY_S)
        self.silent = False  # nobody asks any more: the next call finds out anew

    def _hear(self, came: bool, before: int) -> None:
        if came:
            self.answered()
        elif self._answers == before:
            self.silent = True
            for limit in self._limits:
                if not limit.expired():
                    limit.reschedule(asyncio.get_running_loop().time())
