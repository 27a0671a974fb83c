"""Transactions that speak PostgreSQL directly, for the few internal paths that are taken hundreds of times a second.

A session of SQLAlchemy takes a millisecond of processor time before its first statement; here a transaction takes a
fifth of that: statements are constants that asyncpg prepares once a connection, and opening is one round trip. What is
only read is one statement (`kit/tenancy.py`, `in_scope`). The opening of writes is that of `kit/database.py`, which is
the way to get one; the meanings of errors are those of `kit/database_errors.py`.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

import asyncpg

from kit import pools

WAITED_S = 5.0  # for a connection, opening it included

Values = Any  # whatever asyncpg can encode; its connections and records have no types
Row = Any

# What these statements look for has an index, and is in memory. A plan that reads a whole table looks cheaper to
# PostgreSQL than it is: it does not count what row-level security takes for each row.
# And what is read keeps its plan: making one anew for each set of values takes longer than what is planned.
_OPTIONS = {"jit": "off", "TimeZone": "UTC", "random_page_cost": "1.1", "plan_cache_mode": "force_generic_plan"}
# Not so for writes, which are given lists of thousands of ids, and whose plans are to know how many.
_PLANNING = ";SET LOCAL plan_cache_mode = auto"
READ_S = 3.0  # below the time of a call: a read that nobody waits for any more ends


class DirectWriting:
    """Statements on one connection, in a transaction that is open already. Values are `$1`, `$2`, ...

    What comes after the commit is `after_commit`'s.
    """

    def __init__(self, connection: Any, workspace_id: UUID) -> None:
        self._connection = connection
        self.workspace_id = workspace_id
        self.after: list[Callable[[], Awaitable[None]]] = []

    async def row(self, statement: str, *values: Values) -> Row | None:
        """The first row, or None."""
        return await self._connection.fetchrow(statement, *values)

    async def rows(self, statement: str, *values: Values) -> list[Row]:
        """Every row."""
        found: list[Row] = await self._connection.fetch(statement, *values)
        return found

    async def value(self, statement: str, *values: Values) -> Any:
        """The first row's first column, or None."""
        return await self._connection.fetchval(statement, *values)

    def after_commit(self, call: Callable[[], Awaitable[None]]) -> None:
        """Call this once the change is durable. A failure there is logged: the change itself stands."""
        self.after.append(call)


class Pool:
    """Connections of their own beside SQLAlchemy's; opened by the first who needs one."""

    def __init__(self, url: str, *, name: str, size: int) -> None:
        self._url, self._name, self._size = url, name, size
        self._pool: Any = None
        self._opening = asyncio.Lock()
        self._share = max(1, size * 3 // 8)  # of one workspace
        self._shares = WeakValueDictionary[UUID, asyncio.Semaphore]()  # of those who are at it
        self._getting = pools.Pool("postgres-direct").getting
        pools.watch(self, "postgres-direct", Pool._counts)

    @asynccontextmanager
    async def connection(self, workspace_id: UUID) -> AsyncIterator[Any]:
        """A connection of the workspace's share; others are for others.

        Raises OSError, TimeoutError, asyncpg's errors where there is none to be had.
        """
        share = self._shares.setdefault(workspace_id, asyncio.Semaphore(self._share))
        async with asyncio.timeout(WAITED_S):
            await share.acquire()
        try:
            async with self._any() as connection:
                yield connection
        finally:
            share.release()

    @asynccontextmanager
    async def _any(self) -> AsyncIterator[Any]:
        with self._getting(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            if self._pool is None:
                async with self._opening:
                    if self._pool is None:
                        self._pool = await self._made()
            async with asyncio.timeout(WAITED_S):  # acquire() has a time-out too, which takes a task of its own
                connection = await self._pool.acquire()
        try:
            yield connection
        finally:
            await self._pool.release(connection)

    @asynccontextmanager
    async def transaction(self, connection: Any, opening: str) -> AsyncIterator[None]:
        """BEGIN and `opening` in one round trip, COMMIT at the end; undone when the block fails."""
        try:
            await connection.execute("BEGIN;" + opening + _PLANNING)
            yield
            await connection.execute("COMMIT")
        except Exception:
            if not connection.is_closed():
                await connection.execute("ROLLBACK")
            raise
        except BaseException:  # whoever asked is gone, perhaps in the middle of a statement
            connection.terminate()
            raise

    async def value(self, workspace_id: UUID, statement: str, *values: Values) -> Any:
        """The one value of a statement that is a transaction by itself. Raises QueryCanceledError after READ_S."""
        async with self.connection(workspace_id) as connection:
            try:
                # By asyncpg, which cancels it at the server: a pooler would not pass statement_timeout on.
                return await connection.fetchval(statement, *values, timeout=READ_S)
            except TimeoutError:
                raise asyncpg.QueryCanceledError("took too long") from None
            except asyncio.CancelledError:  # whoever asked is gone, perhaps in the middle of it
                connection.terminate()
                raise

    def _counts(self) -> pools.Counts:
        if self._pool is None:
            return pools.Counts(0, 0, self._size)
        idle = self._pool.get_idle_size()
        return pools.Counts(self._pool.get_size() - idle, idle, self._size)

    async def close(self) -> None:
        """Give the connections back."""
        if self._pool is not None:
            await self._pool.close()

    async def _made(self) -> Any:
        return await asyncpg.create_pool(
            self._url,
            min_size=0,
            max_size=self._size,
            timeout=WAITED_S,
            command_timeout=30,
            max_inactive_connection_lifetime=300,
            reset=_nothing,  # every transaction ends in itself, and sets nothing that outlives it
            server_settings={"application_name": self._name, **_OPTIONS},
        )


async def _nothing(connection: Any) -> None:
    """asyncpg's own reset is a round trip; nothing is left behind that it would have to clear."""
