"""The two kinds of transaction, and what errors of the database mean."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from cell.audit.models import SubjectKey
from cell.people.models import Person
from cell.workspaces.models import Ownership
from kit import database as database_under_test
from kit import direct as under_test
from kit.database import Database
from kit.database_errors import DatabaseUnavailable, TookTooLong, WorkspaceFrozen
from kit.ports import free_port
from kit.refusals import NotFound
from tests.cell.world import Workspace, World
from tests.chaos.proxy import Proxy
from tests.servers.postgres import Postgres


@pytest.fixture
async def database(world: World) -> Database:
    return world.cell.database


@pytest.fixture
async def one_connection(postgres: Postgres, cell_database: str) -> AsyncIterator[Database]:
    """A pool of one, so that each transaction gets the connection that the one before used."""
    made = Database(postgres.app_dsn(cell_database), name="one", pool_size=1)
    yield made
    await made.close()


async def test_rows_of_other_workspaces_do_not_exist(database: Database, workspace: Workspace, world: World) -> None:
    other = await world.found()
    async with database.reading(workspace.id) as tx:
        assert {person.workspace_id for person in await tx.all(select(Person))} == {workspace.id}
        assert await tx.first(select(Person).where(Person.id == other.admin.id)) is None
        with pytest.raises(NotFound):
            await tx.one(select(Person).where(Person.id == other.admin.id))


async def test_a_direct_read_that_takes_too_long_is_stopped(
    database: Database, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(under_test, "READ_S", 0.02)
    with pytest.raises(TookTooLong):
        await database.read_directly(workspace.id, "SELECT 1 FROM pg_sleep(60)")
    monkeypatch.undo()
    running = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT 1 FROM pg_sleep(60)' AND state = 'active'"
    assert await database.read_directly(workspace.id, running) == 0


async def test_one_workspace_has_a_share_of_direct_connections(
    database: Database, workspace: Workspace, world: World
) -> None:
    other, most = await world.found(), 3  # of 8
    async with AsyncExitStack() as stack:
        for _ in range(most):
            await stack.enter_async_context(database.writing_directly(workspace.id))
        waiting = asyncio.create_task(database.read_directly(workspace.id, "SELECT 1"))
        await database.read_directly(other.id, "SELECT 1")
        await asyncio.sleep(0)
        assert not waiting.done()
    await waiting


async def test_a_reused_connection_remembers_no_scope(
    one_connection: Database, workspace: Workspace, world: World
) -> None:
    other = await world.found()
    for each in (workspace, other, workspace):
        async with one_connection.writing(each.id) as tx:
            assert {person.workspace_id for person in await tx.all(select(Person))} == {each.id}
    async with one_connection.outside() as session:
        assert list(await session.scalars(select(Person))) == []


async def test_the_filter_holds_where_row_level_security_does_not(
    postgres: Postgres, cell_database: str, workspace: Workspace, world: World
) -> None:
    other = await world.found()
    above = Database(postgres.superuser_dsn(cell_database), name="superuser", pool_size=1)
    try:
        for each in (workspace, other):
            async with above.writing(each.id) as tx:
                assert {person.workspace_id for person in await tx.all(select(Person))} == {each.id}
                assert await tx.execute(update(Person).values(name="Same")) == 3
                assert await tx.execute(delete(SubjectKey)) < 3
    finally:
        await above.close()


async def test_a_reading_transaction_cannot_write(database: Database, workspace: Workspace) -> None:
    async with database.reading(workspace.id) as tx:
        assert not hasattr(tx, "add") and not hasattr(tx, "execute")
        with pytest.raises(DBAPIError, match="outside open_write"):
            await tx.rows(update(Person).values(name="Changed").returning(Person.id))  # type: ignore[arg-type]


async def test_a_failed_block_leaves_nothing(database: Database, workspace: Workspace) -> None:
    told = []

    async def tell() -> None:
        told.append(1)

    with pytest.raises(ZeroDivisionError):
        async with database.writing(workspace.id) as tx:
            tx.add(SubjectKey(id=uuid4(), wrapped=b"x"))
            await tx.flush()
            tx.after_commit(tell)
            raise ZeroDivisionError
    async with database.reading(workspace.id) as after:
        assert await after.first(select(SubjectKey).where(SubjectKey.wrapped == b"x")) is None
    assert not told


async def test_what_follows_a_commit_cannot_undo_it(database: Database, workspace: Workspace) -> None:
    subject, told = uuid4(), []

    async def fail() -> None:
        raise RuntimeError("Redis is away")

    async def tell() -> None:
        async with database.reading(workspace.id) as tx:
            told.append(await tx.first(select(SubjectKey).where(SubjectKey.id == subject)))

    async with database.writing(workspace.id) as tx:
        tx.add(SubjectKey(id=subject, wrapped=b"x"))
        tx.after_commit(fail)
        tx.after_commit(tell)
    assert told and told[0] is not None


async def test_a_row_gets_the_scope_whatever_it_says(database: Database, workspace: Workspace, world: World) -> None:
    other, subject = await world.found(), uuid4()
    async with database.writing(workspace.id) as tx:
        tx.add(SubjectKey(workspace_id=other.id, id=subject, wrapped=b"x"))
    async with database.reading(workspace.id) as after:
        assert (await after.one(select(SubjectKey).where(SubjectKey.id == subject))).workspace_id == workspace.id


async def test_a_workspace_of_another_cell_is_not_found(database: Database) -> None:
    with pytest.raises(NotFound):
        async with database.writing(uuid4()):
            raise AssertionError("opened")


async def test_a_change_of_ownership_holds_from_the_next_write_on(database: Database, workspace: Workspace) -> None:
    for state, opens in (("frozen", False), ("active", True), ("suspended", False), ("active", True)):
        async with database.outside() as session:
            change = update(Ownership).where(Ownership.workspace_id == workspace.id)
            await session.execute(change.values(state=state, epoch=Ownership.epoch + 1))
        if opens:
            async with database.writing(workspace.id) as tx:
                assert tx.epoch > 1
        else:
            with pytest.raises(WorkspaceFrozen):
                async with database.writing(workspace.id):
                    raise AssertionError("opened")
        async with database.reading(workspace.id) as reading:
            assert len(await reading.all(select(Person))) == 3


async def test_outside_sees_no_tenant_rows_and_writes_none(database: Database, workspace: Workspace) -> None:
    with pytest.raises(DBAPIError, match="outside open_write"):
        async with database.outside() as session:
            assert list(await session.scalars(select(Person))) == []
            await session.execute(insert(SubjectKey).values(workspace_id=workspace.id, id=uuid4(), wrapped=b""))


async def test_a_database_that_is_away_is_said_to_be_away() -> None:
    nowhere = Database(f"postgresql://nobody:x@127.0.0.1:{free_port()}/nothing", name="away")
    with pytest.raises(DatabaseUnavailable):
        async with nowhere.reading(uuid4()):
            raise AssertionError("opened")
    with pytest.raises(OSError):
        await nowhere.ping()
    await nowhere.close()


async def test_a_connection_that_was_cut_is_replaced(
    one_connection: Database, postgres: Postgres, cell_database: str, workspace: Workspace
) -> None:
    async with one_connection.outside() as session:
        pid = (await session.execute(text("select pg_backend_pid()"))).scalar_one()
    above = await asyncpg.connect(postgres.superuser_dsn(cell_database))
    await above.execute("select pg_terminate_backend($1)", pid)
    await above.close()
    async with one_connection.reading(workspace.id) as tx:
        assert len(await tx.all(select(Person))) == 3


async def test_every_way_in_replaces_connections_that_were_cut(
    one_connection: Database, postgres: Postgres, cell_database: str, workspace: Workspace
) -> None:
    above = await asyncpg.connect(postgres.superuser_dsn(cell_database))

    async def cut() -> None:
        gone = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'one'"
        assert await above.fetch(gone)

    async with one_connection.reading(workspace.id) as tx:
        await tx.all(select(Person))
    await cut()
    async with one_connection.writing(workspace.id) as writing:
        assert writing.epoch == 1
    await cut()
    async with one_connection.outside() as session:
        assert (await session.execute(text("select 1"))).scalar_one() == 1
    await cut()
    async with one_connection.reading(workspace.id) as tx:
        assert len(await tx.all(select(Person))) == 3
    await above.close()


async def test_what_is_written_after_a_silence_of_the_server_is_kept(
    postgres: Postgres, cell_database: str, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A BEGIN that nobody waited for comes true; whoever uses that connection next must not write inside of it."""
    server = urlsplit(postgres.app_dsn(cell_database))
    proxy = Proxy(lambda: server.port or 5432)
    url = server._replace(netloc=f"{server.netloc.rpartition(':')[0]}:{await proxy.open()}").geturl()
    monkeypatch.setattr(database_under_test, "COMMAND_S", 0.5)
    database = Database(url, name="silent", pool_size=1)
    try:
        async with database.reading(workspace.id) as tx:
            await tx.all(select(Person))
        proxy.hold()
        with pytest.raises(DatabaseUnavailable):
            async with database.writing(workspace.id):
                raise AssertionError("opened")
        proxy.let_go()

        async def written() -> bool:
            try:
                async with database.writing(workspace.id) as tx:
                    await tx.execute(update(Person).where(Person.id == workspace.agent.id).values(name="Written"))
            except DatabaseUnavailable:  # on a machine that is slower than half a second
                return False
            return True

        while not await written():
            pass
    finally:
        await database.close()
        await proxy.close()
    there = await asyncpg.connect(postgres.superuser_dsn(cell_database))
    assert await there.fetchval("select name from people where id = $1", workspace.agent.id) == "Written"
    await there.close()


async def test_being_cut_off_in_the_middle_is_a_refusal_and_no_crash(
    one_connection: Database, postgres: Postgres, cell_database: str, workspace: Workspace
) -> None:
    above = await asyncpg.connect(postgres.superuser_dsn(cell_database))
    cut = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'one'"
    with pytest.raises(DatabaseUnavailable):
        async with one_connection.reading(workspace.id) as tx:
            await above.execute(cut)
            await tx.all(select(Person))
    await above.close()
