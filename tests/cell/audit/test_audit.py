"""The audit log: a chain that shows any change, outlives the erasure of a person, and misses no administrative act."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Select, delete, select

from cell.actors import SYSTEM
from cell.app import ROUTES
from cell.audit import service
from cell.audit.models import AuditEntry, SubjectKey
from cell.directory.models import Group, ProvisioningToken
from cell.invitations import service as invitations
from cell.people import service as people
from cell.sessions.subjects import Member
from contracts import audit as chain
from kit.database import now
from kit.web.routes import Route
from tests.cell.browser import Answer, Browser
from tests.cell.recordings.sending import PIECES, begun
from tests.cell.world import PASSWORD, Workspace, World
from tests.servers.postgres import Postgres

Chain = list[tuple[chain.Stored, bytes]]


async def entries(world: World, workspace: Workspace) -> list[AuditEntry]:
    async with world.cell.database.reading(workspace.id) as tx:
        return list(await tx.all(select(AuditEntry).order_by(AuditEntry.seq)))


async def chain_of(world: World, workspace: Workspace) -> Chain:
    return [(entry.stored, entry.hash) for entry in await entries(world, workspace)]


async def act(world: World, workspace: Workspace, times: int) -> None:
    for _ in range(times):
        await world.link(workspace)


async def test_the_chain_holds_from_the_first_entry_on(world: World, workspace: Workspace) -> None:
    await act(world, workspace, 3)
    found = await chain_of(world, workspace)
    assert [stored["seq"] for stored, _ in found] == [1, 2, 3, 4]
    assert chain.first_broken(found) is None
    copied = [(json.loads(json.dumps(stored)), hash_) for stored, hash_ in found]  # anywhere, with any JSON library
    assert chain.first_broken(copied) is None


async def test_acts_at_once_stand_in_one_order(world: World, workspace: Workspace) -> None:
    await asyncio.gather(*(world.link(workspace) for _ in range(8)))
    found = await chain_of(world, workspace)
    assert len(found) == 9 and chain.first_broken(found) is None


@pytest.mark.parametrize(
    ("tamper", "seq"),
    [
        (lambda found: found[2][0].update(action="link.keep"), 3),
        (lambda found: found[1][0]["details"].update(max_uses=2), 2),
        (lambda found: found[0][0]["personal"].clear(), 1),
        (lambda found: found.pop(1), 2),
        (lambda found: found.reverse(), 1),
        (lambda found: found.insert(2, found[2]), 4),
        (lambda found: found.__setitem__(3, (found[3][0], bytes(32))), 4),
    ],
)
async def test_whatever_is_changed_shows_where(
    world: World, workspace: Workspace, tamper: Callable[[Any], None], seq: int
) -> None:
    await act(world, workspace, 3)
    found = await chain_of(world, workspace)
    tamper(found)
    broken = chain.first_broken(found)
    assert broken is not None and broken.seq == seq


async def test_a_change_in_the_database_itself_shows(
    world: World, workspace: Workspace, postgres: Postgres, cell_database: str
) -> None:
    await act(world, workspace, 3)
    above = await asyncpg.connect(postgres.superuser_dsn(cell_database))
    await above.execute("set session_replication_role = replica")  # past triggers, as whoever owns the disk could
    await above.execute(
        "update audit_entries set stored = jsonb_set(stored, '{action}', '\"link.keep\"') "
        "where workspace_id = $1 and seq = 3",
        workspace.id,
    )
    await above.close()
    assert chain.first_broken(await chain_of(world, workspace)) == chain.Broken(
        3, "the entry was changed, or the one before it was"
    )


async def test_an_erased_person_is_gone_and_the_chain_still_holds(
    world: World, workspace: Workspace, admin: Browser
) -> None:
    new = people.NewPerson(name="Eve Erased", email="eve@example.com", password=PASSWORD)
    prepared = await people.prepare(new)
    async with world.cell.database.writing(workspace.id) as tx:
        await people.create(tx, people.actor_of(workspace.admin, "192.0.2.7"), prepared)
    before = await page(world, workspace)
    [line] = [line for line in before if line.action == "person.create"]
    assert line.actor_name == "Ada Admin" and line.personal["name"] == "Eve Erased" and line.origin == "192.0.2.7"
    async with world.cell.database.writing(workspace.id) as tx:
        await tx.execute(delete(SubjectKey).where(SubjectKey.id == UUID(line.target_id)))
    [line] = [line for line in await page(world, workspace) if line.action == "person.create"]
    assert line.personal == {} and line.actor_name == "Ada Admin"
    found = await chain_of(world, workspace)
    assert chain.first_broken(found) is None
    text = json.dumps([stored for stored, _ in found])
    for personal in ("Eve", "eve@example.com", "Ada", "192.0.2.7"):
        assert personal not in text  # sealed from the beginning


async def page(world: World, workspace: Workspace) -> list[service.Line]:
    async with world.cell.database.reading(workspace.id) as tx:
        return (await service.page(tx)).lines


async def test_an_act_that_fails_leaves_no_entry(world: World, workspace: Workspace) -> None:
    with pytest.raises(ZeroDivisionError):
        async with world.cell.database.writing(workspace.id) as tx:
            await service.append(tx, SYSTEM, "link.create", service.Target("link", workspace.id))
            raise ZeroDivisionError
    await act(world, workspace, 1)
    found = await chain_of(world, workspace)
    assert len(found) == 2 and chain.first_broken(found) is None


async def test_two_acts_in_one_transaction_follow_one_another(world: World, workspace: Workspace) -> None:
    async with world.cell.database.writing(workspace.id) as tx:
        for action in ("one.first", "one.second"):
            await service.append(tx, SYSTEM, action, service.Target("thing", workspace.id))
    found = await chain_of(world, workspace)
    assert [stored["action"] for stored, _ in found][-2:] == ["one.first", "one.second"]
    assert chain.first_broken(found) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(1 - 2**53, 2**53 - 1) | st.text(max_size=20), st.lists, max_leaves=5
)


@given(st.lists(st.dictionaries(st.text(max_size=20), JSON, max_size=4), min_size=1, max_size=5), st.data())
@settings(max_examples=40)
def test_any_chain_holds_and_no_single_change_goes_unseen(made: list[dict[str, object]], data: st.DataObject) -> None:
    found: Chain = []
    previous = chain.GENESIS
    for seq, details in enumerate(made, start=1):
        stored: chain.Stored = {"seq": seq, "details": details}
        previous = chain.entry_hash(previous, stored)
        found.append((stored, previous))
    assert chain.first_broken(found) is None
    at = data.draw(st.integers(0, len(found) - 1))
    changed = [*found[:at], ({**found[at][0], "more": 1}, found[at][1]), *found[at + 1 :]]
    broken = chain.first_broken(changed)
    assert broken is not None and broken.seq == at + 1


# -- every act of the routes -------------------------------------------------------------------------------------------

# Changes that leave no entry, each with its reason.
NOT_LOGGED = {
    "/w/<key>/sign-out": "ends one's own session",
    "/w/<key>/sessions/<session_id>/revoke": "ends one's own session",
    "/w/<key>/sessions/revoke-others": "ends one's own sessions",
    "/w/<key>/prove/passkey/options": "a challenge, which proves nothing yet",
    "/w/<key>/account/factors/app/begin": "a secret, which counts once a code of it was typed",
    "/w/<key>/account/factors/passkeys/options": "a challenge, which makes no passkey yet",
    "/w/<key>/account/factors/codes/show": "shows what was logged when it was made",
    # These need an app or a device: tests/cell/factors looks at their entries.
    "/w/<key>/prove/passkey": "session.prove",
    "/w/<key>/account/factors/app": "factor.add",
    "/w/<key>/account/factors/app/remove": "factor.remove",
    "/w/<key>/account/factors/passkeys": "factor.add",
    "/w/<key>/account/factors/passkeys/<uuid:passkey_id>/remove": "factor.remove",
    # These need the registry, a DNS, or an identity provider: the nouns' own tests look at their entries.
    "/w/<key>/sign-in/sso/again": "session.prove, on the way back: tests/cell/sso",
    "/w/<key>/sso/provider": "sso.save: tests/cell/sso",
    "/w/<key>/sso/certificates": "sso.save: tests/cell/sso",
    "/w/<key>/sso/certificates/<fingerprint>/remove": "sso.save: tests/cell/sso",
    "/w/<key>/sso/mapping": "sso.save: tests/cell/sso",
    "/w/<key>/sso/test": "sso.test: tests/cell/sso",
    "/w/<key>/sso/enable": "sso.enable: tests/cell/sso",
    "/w/<key>/sso/enforce": "sso.enforce: tests/cell/sso",
    "/w/<key>/sso/relax": "sso.relax: tests/cell/sso",
    "/w/<key>/sso/disable": "sso.disable: tests/cell/sso",
    "/w/<key>/sso/remove": "sso.remove: tests/cell/sso",
    "/w/<key>/domains": "domain.add: tests/cell/domains",
    "/w/<key>/domains/<uuid:domain_id>/check": "domain.verify: tests/cell/domains",
    "/w/<key>/domains/<uuid:domain_id>/remove": "domain.remove: tests/cell/domains",
}
ACTS = [
    route
    for routes in ROUTES
    for route in routes.table
    if route.method != "GET" and (issubclass(route.subject, Member) or route.rule.startswith("/api/"))
]
ANSWERED = {200, 201, 204, 303}


def ids(route: Route) -> str:
    return f"{route.method} {route.rule}"


async def do(route: Route, world: World, workspace: Workspace) -> Answer:
    """Call the route so that it succeeds."""
    sending = await begun(world, workspace)
    await sending.send(PIECES)
    tokens = await world.signed_in(workspace, workspace.admin)
    values = {
        "<key>": workspace.key,
        "<uuid:recording_id>": str(sending.id),
        "<uuid:link_id>": str(sending.link.link.id),
        "<uuid:person_id>": str(workspace.agent.id),
        "<uuid:token_id>": str(await _token(world, workspace)),
        "<uuid:invitation_id>": str(await _invitation(world, workspace)),
    }
    path = route.rule
    if "/directory/tokens/<" in path:
        await tokens.post(f"{workspace.base}/directory/tokens", form={"name": "First"})
        values["<uuid:token_id>"] = str(await _id(world, workspace, select(ProvisioningToken.id)))
    if "<uuid:group_id>" in path:
        moment = now()
        group = Group(
            display_name_norm="a", document={"display_name": "A"}, version=1, created_at=moment, changed_at=moment
        )
        async with world.cell.database.writing(workspace.id) as tx:
            tx.add(group)
        values["<uuid:group_id>"] = str(await _id(world, workspace, select(Group.id)))
    for name, value in values.items():
        path = path.replace(name, value)
    if path.endswith("/reactivate"):
        await tokens.post(path.replace("/reactivate", "/deactivate"))
    role = "auditor" if path.endswith("/role") else "agent"
    email = workspace.agent.email if path.endswith("/remove") else "new@example.com"
    form = {
        "name": "New",
        "email": email,
        "password": PASSWORD if path.endswith("/prove") else "another horse battery",
        "idle_minutes": "60",
        "current": PASSWORD,
        "role": role,
        "scopes": "links:read",
        "title": "Another title",
        "allows": "screen",
        "form": "csv",
    }
    if path.startswith("/api/"):
        machine = world.machine(workspace.token)
        return await machine.ask(route.method, path, **({} if route.method == "DELETE" else {"json": {"title": "x"}}))
    return await tokens.ask(route.method, path, form=form)


async def _id(world: World, workspace: Workspace, ids: Select[UUID]) -> UUID:
    async with world.cell.database.reading(workspace.id) as tx:
        return await tx.one(ids)


async def _token(world: World, workspace: Workspace) -> UUID:
    from cell.tokens.models import ApiToken

    async with world.cell.database.reading(workspace.id) as tx:
        return (await tx.one(select(ApiToken))).id


async def _invitation(world: World, workspace: Workspace) -> UUID:
    new = invitations.NewInvitation(email="invited@example.com")
    async with world.cell.database.writing(workspace.id) as tx:
        return (await invitations.create(tx, people.actor_of(workspace.admin), new, "en")).id


@pytest.mark.parametrize("route", ACTS, ids=ids)
async def test_every_act_leaves_an_entry(world: World, workspace: Workspace, route: Route) -> None:
    if route.rule in NOT_LOGGED:
        return
    answer = await do(route, world, workspace)
    assert answer.status in ANSWERED, answer.text
    last = (await entries(world, workspace))[-1]
    noun = last.action.partition(".")[0]
    assert noun in _nouns(route.rule), (
        f"{route.method} {route.rule}: call audit.append in its transaction, or give it a reason in NOT_LOGGED "
        f"(the last entry is {last.action})"
    )
    assert last.actor_id != SYSTEM.id


def _nouns(rule: str) -> set[str]:
    words = {
        "links": "link",
        "people": "person",
        "tokens": "token",
        "recordings": "recording",
        "invitations": "invitation",
        "directory/tokens": "directory",
        "directory/groups": "group",
        "account/password": "password",
        "account/factors/codes": "recovery",
        "prove": "session",
        "security": "security",
        "audit": "audit",
    }
    if rule.endswith("/factors/forget"):
        return {"factor"}
    return {noun for word, noun in words.items() if f"/{word}" in rule}


def test_what_is_not_logged_is_still_there() -> None:
    assert set(NOT_LOGGED) <= {route.rule for route in ACTS}
