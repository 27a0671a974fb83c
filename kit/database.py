"""The async database: tenant scopes, and two kinds of transaction, so that a write in a read path is a type error."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar, TypeVarTuple
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import DateTime, MetaData, Select, event, text
from sqlalchemy.engine import Result, Row
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    ORMExecuteState,
    Session,
    mapped_column,
    with_loader_criteria,
)
from sqlalchemy.sql import Executable

from kit import direct, logs, pools
from kit.database_errors import DatabaseUnavailable, meaning_of, meant_by
from kit.direct import DirectWriting, Pool
from kit.refusals import NotFound
from kit.tenancy import opening_in

COMMAND_S = 30  # after which nobody waits for a statement any more

T = TypeVar("T")
Of = TypeVar("Of", bound="Base")
Ts = TypeVarTuple("Ts")
log = logs.get("database")


class Base(DeclarativeBase):
    """Base of every model; names of constraints are fixed, so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: DateTime(timezone=True)}  # noqa: RUF012 - SQLAlchemy reads it off the class


class Scoped:
    """Mixin of every tenant table: the workspace comes first in its key; `Writing.add` fills it in."""

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-2)


class Tenant(Scoped):
    """A tenant table whose rows have an id of their own."""

    id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-1, default=uuid4)


def now() -> datetime:
    """The present moment, with its zone."""
    return datetime.now(UTC)


class Reading:
    """A transaction that looks at one workspace's rows."""

    def __init__(self, session: AsyncSession, workspace_id: UUID) -> None:
        self._session = session
        self.workspace_id = workspace_id

    async def first(self, statement: Select[T]) -> T | None:
        """The first row's only column, or None."""
        found: T | None = (await self._session.scalars(statement)).first()
        return found

    async def one(self, statement: Select[T]) -> T:
        """The first row's only column. Raises NotFound."""
        found = await self.first(statement)
        if found is None:
            raise NotFound
        return found

    async def known(self, table: type[Of], *key: object) -> Of:
        """The row with this key, without asking for it where the transaction has seen it. Raises NotFound."""
        found = await self._session.get(table, key)
        if found is None:
            raise NotFound
        return found

    async def all(self, statement: Select[T]) -> Sequence[T]:
        """Every row's only column."""
        found: Sequence[T] = (await self._session.scalars(statement)).all()
        return found

    async def rows(self, statement: Select[*Ts]) -> Sequence[Row[*Ts]]:
        """Every row, for statements with several columns."""
        found: Sequence[Row[*Ts]] = (await self._session.execute(statement)).all()
        return found


class Writing(Reading):
    """A transaction that changes one workspace; committed when its block ends, undone when the block fails."""

    def __init__(self, session: AsyncSession, workspace_id: UUID, epoch: int) -> None:
        super().__init__(session, workspace_id)
        self.epoch = epoch
        self._after: list[Callable[[], Awaitable[None]]] = []

    def add(self, *rows: Base) -> None:
        """Store new rows; a tenant's row gets this workspace's id."""
        for row in rows:
            if isinstance(row, Scoped):
                row.workspace_id = self.workspace_id
            self._session.add(row)

    async def delete(self, row: Base) -> None:
        """Remove a loaded row."""
        await self._session.delete(row)

    async def execute(self, statement: Executable) -> int:
        """Run an INSERT, UPDATE or DELETE; the number of rows it touched."""
        result = await self._session.execute(statement)
        return int(getattr(result, "rowcount", 0))

    async def changed(self, statement: Executable) -> Row[Any] | None:
        """Run an INSERT, UPDATE or DELETE with RETURNING; its first row, or None where none was touched."""
        return (await self._session.execute(statement)).first()

    async def flush(self) -> None:
        """Send what was added to the database, still inside the transaction."""
        await self._session.flush()

    def after_commit(self, call: Callable[[], Awaitable[None]]) -> None:
        """Call this once the change is durable. A failure there is logged: the change itself stands."""
        self._after.append(call)

    async def direct(self) -> DirectWriting:
        """The same transaction for statements that speak PostgreSQL directly; flush before what they are to see."""
        raw = await (await self._session.connection()).get_raw_connection()
        opened = DirectWriting(raw.driver_connection, self.workspace_id)
        opened.after = self._after
        return opened

    async def _run_after(self) -> None:
        await _run(self._after)


async def _run(calls: list[Callable[[], Awaitable[None]]]) -> None:
    for call in calls:
        try:
            await call()
        except Exception as error:  # the commit stands; whatever was to be told finds out by its own sweep
            log.warning("after commit", error=type(error).__name__)


class Database:
    """One process's pool of connections. `url` is `postgresql://`, of the role that row-level security binds."""

    def __init__(self, url: str, *, name: str, pool_size: int = 10, direct_size: int = 8) -> None:
        self._direct = Pool(url, name=f"{name}-direct", size=direct_size)
        self._engine = create_async_engine(
            url.replace("postgresql://", "postgresql+asyncpg://", 1),
            pool_size=pool_size,
            max_overflow=0,  # pods x processes x pool_size must fit into PostgreSQL's max_connections
            pool_timeout=direct.WAITED_S,
            pool_recycle=1800,
            hide_parameters=True,  # errors are logged, and parameters are what people typed
            connect_args={
                "timeout": 5,
                "command_timeout": COMMAND_S,
                "server_settings": {"application_name": name, "jit": "off", "TimeZone": "UTC"},
            },
        )
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)
        self._getting = pools.Pool("postgres").getting
        pools.watch(self._engine.pool, "postgres", _counts)
        self._before_close: list[Callable[[], Awaitable[None]]] = []

    @asynccontextmanager
    async def reading(self, workspace_id: UUID) -> AsyncIterator[Reading]:
        """A scope in which only this workspace's rows exist."""
        async with self._session(workspace_id, _SCOPE, {"id": str(workspace_id)}) as (session, _):
            yield Reading(session, workspace_id)

    @asynccontextmanager
    async def writing(
        self,
        workspace_id: UUID,
        *,
        believed: int | None = None,
        before: Callable[[AsyncSession], Awaitable[None]] | None = None,
    ) -> AsyncIterator[Writing]:
        """A scope in which this workspace may be changed, if this cell owns it.

        `believed` is the epoch of an earlier `Writing` that this one goes on from. `before` makes what has to be
        there before a write can be opened, in the same transaction. Raises WorkspaceFrozen, OwnershipPassed, or
        NotFound where the workspace is not of this cell.
        """
        values = {"id": workspace_id, "believed": believed}
        first = (_OPEN_WRITE, values) if before is None else (_NOTHING, {})
        async with self._session(workspace_id, *first) as (session, answer):
            if before is not None:
                await before(session)
            opened = answer if before is None else await session.execute(_OPEN_WRITE, values)
            tx = Writing(session, workspace_id, int(opened.scalar_one()))
            yield tx
            await session.commit()
        await tx._run_after()

    async def read_directly(self, workspace_id: UUID, statement: str, *values: Any) -> Any:
        """The one value that a statement in its own scope (`tenancy.in_scope`) answers with.

        For a path that is taken so often that its cost counts (kit/direct.py). Raises TookTooLong after a few seconds.
        """
        with _directly():
            return await self._direct.value(workspace_id, statement, *values)

    @asynccontextmanager
    async def writing_directly(self, workspace_id: UUID) -> AsyncIterator[DirectWriting]:
        """`writing` for such a path. Raises what `writing` raises."""
        opening = opening_in(workspace_id)
        with _directly():
            async with (
                self._direct.connection(workspace_id) as connection,
                self._direct.transaction(connection, opening),
            ):
                tx = DirectWriting(connection, workspace_id)
                yield tx
        await _run(tx.after)

    @asynccontextmanager
    async def outside(self) -> AsyncIterator[AsyncSession]:
        """A transaction on the few tables that belong to no workspace; tenant rows do not exist in it."""
        async with self._session(None, _NOTHING, {}) as (session, _):
            yield session
            await session.commit()

    @asynccontextmanager
    async def stopping_writes(self, workspace_id: UUID, *, within_s: float) -> AsyncIterator[AsyncSession]:
        """A transaction beside which nobody writes for the workspace: writers in flight have ended, others wait.

        Raises WritersInFlight where they take longer; whoever waits to write waits for that long too.
        """
        async with self.outside() as session:
            await session.execute(_LOCK_WITHIN, {"ms": str(int(within_s * 1000))})
            await session.execute(_STOP_WRITES, {"id": str(workspace_id)})
            yield session

    async def ping(self) -> None:
        """Raises when the database does not answer."""
        for last in (False, True):
            try:
                async with self._engine.connect() as connection:
                    await connection.execute(text("select 1"))
                return
            except DBAPIError as error:
                if last or not error.connection_invalidated:  # else it was one from before the server's restart
                    raise

    def before_close(self, call: Callable[[], Awaitable[None]]) -> None:
        """Call this when the process ends in good order, while there are connections still."""
        self._before_close.append(call)

    async def close(self) -> None:
        """Give the connections back."""
        try:
            for call in self._before_close:
                await call()
        finally:
            await self._direct.close()
            await self._engine.dispose()

    @asynccontextmanager
    async def _session(
        self, workspace_id: UUID | None, first: Executable, values: Mapping[str, object]
    ) -> AsyncIterator[tuple[AsyncSession, Result[Any]]]:
        """A transaction and what its first statement answered.

        That shows, at no cost, whether the connection still is one: after a restart of the server those of the pool
        are not, and the first who finds it out empties the pool and begins anew.
        """
        try:
            async with AsyncExitStack() as stack:
                try:
                    session, answer = await self._begun(stack, workspace_id, first, values)
                except DBAPIError as error:
                    if not error.connection_invalidated:
                        raise
                    session, answer = await self._begun(stack, workspace_id, first, values)
                yield session, answer
        except DBAPIError as error:
            raise meaning_of(error) from error
        except asyncpg.PostgresError as error:  # of a statement that went directly
            raise meant_by(error, error) from error

    async def _begun(
        self, stack: AsyncExitStack, workspace_id: UUID | None, first: Executable, values: Mapping[str, object]
    ) -> tuple[AsyncSession, Result[Any]]:
        session = await stack.enter_async_context(self._sessions(info={"workspace_id": workspace_id}))
        try:
            with self._getting(OSError, TimeoutError, PoolTimeout, DBAPIError):
                await session.connection()
        except (OSError, TimeoutError, PoolTimeout) as error:
            raise DatabaseUnavailable from error
        try:
            return session, await session.execute(first, values)
        except TimeoutError as error:
            # BEGIN may come true after all, and asyncpg believes in a transaction that SQLAlchemy knows nothing of:
            # whoever had the connection next would only set savepoints in it, and their commits would keep nothing.
            await session.invalidate()
            raise DatabaseUnavailable from error
        except DBAPIError:
            await session.close()  # its place in the pool is for the next attempt
            raise


@contextmanager
def _directly() -> Iterator[None]:
    """What errors of asyncpg mean to whoever asked."""
    try:
        yield
    except asyncpg.PostgresError as error:
        raise meant_by(error, error) from error
    except (OSError, TimeoutError, asyncpg.InterfaceError) as error:
        raise DatabaseUnavailable from error


def _counts(pool: Any) -> pools.Counts:  # SQLAlchemy's QueuePool
    return pools.Counts(pool.checkedout(), pool.checkedin(), pool.size())


_NOTHING = text("show transaction_isolation")  # takes no snapshot: who wants another isolation may still say so
_SCOPE = text("select set_config('app.workspace_id', :id, true)")
_OPEN_WRITE = text("select open_write(:id, :believed)")
_LOCK_WITHIN = text("select set_config('lock_timeout', :ms, true)")
# The lock that open_write() (kit/tenancy.py) takes shared.
_STOP_WRITES = text("select pg_advisory_xact_lock(hashtextextended(:id, 0))")


@event.listens_for(Session, "do_orm_execute")
def _filter_by_workspace(state: ORMExecuteState) -> None:
    """Every ORM statement on a tenant table is filtered by the scope; row-level security is the net below it."""
    scope = state.session.info.get("workspace_id")
    if scope is not None and (state.is_select or state.is_update or state.is_delete):
        state.statement = state.statement.options(
            with_loader_criteria(Scoped, lambda model: model.workspace_id == scope, include_aliases=True)
        )
