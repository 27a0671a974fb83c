"""What PostgreSQL's helper promises: two roles, databases that strangers cannot open, clones."""

import asyncpg
import pytest

from stack.postgres import PostgresRefused, run_sql
from tests.servers.postgres import Postgres


async def test_the_application_is_neither_owner_nor_superuser(postgres: Postgres) -> None:
    name = postgres.create_database("roles")
    for dsn, is_owner in ((postgres.owner_dsn(name), True), (postgres.app_dsn(name), False)):
        connection = await asyncpg.connect(dsn)
        try:
            row = await connection.fetchrow(
                "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, pg_has_role(datdba, 'member') owns "
                "from pg_roles, pg_database where rolname = current_user and datname = current_database()"
            )
        finally:
            await connection.close()
        assert tuple(row) == (False, False, False, False, is_owner)


async def test_a_clone_holds_what_its_template_held(postgres: Postgres) -> None:
    run_sql(postgres.server, "create table thing as select 7 as n;", postgres.create_database("original"))
    clone = postgres.create_database("clone", template="original")
    assert run_sql(postgres.server, "select n from thing", clone) == "7"
    assert run_sql(postgres.server, "select has_database_privilege('public', 'clone', 'connect')") == "f"
    postgres.drop_database(clone)


def test_a_value_is_never_read_as_sql(postgres: Postgres) -> None:
    nasty = """it's \\ "here"; drop table x; --"""
    assert run_sql(postgres.server, "select :'value'", value=nasty) == nasty


def test_what_goes_wrong_is_said_in_the_servers_words(postgres: Postgres) -> None:
    with pytest.raises(PostgresRefused, match="nothing_here"):
        run_sql(postgres.server, "select * from nothing_here")
