"""Guards: the schema is the models', nothing personal can stand in it, and history can only be added to."""

import re

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from contracts.operations import TABLE
from contracts.peers import PeerKind, Peers
from control_plane import models
from control_plane.app import ROUTES
from control_plane.calls import make_answers
from control_plane.feed.subjects import Reader
from control_plane.operators.subjects import Operator
from control_plane.words import NAME
from kit.web.subjects import Anyone
from tests.control_plane.world import World
from tests.servers.postgres import Postgres

NO_WORDS = {
    "bigint",
    "boolean",
    "bytea",
    "double precision",
    "integer",
    "timestamp with time zone",
    "uuid",
}


async def test_the_migrations_make_what_the_models_say(postgres: Postgres, registry_database: str) -> None:
    url = postgres.owner_dsn(registry_database).replace("postgresql://", "postgresql+asyncpg://")
    engine = create_async_engine(url)

    def compare(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), models.METADATA))

    async with engine.connect() as connection:
        assert await connection.run_sync(compare) == []
    await engine.dispose()


async def test_every_column_that_can_hold_words_is_on_the_list_with_its_reason(
    postgres: Postgres, registry_database: str
) -> None:
    connection = await asyncpg.connect(postgres.superuser_dsn(registry_database))
    rows = await connection.fetch(
        "select table_name, column_name, data_type from information_schema.columns where table_schema = 'public'"
    )
    await connection.close()
    wordy = {f"{row['table_name']}.{row['column_name']}" for row in rows if row["data_type"] not in NO_WORDS}
    assert wordy == set(models.WORDS)
    assert all(len(reason) > 5 for reason in models.WORDS.values())


async def test_no_column_is_named_for_something_personal(postgres: Postgres, registry_database: str) -> None:
    connection = await asyncpg.connect(postgres.superuser_dsn(registry_database))
    rows = await connection.fetch("select column_name from information_schema.columns where table_schema = 'public'")
    await connection.close()
    personal = re.compile(r"mail|phone|company|person|address|(^|_)ip($|_)|title|domain|password")
    assert [row["column_name"] for row in rows if personal.search(row["column_name"])] == []


@pytest.mark.parametrize("table", ["audit_entries", "placement_decisions", "transitions", "workspace_keys"])
@pytest.mark.parametrize("act", ["delete from {}", "update {} set {} = {}", "truncate {}"])
async def test_history_is_only_added_to(postgres: Postgres, registry_database: str, table: str, act: str) -> None:
    connection = await asyncpg.connect(postgres.app_dsn(registry_database))
    column = next(iter(models.METADATA.tables[table].columns)).name
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(act.format(table, column, column))
    await connection.close()


def test_every_route_is_an_operators_or_a_readers_but_the_first_page_of_a_sign_up() -> None:
    table = [route for routes in ROUTES for route in routes.table]
    assert {route.subject for route in table} == {Operator, Reader, Anyone}
    assert [(route.method, route.rule) for route in table if route.subject is Anyone] == [("GET", "/sign-up")]


async def test_every_operators_route_refuses_whoever_is_none(world: World) -> None:
    for route in (route for routes in ROUTES for route in routes.table if route.subject is Operator):
        path = re.sub(r"<[^>]+>", "any", route.rule)
        for token in ("", "cco_on-call_" + "0" * 64, "ccf_on-call_" + "0" * 64):
            answer = await world.ask(path, method=route.method, json={}, token=token)
            # Without a token a write could also be some page's doing; that is refused first.
            status = 403 if route.method == "POST" and not token else 401
            assert (answer.status_code, answer.content_type) == (status, "application/problem+json"), route


async def test_the_registry_answers_what_the_table_says(world: World) -> None:
    answered = make_answers(world.plane, Peers()).operations
    assert answered == {name for name, rule in TABLE.items() if rule.receiver is PeerKind.CONTROL_PLANE}


def test_a_name_is_never_an_address() -> None:
    assert not re.fullmatch(NAME, "anna@example.com")
    assert not re.fullmatch(NAME, "Anna Example")
