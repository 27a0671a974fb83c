"""Every table belongs to workspaces, or stands in a list with its reason."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from cell.models import METADATA, OUTSIDE_TENANCY
from tests.servers.postgres import Postgres

TABLES = sorted(set(METADATA.tables) - set(OUTSIDE_TENANCY))
COMMANDS = {
    "tenant_reads": "SELECT",
    "tenant_inserts": "INSERT",
    "tenant_updates": "UPDATE",
    "tenant_deletes": "DELETE",
}
HOW = "see `kit/tenancy.py`: call protect() for it in its migration, or name it with a reason in OUTSIDE_TENANCY"


@pytest.fixture
async def database(postgres: Postgres, cell_database: str) -> AsyncIterator[Any]:  # asyncpg has no types
    connection = await asyncpg.connect(postgres.superuser_dsn(cell_database))
    yield connection
    await connection.close()


@pytest.mark.parametrize("table", TABLES)
def test_the_workspace_comes_first_in_the_key_of(table: str) -> None:
    first = next(iter(METADATA.tables[table].primary_key.columns)).name
    assert first == "workspace_id", f"{table}: give its model the mixin Scoped or Tenant of kit/database.py"


@pytest.mark.parametrize("table", TABLES)
async def test_row_level_security_is_forced_on(table: str, database: Any) -> None:
    row = await database.fetchrow(
        "select relrowsecurity, relforcerowsecurity from pg_class where oid = $1::regclass", table
    )
    assert tuple(row) == (True, True), f"{table}: {HOW}"
    policies = await database.fetch(
        "select policyname, cmd, qual, with_check from pg_policies where tablename = $1", table
    )
    found = {policy["policyname"]: policy for policy in policies}
    assert {name: policy["cmd"] for name, policy in found.items()} == COMMANDS, f"{table}: {HOW}"
    for name, policy in found.items():
        setting = "app.workspace_id" if name == "tenant_reads" else "app.writing"
        said = [policy[part] for part in ("qual", "with_check") if policy[part] is not None]
        assert said and all(f"'{setting}'" in one for one in said), f"{table}: {HOW}"


@pytest.mark.parametrize("table", TABLES)
async def test_a_write_that_was_not_opened_is_refused_by(table: str, database: Any) -> None:
    triggers = await database.fetch(
        "select tgname, tgtype, tgenabled from pg_trigger where tgrelid = $1::regclass and not tgisinternal", table
    )
    found = [trigger for trigger in triggers if trigger["tgname"] == "opened_writes_only"]
    assert found, f"{table}: {HOW}"
    # pg_trigger.h: bit 0 row (here: statement), 1 before, 2 insert, 3 delete, 4 update
    assert found[0]["tgtype"] == 0b11110 and found[0]["tgenabled"] == b"O"


async def test_no_table_is_in_the_database_alone(database: Any) -> None:
    rows = await database.fetch("select tablename from pg_tables where schemaname = 'public'")
    strangers = {row["tablename"] for row in rows} - set(METADATA.tables) - set(OUTSIDE_TENANCY)
    assert not strangers, f"tables without a model: {strangers}"


def test_every_exception_has_its_reason_and_is_a_table() -> None:
    for table, reason in OUTSIDE_TENANCY.items():
        assert len(reason) > 20, f"{table}: say why it stands outside tenancy"
        assert table in METADATA.tables or table == "alembic_version", f"{table} is gone: strike it off the list"


async def test_the_application_reaches_every_table_and_owns_none(database: Any) -> None:
    rows = await database.fetch("select tablename, tableowner from pg_tables where schemaname = 'public'")
    assert {row["tableowner"] for row in rows} == {"cellcast_owner"}
    for row in rows:
        may = await database.fetchval("select has_table_privilege('cellcast_app', $1, 'select')", row["tablename"])
        assert may, f"{row['tablename']}: grant it to cellcast_app in its migration"


async def test_the_migrations_make_what_the_models_say(postgres: Postgres, cell_database: str) -> None:
    engine = create_async_engine(
        postgres.superuser_dsn(cell_database).replace("postgresql://", "postgresql+asyncpg://")
    )

    def differences(connection: Connection) -> list[Any]:  # alembic's own tuples
        return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), METADATA))

    async with engine.connect() as connection:
        found = await connection.run_sync(differences)
    await engine.dispose()
    assert found == [], "write a migration: see CONTRIBUTING.md"
