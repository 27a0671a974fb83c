"""Proof that workspaces are apart: every route that names something, asked by a stranger. A new route is covered."""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from cell.app import ROUTES
from cell.directory.models import Group
from cell.domains.models import Domain
from cell.factors.models import Passkey
from cell.invitations import service as invitations
from cell.links.subjects import Visitor
from cell.models import METADATA, OUTSIDE_TENANCY
from cell.people import service as people
from cell.recordings.subjects import Sender, Uploader
from cell.sessions.cookies import name as cookie_name
from cell.sessions.store import Sessions
from cell.sessions.subjects import Member
from cell.tokens.subjects import Machine
from contracts.tokens import Kind, new_bearer
from kit.database import now
from kit.web.routes import Route
from kit.web.subjects import Anyone
from tests.cell.browser import PAGE, Answer, Browser
from tests.cell.recordings.sending import PIECES, Sending, begun
from tests.cell.world import Workspace, World
from tests.servers.postgres import Postgres

TABLE = [route for routes in ROUTES for route in routes.table]
MACHINE = {"Accept": "application/json"}

# Addresses that anybody may ask, each with its reason.
FOR_ANYBODY = {
    "/w/<key>/sign-in": "how one comes in; it tells the name of the workspace and nothing else",
    "/w/<key>/confirm/<secret>": "where a founder's mail leads; it tells the name of the workspace and nothing else",
    "/w/<key>/join/<secret>": "where an invitation's mail leads; without its word there is nothing",
    "/w/<key>/sign-in/factor": "the second step; without the first one's cookie it leads back to it",
    "/w/<key>/sign-in/passkey": "takes a passkey; without a challenge of this browser's it is refused",
    "/w/<key>/sign-in/passkey/options": "a fresh challenge, the same for everybody who has shown no password",
    "/w/<key>/sign-in/sso": "leads to the workspace's identity provider, whoever asks",
    "/w/<key>/sign-in/complete": "takes a code that only this browser's cookie opens",
    "/w/<key>/forgotten": "asks for a mail; the answer is the same whoever it is",
    "/w/<key>/reset/<secret>": "where a reset's mail leads; without its word it is closed",
}

# What addresses name that has the same name everywhere; and what is made up, since it names a line of a log.
IN_EVERY_WORKSPACE = {"number": "0", "vendor": "okta", "seq": "1", "fingerprint": "0" * 64}
MADE_UP = {"reference": "0" * 16}


def ids(route: Route) -> str:
    return f"{route.method} {route.rule}"


def of(*subjects: type) -> pytest.MarkDecorator:
    """Run a test for each route with such a subject."""
    return pytest.mark.parametrize("route", [one for one in TABLE if issubclass(one.subject, subjects)], ids=ids)


def test_every_route_is_asked_below() -> None:
    covered = (Member, Machine, Visitor, Sender, Uploader)
    for route in TABLE:
        assert issubclass(route.subject, covered) or (route.subject is Anyone and route.rule in FOR_ANYBODY), (
            f"{route.method} {route.rule}: a new kind of subject; say here how a stranger would ask as one"
        )


@dataclass(frozen=True)
class Full:
    """A workspace with one of everything that an address can name."""

    workspace: Workspace
    sending: Sending
    ids: dict[str, str]

    def path(self, route: Route, key: str | None = None) -> str:
        """The route's address with this workspace's ids."""
        values = {**IN_EVERY_WORKSPACE, **MADE_UP, **self.ids, "key": key or self.workspace.key}
        return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: values[found[1]], route.rule)


async def full(world: World) -> Full:
    workspace = await world.found()
    sending = await begun(world, workspace, max_uses=3)
    await sending.send(PIECES)
    browser = await world.signed_in(workspace, workspace.agent)
    session = await Sessions(world.cell.redis, workspace.key, workspace.id).find(
        browser.cookies[cookie_name(workspace.key)]
    )
    assert session is not None
    machine = await world.machine(workspace.token).get("/api/v1/links")
    assert machine.status == 200  # from now on its use is remembered, for a minute
    values = {
        "recording_id": str(sending.id),
        "link_id": str(sending.link.link.id),
        "person_id": str(workspace.agent.id),
        "token_id": str(await _token_id(world, workspace)),
        "domain_id": str(await _domain_id(world, workspace)),
        "group_id": str(await _group_id(world, workspace)),
        "passkey_id": str(await _passkey_id(world, workspace)),
        "invitation_id": str(await _invitation_id(world, workspace)),
        "session_id": session.id,
        "secret": "0" * 64,
        "link": sending.link.url.rsplit("/", 1)[1],
    }
    return Full(workspace, sending, values)


async def _token_id(world: World, workspace: Workspace) -> UUID:
    from sqlalchemy import select

    from cell.tokens.models import ApiToken

    async with world.cell.database.reading(workspace.id) as tx:
        return (await tx.one(select(ApiToken))).id


async def _domain_id(world: World, workspace: Workspace) -> UUID:
    held = Domain(domain="acme.example", token="a token", added_by=workspace.admin.id, added_at=now())
    async with world.cell.database.writing(workspace.id) as tx:
        tx.add(held)
        await tx.flush()
    return held.id


async def _group_id(world: World, workspace: Workspace) -> UUID:
    moment = now()
    held = Group(display_name_norm="agents", document={}, version=1, created_at=moment, changed_at=moment)
    async with world.cell.database.writing(workspace.id) as tx:
        tx.add(held)
        await tx.flush()
    return held.id


async def _passkey_id(world: World, workspace: Workspace) -> UUID:
    held = Passkey(
        person_id=workspace.agent.id,
        credential_id=b"an id",
        public_key=b"a key",
        sign_count=0,
        name="A key",
        created_at=now(),
    )
    async with world.cell.database.writing(workspace.id) as tx:
        tx.add(held)
        await tx.flush()
    return held.id


async def _invitation_id(world: World, workspace: Workspace) -> UUID:
    new = invitations.NewInvitation(email="invited@example.com")
    async with world.cell.database.writing(workspace.id) as tx:
        return (await invitations.create(tx, people.actor_of(workspace.admin), new, "en")).id


@pytest.fixture(scope="module")
async def ours(world: World) -> Full:
    return await full(world)


@pytest.fixture(scope="module")
async def theirs(world: World) -> Full:
    return await full(world)


@pytest.fixture
async def unchanged(ours: Full, postgres: Postgres, cell_database: str) -> Any:
    """Nothing of our workspace changes while the stranger asks."""
    before = await everything(ours.workspace.id, postgres.superuser_dsn(cell_database))
    yield
    assert await everything(ours.workspace.id, postgres.superuser_dsn(cell_database)) == before


async def everything(workspace_id: UUID, dsn: str) -> dict[str, list[str]]:
    """Every row of a workspace, as text."""
    connection = await asyncpg.connect(dsn)
    try:
        return {
            table: [
                str(row[0])
                for row in await connection.fetch(
                    f"select t::text from {table} t where workspace_id = $1 order by 1", workspace_id
                )
            ]
            for table in sorted(set(METADATA.tables) - {"workspace_keys"} | (set(OUTSIDE_TENANCY) & {"jobs"}))
        }
    finally:
        await connection.close()


async def ask(browser: Browser, route: Route, path: str, **headers: str) -> Answer:
    body: dict[str, Any] = {}
    if route.method in ("POST", "PATCH") and route.rule.startswith(("/api/", "/r/")):
        body = {"json": {}}
    elif route.rule.endswith(("/passkey", "/passkeys")):
        body = {"json": {"credential": {}}}
    elif "uploads" in route.rule and route.method == "POST":
        body = {"json": {"chunks": []}}
    elif route.method == "POST":
        body = {"form": {"title": "x", "name": "x", "role": "agent", "domain": "x", "version": "1"}}
    return await browser.ask(route.method, path, headers={**MACHINE, **headers}, **body)


@of(Member)
async def test_a_session_of_another_workspace_opens_nothing(
    world: World, ours: Full, theirs: Full, unchanged: None, route: Route
) -> None:
    stranger = await world.signed_in(theirs.workspace, theirs.workspace.admin)
    answer = await ask(stranger, route, ours.path(route))
    assert (answer.status, answer.slug) == (404, "not-found")
    # Even under the name of our own cookie it is no session of ours.
    stranger.cookies = {cookie_name(ours.workspace.key): stranger.cookies[cookie_name(theirs.workspace.key)]}
    assert (await ask(stranger, route, ours.path(route))).status in (401, 404)


@of(Member)
async def test_ids_of_another_workspace_are_not_found_under_ones_own(
    world: World, ours: Full, theirs: Full, unchanged: None, route: Route
) -> None:
    if set(re.findall(r"<(?:\w+:)?(\w+)>", route.rule)) - set(IN_EVERY_WORKSPACE) == {"key"}:
        return  # it names nothing else
    stranger = await world.signed_in(theirs.workspace, theirs.workspace.admin)
    answer = await ask(stranger, route, ours.path(route, theirs.workspace.key))
    if "session_id" in route.rule:
        assert answer.status == 303  # ends whatever of one's own it names, and that is nothing
    else:
        assert (answer.status, answer.slug) == (404, "not-found")


@of(Member)
async def test_without_a_session_nothing_opens(world: World, ours: Full, unchanged: None, route: Route) -> None:
    answer = await ask(world.browser(), route, ours.path(route))
    assert (answer.status, answer.slug) == (401, "not-signed-in")
    if route.method == "GET":
        turned = await world.browser().ask("GET", ours.path(route), headers=PAGE)
        assert turned.status == 303
        assert turned.headers["Location"].startswith(f"{ours.workspace.base}/sign-in?")


@of(Machine)
async def test_a_token_of_another_workspace_finds_nothing(
    world: World, ours: Full, theirs: Full, unchanged: None, route: Route
) -> None:
    stranger = world.machine(theirs.workspace.token)
    answer = await ask(stranger, route, ours.path(route))
    if "<" in route.rule:
        assert (answer.status, answer.slug) == (404, "not-found")
    else:
        for word in (*ours.ids.values(), ours.workspace.key):
            assert word not in answer.text


@of(Machine)
async def test_without_a_living_token_nothing_opens(world: World, ours: Full, unchanged: None, route: Route) -> None:
    path = ours.path(route)
    made_up = new_bearer(Kind.API, ours.workspace.key).text
    for word in ("", "Bearer", "Bearer x", f"Bearer {made_up}", f"Basic {ours.workspace.token.text}"):
        answer = await ask(world.browser(), route, path, Authorization=word)
        assert (answer.status, answer.slug) == (401, "token-refused") or (answer.status == 403 and "Bearer" not in word)


@of(Machine)
async def test_a_session_is_no_token(world: World, ours: Full, unchanged: None, route: Route) -> None:
    agent = await world.signed_in(ours.workspace, ours.workspace.admin)
    answer = await ask(agent, route, ours.path(route))
    assert (answer.status, answer.slug) == (401, "token-refused")


@of(Sender, Uploader)
async def test_words_of_another_workspaces_upload_open_nothing(
    world: World, ours: Full, theirs: Full, unchanged: None, route: Route
) -> None:
    own = theirs.sending.upload_token if route.subject is Uploader else theirs.sending.resume_token
    other = theirs.sending.resume_token if route.subject is Uploader else theirs.sending.upload_token
    for path in (ours.path(route), ours.path(route, theirs.workspace.key)):
        answer = await ask(world.browser(), route, path, Authorization=f"Bearer {own}")
        assert (answer.status, answer.slug) == (404, "not-found")
        # A word of the wrong kind may be refused before it is read.
        assert (await ask(world.browser(), route, path, Authorization=f"Bearer {other}")).status in (401, 404)


@of(Sender, Uploader)
async def test_without_its_word_an_upload_opens_nothing(
    world: World, ours: Full, unchanged: None, route: Route
) -> None:
    for word in ("", "Bearer x", f"Bearer {ours.workspace.token.text}"):
        answer = await ask(world.browser(), route, ours.path(route), Authorization=word)
        assert (answer.status, answer.slug) == (401, "upload-token-invalid")
    agent = await world.signed_in(ours.workspace, ours.workspace.admin)
    assert (await ask(agent, route, ours.path(route))).status == 401


@of(Visitor)
async def test_a_link_says_by_itself_whose_it_is(
    world: World, ours: Full, theirs: Full, unchanged: None, route: Route
) -> None:
    secret = ours.ids["link"].partition("-")[2]
    path = route.rule.replace("<link>", f"{theirs.workspace.key}-{secret}")
    answer = await ask(world.browser(), route, path)
    assert answer.status == 404  # the check character covers the key too
    made_up = ours.path(route).replace(ours.workspace.key, "zzzzzz99")
    assert (await ask(world.browser(), route, made_up)).status == 404


@pytest.mark.parametrize("route", [one for one in TABLE if "<key>" in one.rule], ids=ids)
async def test_a_workspace_that_is_not_of_this_cell_is_not_found(world: World, ours: Full, route: Route) -> None:
    agent = await world.signed_in(ours.workspace, ours.workspace.admin)
    path = ours.path(route, "bcdfgh99").replace(ours.ids["recording_id"], str(uuid4()))
    word = ours.sending.upload_token if route.subject is Uploader else ours.sending.resume_token
    headers = {"Authorization": f"Bearer {word}"} if issubclass(route.subject, Sender | Uploader) else {}
    assert (await ask(agent, route, path, **headers)).status == 404


@pytest.mark.parametrize(("method", "status"), [("get", 200), ("post", 303)])
async def test_a_founders_page_without_its_secret_says_only_what_sign_in_says_and_changes_nothing(
    world: World, ours: Full, method: str, status: int, unchanged: None
) -> None:
    answer = await getattr(world.browser(), method)(f"{ours.workspace.base}/confirm/{ours.ids['secret']}")
    assert answer.status == status
    assert not [one for name, one in ours.ids.items() if name != "secret" and one in answer.text]
