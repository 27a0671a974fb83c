"""What PostgreSQL's helper promises: two roles, databases that strangers cannot open, clones."""

import os
import shutil
import subprocess
from pathlib import Path

import asyncpg
import pytest

from stack.postgres import PostgresRefused, account, programs, reachable, run_sql
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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's PostgreSQL runs under another account")
def test_programs_that_its_account_cannot_reach_are_copied(tmp_path: Path) -> None:
    who = account()
    assert who is not None
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    package = programs().parents[1]
    for part in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(part, closed / part.name, symlinks=True)
    found = programs(closed / package.name / "pginstall18" / "bin")
    try:
        assert reachable(found, who)
        said = subprocess.run([found / "initdb", "--version"], capture_output=True, user=who.uid, check=True)
        assert said.stdout.startswith(b"initdb (PostgreSQL) 18")
    finally:
        shutil.rmtree(found.parents[2])
