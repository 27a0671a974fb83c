"""Whatever is sent as a filter, a path, a body or an address: no 500, and no second of our time."""

import asyncio
import contextlib
import os
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cell.resources import Cell
from cell.workspaces import service as workspaces
from contracts.directory import DEEPEST_TREE, LONGEST_TREE
from control_plane.scim.asking import of_address
from control_plane.scim.errors import ScimError
from control_plane.scim.filters import compiled
from control_plane.scim.names import GROUPS, USERS
from control_plane.scim.patching import steps
from kit.refusals import NotFound
from tests.control_plane.scim.world import CORE, ENTERPRISE, Client
from tests.servers.postgres import Postgres
from tests.waiting import PATIENCE

# A second of processor time, ours and PostgreSQL's (its own upkeep may fall into it), on a machine that may be slow.
# Beyond three seconds of the clock a read is given up with 503, which nothing here may answer.
LONGEST_S = 1.0 * PATIENCE
TICKS = os.sysconf("SC_CLK_TCK")
usual = settings(max_examples=200, suppress_health_check=list(HealthCheck))

_words = st.sampled_from(
    [
        *("userName", "emails", "emails.value", "name", "name.givenName", "active", "title", "meta.created", "members"),
        *("groups", "schemas", "id", "nope", f"{CORE}:userName", f"{ENTERPRISE}:manager", ENTERPRISE, "urn:", "$ref"),
        *("eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr", "and", "or", "not", "EQ", "And"),
        *(
            "(",
            ")",
            "[",
            "]",
            ".value",
            ".",
            '"',
            '"x"',
            '"\\""',
            '"\\u0000"',
            '"\\ud800"',
            "true",
            "null",
            "1",
            "-1.5e9",
        ),
        *("type", "value", "primary", '"2026-01-01T00:00:00Z"', " ", "\t", "\0", "\ud800", "é", "x" * 100),
    ]
)
_texts = st.one_of(
    st.lists(_words, max_size=25).map(" ".join),
    st.lists(_words, max_size=25).map("".join),
    st.text(max_size=60),
    st.integers(1, 3000).map(lambda many: "(" * many),
    st.integers(1, 400).map(lambda many: " or ".join(['title eq "x"'] * many)),
    st.integers(1, 400).map(lambda many: "not (" * many + "title pr" + ")" * many),
    st.integers(1, 800).map(lambda many: "emails[" * many),
)
_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    _texts,
    st.text(max_size=20),
    st.just("x" * 2000),
)
_keys = st.one_of(
    st.sampled_from(
        [
            *("schemas", "userName", "displayName", "name", "emails", "active", "members", "value", "type", "primary"),
            *("id", "meta", "groups", "op", "path", "Operations", "addresses", ENTERPRISE, "manager", "password"),
        ]
    ),
    _texts,
)
_json = st.recursive(
    _scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_keys, inner, max_size=5)),
    max_leaves=20,
)
_operation = st.fixed_dictionaries(
    {"op": st.one_of(st.sampled_from(["add", "replace", "remove", "Add"]), _scalars)},
    optional={"path": st.one_of(_texts, _scalars, _words), "value": _json},
)


class Timed:
    """A block that may not take long: not of this process, in which provisioning and cell are, nor of `server`'s."""

    def __init__(self, server: int | None = None, what: object = "") -> None:
        self._server, self._what = server, what

    def __enter__(self) -> None:
        self._began = self._spent()

    def __exit__(self, *_: object) -> None:
        took = self._spent() - self._began
        assert took < LONGEST_S, (took, self._what)

    def _spent(self) -> float:
        return time.process_time() + (0.0 if self._server is None else of_server(self._server))


def of_server(pid: int) -> float:
    """Seconds of processor time that a server has taken with all of its processes, those that ended among them."""
    ticks = sum(_ticks(pid, 4))
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            ticks += sum(_ticks(int(child), 2))
    return ticks / TICKS


def _ticks(pid: int, fields: int) -> list[int]:
    """Of user and system, of the ended children's user and system (proc_pid_stat(5), fields 14 to 17)."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return [int(one) for one in after_name[11 : 11 + fields]]


@usual
@given(text=_texts)
def test_a_filter_compiles_or_is_refused(text: str) -> None:
    for kind in (USERS, GROUPS):
        with Timed():
            try:
                tree = compiled(kind, text)
            except ScimError as refused:
                assert (refused.status, refused.scim_type) == (400, "invalidFilter")
            else:
                assert len(text) <= LONGEST_TREE
                assert deep(tree) <= DEEPEST_TREE


def deep(tree: list[Any]) -> int:
    """How many levels a tree has."""
    return 1 + max(
        (deep(one) for one in tree[1:] if isinstance(one, list) and one and isinstance(one[-1], list)), default=0
    )


@usual
@given(body=st.one_of(_json, st.fixed_dictionaries({"Operations": st.lists(_operation, max_size=5)})))
def test_a_patch_compiles_or_is_refused(body: Any) -> None:
    for kind in (USERS, GROUPS):
        with Timed():
            try:
                made = asyncio.run(steps(kind, body))
            except ScimError as refused:
                assert refused.status == 400
            else:
                for one in made:
                    one.model_dump_json()


@usual
@given(query=st.one_of(st.binary(max_size=60), st.text(max_size=40).map(lambda text: text.encode("utf-8", "ignore"))))
def test_an_address_is_read_or_refused(query: bytes) -> None:
    for given_ in (query, b"count=" + query, b"startIndex=" + query, b"attributes=" + query):
        try:
            of_address(given_)
        except ScimError as refused:
            assert refused.status == 400


@pytest.fixture(scope="module")
async def server(postgres: Postgres, cell_database: str) -> int:
    """The process that all of PostgreSQL's are children of."""
    connection = await asyncpg.connect(postgres.superuser_dsn(cell_database))
    try:
        return int((await connection.fetchval("SELECT pg_read_file('postmaster.pid')")).split()[0])
    finally:
        await connection.close()


@pytest.fixture
async def crowded(client: Client, cell: Cell) -> Client:
    """The client of a workspace of a thousand people, where a real cell has it."""
    with contextlib.suppress(NotFound):  # the model's
        workspace_id = await workspaces.id_of(cell.database, client.base.rpartition("/")[2])
        async with cell.database.writing(workspace_id) as tx:
            direct = await tx.direct()
            for statement in CROWD:
                await direct.row(statement, workspace_id)
    return client


CROWD = (
    """
    INSERT INTO directory_people
      (workspace_id, id, user_name_norm, external_id, display_name_norm, document, version, created_at, changed_at)
    SELECT $1, gen_random_uuid(), name, name, name, jsonb_build_object(
             'user_name', name, 'external_id', name, 'display_name', name, 'title', 'x', 'locale', 'en-GB',
             'name', jsonb_build_object('given', 'Ada', 'family', 'Lovelace'), 'emails', jsonb_build_array(
               jsonb_build_object('value', name, 'type', 'work', 'primary', true),
               jsonb_build_object('value', 'home-' || name, 'type', 'home'))), 1, now(), now()
      FROM (SELECT 'user' || n || '@example.com' AS name FROM generate_series(1, 1000) n) named
    """,
    """
    INSERT INTO people (workspace_id, id, email, email_norm, name, role, active, created_at)
    SELECT workspace_id, id, user_name_norm, user_name_norm, user_name_norm, 'agent', true, now()
      FROM directory_people WHERE workspace_id = $1
    """,
    """
    INSERT INTO directory_emails (workspace_id, person_id, value_norm)
    SELECT workspace_id, id, user_name_norm FROM directory_people WHERE workspace_id = $1
    """,
)


@pytest.mark.timeout(600)  # two thousand requests
@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(text=_texts, body=_json, operations=st.lists(_operation, max_size=4), where=st.text(max_size=20))
async def test_nothing_that_is_sent_fails_or_takes_long(
    crowded: Client, server: int, text: str, body: Any, operations: list[Any], where: str
) -> None:
    made = await crowded.user()
    safe = quote(text.encode("utf-8", "replace"))[:6000]
    place = quote(where.encode("utf-8", "replace"), safe="")

    async def sent(method: str, path: str, body: Any = None) -> None:
        with Timed(server, (method, path, body)):
            await fails_not(crowded, method, path, body)

    await sent("GET", f"/Users?filter={safe}&sortBy={safe[:200]}&attributes={safe[:200]}")
    await sent("GET", f"/Groups?filter={safe}&excludedAttributes={safe[:200]}")
    await sent("PATCH", f"/Users/{made['id']}", {"Operations": operations})
    for method, path in (("POST", "/Users"), ("POST", "/Groups"), ("PUT", f"/Users/{made['id']}")):
        await sent(method, path, body)
    for path in ("/.search", "/Users/.search", f"/{place}", f"/Users/{place}", f"/Groups/{place}/{place}"):
        await sent("POST", path, body)
        await sent("GET", path)


@pytest.mark.parametrize(
    "text",
    [
        " or ".join(['title co "never"'] * 30),
        " or ".join(['emails[value co "never"]'] * 30),
        " and ".join(['not (name.familyName ew "never")'] * 30),
        'title pr and not (emails[type eq "other" and value pr]) and name.givenName sw "a"',
    ],
    ids=lambda text: text[:20],
)
async def test_the_longest_searches_take_no_second(crowded: Client, server: int, text: str) -> None:
    for path in ("/Users?count=200&sortBy=title&filter=", "/Users?startIndex=500&filter="):
        with Timed(server, text):
            await fails_not(crowded, "GET", path + quote(text))


async def fails_not(client: Client, method: str, path: str, body: Any = None) -> None:
    """Send, and look at how it is answered."""
    answer = await client.send(method, path, body)
    seen = (method, path, answer.status, answer.raw)
    assert answer.status in {200, 201, 204, 400, 401, 403, 404, 405, 409, 413, 415, 501}, seen
