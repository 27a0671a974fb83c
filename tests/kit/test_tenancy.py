"""What one workspace's transaction can see and change, tried with explicit SQL as the application's role."""

from collections.abc import AsyncIterator
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import asyncpg
import pytest

from kit.direct import DirectWriting
from kit.tenancy import in_scope
from tests.cell.world import Workspace, World
from tests.servers.plans import nodes, plan
from tests.servers.postgres import Postgres

Connection: TypeAlias = Any  # asyncpg has no types

SEE_ALL = "select workspace_id from people"


@pytest.fixture
async def app(postgres: Postgres, cell_database: str) -> AsyncIterator[Connection]:
    """A bare connection of the role that the processes use."""
    connection = await asyncpg.connect(postgres.app_dsn(cell_database))
    yield connection
    await connection.close()


@pytest.fixture
async def owner(postgres: Postgres, cell_database: str) -> AsyncIterator[Connection]:
    """A connection that sees everything, to look behind the scenes."""
    connection = await asyncpg.connect(postgres.superuser_dsn(cell_database))
    yield connection
    await connection.close()


async def seen(app: Connection) -> set[UUID]:
    return {row["workspace_id"] for row in await app.fetch(SEE_ALL)}


async def scope(app: Connection, workspace: UUID) -> None:
    await app.execute("select set_config('app.workspace_id', $1, true)", str(workspace))


async def test_without_a_scope_nothing_is_there(app: Connection, workspace: Workspace) -> None:
    assert await seen(app) == set()


async def test_a_scope_shows_one_workspace_and_ends_with_its_transaction(
    app: Connection, workspace: Workspace, world: World
) -> None:
    await world.found()
    async with app.transaction():
        await scope(app, workspace.id)
        assert await seen(app) == {workspace.id}
    assert await seen(app) == set()  # the same connection, as a pool gives it to the next request


async def test_a_statement_in_scope_sees_one_workspace_and_leaves_no_scope_behind(
    app: Connection, workspace: Workspace, world: World
) -> None:
    other, count = (
        await world.found(),
        in_scope("SELECT array_agg(DISTINCT workspace_id) FROM people WHERE $1 <> $2", 2),
    )
    for one in (workspace, other, workspace):
        assert await app.fetchval(count, UUID(int=0), one.id) == [one.id]
        assert await seen(app) == set()


async def test_who_asks_for_a_row_by_its_id_reads_no_others(app: Connection, workspace: Workspace) -> None:
    # A table with no other index: which of several is best depends on what others have put into the table.
    by_id = in_scope("SELECT wrapped FROM subject_keys WHERE workspace_id = $1 AND id = $2")
    async with app.transaction():
        await app.execute("SET LOCAL enable_seqscan = off")  # the table may be as good as empty
        tx = DirectWriting(app, workspace.id)
        found = await plan(tx, "force_generic_plan", by_id, [workspace.id, UUID(int=1)])
    # Both conditions on the workspace are one to the planner: it is looked for once, in the index of the key.
    looked_up = [one["Index Cond"] for one in nodes(found) if "Index Cond" in one]
    assert looked_up == ["((workspace_id = $1) AND (id = $2))"], found


async def test_a_scope_cannot_be_widened_by_a_condition(app: Connection, workspace: Workspace, world: World) -> None:
    other = await world.found()
    async with app.transaction():
        await scope(app, workspace.id)
        assert await app.fetch("select 1 from people where workspace_id = $1 or true", other.id) != []
        assert await app.fetch("select 1 from people where workspace_id = $1", other.id) == []


@pytest.mark.parametrize(
    "statement",
    [
        "insert into subject_keys (workspace_id, id, wrapped) values ($1, gen_random_uuid(), '')",
        "update people set name = 'changed' where workspace_id = $1",
        "delete from people where workspace_id = $1",
    ],
)
async def test_a_write_that_was_not_opened_is_refused_aloud(
    app: Connection, workspace: Workspace, statement: str
) -> None:
    with pytest.raises(asyncpg.PostgresError) as refused:
        async with app.transaction():
            await scope(app, workspace.id)
            await app.execute(statement, workspace.id)
    assert refused.value.sqlstate == "CC403"


async def test_an_opened_write_reaches_no_other_workspace(
    app: Connection, owner: Connection, workspace: Workspace, world: World
) -> None:
    other = await world.found()
    async with app.transaction():
        await app.execute("select open_write($1)", workspace.id)
        assert await app.execute("update people set name = 'changed' where workspace_id = $1", other.id) == "UPDATE 0"
        assert await app.execute("delete from people where workspace_id <> $1", workspace.id) == "DELETE 0"
        assert await app.execute("update people set name = 'mine'") == "UPDATE 3"
    names = await owner.fetch("select name from people where workspace_id = $1", other.id)
    assert {row["name"] for row in names} == {"Ada Admin", "Ben Agent", "Olga Owner"}


@pytest.mark.parametrize(
    "statement",
    [
        "insert into subject_keys (workspace_id, id, wrapped) values ($1, gen_random_uuid(), '')",
        "update people set workspace_id = $1",
    ],
)
async def test_no_row_is_written_for_another_workspace(
    app: Connection, workspace: Workspace, world: World, statement: str
) -> None:
    other = await world.found()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with app.transaction():
            await app.execute("select open_write($1)", workspace.id)
            await app.execute(statement, other.id)


async def test_a_workspace_that_is_not_ours_opens_no_write(app: Connection) -> None:
    with pytest.raises(asyncpg.PostgresError) as refused:
        await app.execute("select open_write($1)", uuid4())
    assert refused.value.sqlstate == "CC404"


@pytest.mark.parametrize("state", ["frozen", "suspended", "deleting", "deleted"])
async def test_only_an_active_workspace_opens_a_write(
    app: Connection, owner: Connection, workspace: Workspace, state: str
) -> None:
    await owner.execute("update ownership set state = $2 where workspace_id = $1", workspace.id, state)
    with pytest.raises(asyncpg.PostgresError) as refused:
        await app.execute("select open_write($1)", workspace.id)
    assert refused.value.sqlstate == "CC423"


async def test_a_freeze_waits_for_writers_and_stops_the_next(
    app: Connection, owner: Connection, workspace: Workspace
) -> None:
    lock = "select pg_try_advisory_xact_lock(hashtextextended($1::text, 0))"
    async with app.transaction():
        await app.execute("select open_write($1)", workspace.id)
        assert await owner.fetchval(lock, str(workspace.id)) is False
    assert await owner.fetchval(lock, str(workspace.id)) is True


async def test_the_role_can_neither_step_around_nor_switch_off_the_protection(app: Connection) -> None:
    row = await app.fetchrow("select rolsuper, rolbypassrls from pg_roles where rolname = current_user")
    assert row is not None and tuple(row) == (False, False)
    for statement in (
        "alter table people disable row level security",
        "alter table people disable trigger opened_writes_only",
        "drop policy tenant_reads on people",
        "create table public.mine (id int)",
        "truncate people",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(statement)


async def test_an_audit_entry_is_never_changed_nor_removed(app: Connection, workspace: Workspace) -> None:
    for statement in ("update audit_entries set action = 'x'", "delete from audit_entries"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with app.transaction():
                await app.execute("select open_write($1)", workspace.id)
                await app.execute(statement)
