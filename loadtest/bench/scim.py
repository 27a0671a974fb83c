"""SCIM against the running deployment: provisioning, cell, PostgreSQL and the client on the same processors."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from statistics import quantiles
from typing import Any
from urllib.parse import quote
from uuid import UUID

import aiohttp
import asyncpg
import psutil

from contracts.tokens import Kind, new_bearer
from kit.calls.wires import Answered, Wires
from kit.localhost import connector
from loadtest.bench.deployment import deployment
from loadtest.bench.figures import Unmeasurable, figure
from loadtest.bench.signup import signed_up

CONNECTIONS = 8
PEOPLE = 2000
CROWD = 100_000
MEMBERS = 10_000
SYNC_PEOPLE, SYNC_GROUPS, OF_A_GROUP = 20_000, 500, 40
_GROWTH = 64 << 20  # bytes that a process may grow by during the second half of a first synchronisation
_LARGEST = 16 << 20  # bytes of an answer
_PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"

Asked = tuple[str, str, object]  # method, path, body


@dataclass
class Run:
    """What a run of requests took: seconds of the whole, and of each."""

    seconds: float
    each: list[float]

    @property
    def per_s(self) -> float:
        """Requests in a second."""
        return len(self.each) / self.seconds

    @property
    def p99_ms(self) -> float:
        """What 99 of 100 stay below."""
        return quantiles(self.each, n=100)[98] * 1000


@dataclass
class Site:
    """A workspace with a token: where it is asked, and what is known to be there."""

    url: str
    key: str
    token: str = field(repr=False)
    dsn: str = field(repr=False)
    workspace_id: UUID = field(repr=False)
    ids: list[str] = field(default_factory=list)

    async def run(self, asked: Iterable[Asked], status: int, *, connections: int = CONNECTIONS) -> Run:
        """Send each once, over kept connections with one request in flight on each. Raises Unmeasurable."""
        waiting, took = iter(asked), list[float]()
        begun = time.perf_counter()
        with self._wires(connections) as wires:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(connections):
                    tasks.create_task(self._work(wires, waiting, status, took))
        return Run(time.perf_counter() - begun, took)

    async def ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """One request; its JSON. Raises Unmeasurable."""
        with self._wires(1) as wires:
            answered = await self._send(wires, (method, path, body))
        if answered.status // 100 != 2:
            raise _refused((method, path, body), answered)
        return dict(json.loads(answered.body)) if answered.body else {}

    async def _work(self, wires: Wires, waiting: Iterator[Asked], status: int, took: list[float]) -> None:
        for one in waiting:
            begun = time.perf_counter()
            answered = await self._send(wires, one)
            took.append(time.perf_counter() - begun)
            if answered.status != status:
                raise _refused(one, answered)

    async def _send(self, wires: Wires, asked: Asked) -> Answered:
        method, path, content = asked
        headers = {"Authorization": f"Bearer {self.token}"}
        if content is None:
            return await wires.send(method, path, headers)
        headers["Content-Type"] = "application/scim+json"
        return await wires.send(method, path, headers, json.dumps(content).encode())

    @contextmanager
    def _wires(self, connections: int) -> Iterator[Wires]:
        """Cheap ones: what the client takes is missing on the same processors."""
        wires = Wires(f"{self.url}/scim/v2/{self.key}", connections, _LARGEST)
        try:
            yield wires
        finally:
            wires.close()


def _refused(asked: Asked, answered: Answered) -> Unmeasurable:
    return Unmeasurable(f"{asked[0]} {asked[1]}: {answered.status} {answered.body[:300].decode()}")


def person(name: str) -> dict[str, object]:
    """A person as Entra ID sends one."""
    return {
        "schemas": [_USER],
        "userName": f"{name}@example.com",
        "externalId": name,
        "active": True,
        "displayName": f"Person {name}",
        "name": {"givenName": "Person", "familyName": name},
        "emails": [{"value": f"{name}@example.com", "type": "work", "primary": True}],
        "title": "Agent",
    }


def _word() -> str:
    return secrets.token_hex(6)


@cache
def site(name: str) -> Site:
    """A workspace of its own for a measurement, with a token."""
    return asyncio.run(_new_site())


async def _new_site() -> Site:
    facts = deployment().facts
    url = facts["provisioning"]["eu"]["url"]
    async with aiohttp.ClientSession(connector=connector()) as http:
        key = await signed_up(http, url)
    dsn = facts["cells"]["eu-1"]["dsn"]
    bearer = new_bearer(Kind.DIRECTORY, key)
    workspace_id = await _workspace_id(facts, key)
    async with _writing(dsn, workspace_id) as connection:
        await connection.execute(
            "INSERT INTO provisioning_tokens (workspace_id, id, name, digest, created_by, created_at)"
            " SELECT $1, gen_random_uuid(), 'bench', $2, id, now() FROM people WHERE workspace_id = $1 LIMIT 1",
            workspace_id,
            bearer.digest,
        )
    made = Site(url, key, bearer.text, dsn, workspace_id)
    await _until_known(made)
    return made


async def _workspace_id(facts: dict[str, Any], key: str) -> UUID:
    connection = await asyncpg.connect(facts["control_plane"]["dsn"])
    try:
        return UUID(str(await connection.fetchval("SELECT id FROM workspaces WHERE key = $1", key)))
    finally:
        await connection.close()


@asynccontextmanager
async def _writing(dsn: str, workspace_id: UUID) -> AsyncIterator[asyncpg.Connection]:
    """A write of the workspace's, as the cell opens one."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute("SELECT set_config('app.workspace_id', $1, true)", str(workspace_id))
            await connection.execute("SELECT open_write($1)", workspace_id)
            yield connection
    finally:
        await connection.close()


async def _until_known(made: Site) -> None:
    """Provisioning hears of a new workspace by its feed."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            await made.ask("GET", "/Users?count=0")
            return
        except Unmeasurable:
            await asyncio.sleep(0.05)
    raise Unmeasurable("provisioning does not know the new workspace")


@cache
def peopled() -> Site:
    """A workspace with 2,000 people."""
    made = site("peopled")
    asyncio.run(_people(made))
    return made


async def _people(made: Site) -> Run:
    run = await made.run([("POST", "/Users", person(_word())) for _ in range(PEOPLE)], 201)
    for start in range(1, PEOPLE + 1, 200):
        page = await made.ask("GET", f"/Users?startIndex={start}&count=200&attributes=id")
        made.ids += [one["id"] for one in page["Resources"]]
    return run


@cache
def _posts() -> Run:
    made = peopled()
    return asyncio.run(made.run([("POST", "/Users", person(_word())) for _ in range(PEOPLE)], 201))


@cache
def _patches() -> Run:
    made = peopled()

    def asked() -> Iterator[Asked]:
        for active in ("False", "True"):
            operation = {"op": "Replace", "path": "active", "value": active}
            for one in made.ids[:PEOPLE]:
                yield "PATCH", f"/Users/{one}", {"schemas": [_PATCH], "Operations": [operation]}

    return asyncio.run(made.run(asked(), 200))


@figure("scim.post_per_s", unit="/s", target=330, better="higher")
def post_per_s() -> float:
    """POST /Users, 8 connections, into a workspace of 2,000 people."""
    return _posts().per_s


@figure("scim.post_p99_ms", unit="ms", target=50, better="lower")
def post_p99_ms() -> float:
    """What 99 of 100 of these stay below."""
    return _posts().p99_ms


@figure("scim.patch_per_s", unit="/s", target=510, better="higher")
def patch_per_s() -> float:
    """PATCH active, as Entra ID sends it: everybody off, then on again."""
    return _patches().per_s


@figure("scim.patch_p99_ms", unit="ms", target=40, better="lower")
def patch_p99_ms() -> float:
    """What 99 of 100 of these stay below."""
    return _patches().p99_ms


@figure("scim.filter_per_s", unit="/s", target=640, better="higher")
def filter_per_s() -> float:
    """GET /Users with a filter userName eq that nobody fits or one does, by turns."""
    made = peopled()
    asyncio.run(made.run([("POST", "/Users", person(f"found-{made.key}"))], 201, connections=1))
    names = (f"found-{made.key}", "nobody")
    asked = [("GET", _by_name(names[number % 2]), None) for number in range(3000)]
    return asyncio.run(made.run(asked, 200)).per_s


@figure("scim.get_per_s", unit="/s", target=700, better="higher")
def get_per_s() -> float:
    """GET one person."""
    made = peopled()
    return asyncio.run(made.run([("GET", f"/Users/{one}", None) for one in made.ids], 200)).per_s


@figure("scim.list100_per_s", unit="/s", target=260, better="higher")
def list100_per_s() -> float:
    """GET pages of 100 people."""
    made = peopled()
    asked = [("GET", f"/Users?startIndex={1 + number % 20 * 100}&count=100", None) for number in range(600)]
    return asyncio.run(made.run(asked, 200)).per_s


def _by_name(name: str) -> str:
    return "/Users?filter=" + quote(f'userName eq "{name}@example.com"')


@cache
def crowded() -> Site:
    """A workspace with 100,000 people, written into its cell's tables as a synchronisation would."""
    made = site("crowded")
    asyncio.run(_crowd(made))
    return made


_CROWD = (
    """
    INSERT INTO people (workspace_id, id, email, email_norm, name, role, active, created_at)
    SELECT $1, gen_random_uuid(), name || '@example.com', name || '@example.com', name, 'agent', true, now()
      FROM (SELECT 'crowd' || n AS name FROM generate_series(1, $2::int) n) names""",
    """
    INSERT INTO directory_people (workspace_id, id, user_name_norm, external_id, display_name_norm, document,
                                  version, created_at, changed_at)
    SELECT $1, id, email, name, name,
           jsonb_build_object('user_name', email, 'external_id', name, 'display_name', name,
                              'emails', jsonb_build_array(jsonb_build_object('value', email, 'type', 'work'))),
           1, now(), now()
      FROM people WHERE workspace_id = $1 AND name LIKE 'crowd%' LIMIT $2::int""",
    """
    INSERT INTO directory_emails (workspace_id, person_id, value_norm)
    SELECT $1, id, user_name_norm FROM directory_people WHERE workspace_id = $1 LIMIT $2::int""",
)


async def _crowd(made: Site) -> None:
    async with _writing(made.dsn, made.workspace_id) as connection:
        for statement in _CROWD:
            await connection.execute(statement, made.workspace_id, CROWD)
        found = "SELECT id FROM directory_people WHERE workspace_id = $1 LIMIT $2"
        made.ids = [str(one["id"]) for one in await connection.fetch(found, made.workspace_id, MEMBERS + 1000)]
    connection = await asyncpg.connect(deployment().facts["cells"]["eu-1"]["owner_dsn"])
    try:
        await connection.execute("ANALYZE people, directory_people, directory_emails")
    finally:
        await connection.close()


@figure("scim.filter_100k_p99_ms", unit="ms", target=10, better="lower")
def filter_100k_p99_ms() -> float:
    """One client, userName eq, among 100,000 people."""
    made = crowded()
    asked = [("GET", _by_name(f"crowd{number * 97 % CROWD + 1}"), None) for number in range(1000)]
    return asyncio.run(made.run(asked, 200, connections=1)).p99_ms


@figure("scim.member_add_10k_p99_ms", unit="ms", target=20, better="lower")
def member_add_10k_p99_ms() -> float:
    """One client, PATCH that adds one member to a group of 10,000."""
    made = crowded()
    return asyncio.run(_members(made)).p99_ms


async def _members(made: Site) -> Run:
    members = [{"value": one} for one in made.ids[:MEMBERS]]
    group = {"schemas": [_GROUP], "displayName": _word(), "members": members}
    at = f"/Groups/{(await made.ask('POST', '/Groups?attributes=id', group))['id']}"
    asked = [("PATCH", at, _adding([one])) for one in made.ids[MEMBERS:][:500]]
    return await made.run(asked, 204, connections=1)


def _adding(ids: Iterable[str]) -> dict[str, object]:
    members = [{"value": one} for one in ids]
    return {"schemas": [_PATCH], "Operations": [{"op": "Add", "path": "members", "value": members}]}


@figure("scim.first_sync_s", unit="s", target=90, better="lower")
def first_sync_s() -> float:
    """20,000 people are made and listed, and 500 groups of 40 of them made.

    Memory of provisioning and cell stays flat: it does not grow by more than 64 MB in the second half.
    """
    return asyncio.run(_synchronised(site("sync")))


async def _synchronised(made: Site) -> float:
    names = [_word() for _ in range(SYNC_PEOPLE)]
    begun = time.perf_counter()
    half = len(names) // 2
    await made.run((("POST", "/Users", person(one)) for one in names[:half]), 201)
    before = _memory()
    await made.run((("POST", "/Users", person(one)) for one in names[half:]), 201)
    ids: list[str] = []
    while len(ids) < len(names):
        page = await made.ask("GET", f"/Users?startIndex={len(ids) + 1}&count=200&attributes=id")
        ids += [one["id"] for one in page["Resources"]]
    waiting = iter(ids)
    groups = [list(islice(waiting, OF_A_GROUP)) for _ in range(SYNC_GROUPS)]
    asked = (
        ("POST", "/Groups", {"schemas": [_GROUP], "displayName": _word(), "members": [{"value": one} for one in group]})
        for group in groups
    )
    await made.run(asked, 201)
    took = time.perf_counter() - begun
    for name, grown in ((name, size - before[name]) for name, size in _memory().items()):
        if grown > _GROWTH:
            raise Unmeasurable(f"{name} grew by {grown >> 20} MB")
    return took


def _memory() -> dict[str, int]:
    wanted = {"provisioning-eu", "eu-1-web"}
    processes = deployment().facts["processes"]
    return {one["name"]: psutil.Process(one["pid"]).memory_info().rss for one in processes if one["name"] in wanted}
