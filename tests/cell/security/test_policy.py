"""A workspace's policy: who needs a second factor, how long sessions last, from which networks people come."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from sqlalchemy import Update, select, update

from cell.app import make_app
from cell.audit.models import AuditEntry
from cell.library import events
from cell.people.models import Person
from cell.security import service
from cell.security.models import SecurityPolicy
from cell.security.service import NewPolicy, Policy
from cell.sessions.store import Sessions
from cell.sessions.subjects import Member
from kit import live
from kit.database import Base, Database
from kit.ports import free_port
from tests.cell.browser import PAGE, Answer, Browser
from tests.cell.factors.owning import app_of, half_way, is_in, passkey_of, password
from tests.cell.world import Workspace, World

DEFAULTS = {"second_factor": "optional", "idle_minutes": "720", "absolute_hours": "168"}
HERE = "192.0.2.7"
ANY: dict[str, Any] = {
    "second_factor": "optional",
    "factor_roles": [],
    "idle_minutes": 720,
    "absolute_hours": 168,
    "networks": [],
}
Set = Callable[..., Any]


async def set_to(browser: Browser, workspace: Workspace, **form: Any) -> Answer:
    body = urlencode({**DEFAULTS, **form}, doseq=True)  # as browsers repeat a field that has several values
    headers = {**PAGE, "Content-Type": "application/x-www-form-urlencoded"}
    return await browser.post(f"{workspace.base}/security", data=body, headers=headers)


async def test_whoever_must_have_a_second_factor_sets_it_up_before_anything_else(
    world: World, workspace: Workspace, admin: Browser, agent: Browser
) -> None:
    assert (await set_to(admin, workspace, second_factor="required")).status == 303
    for browser in (agent, admin):  # the admin too
        for path in ("library", "links", "people", "sessions", "account"):
            led = await browser.page(f"{workspace.base}/{path}")
            assert (led.status, led.headers["Location"]) == (303, f"{workspace.base}/account/factors")
    script = await agent.get(f"{workspace.base}/library")
    assert (script.status, script.slug) == (403, "factor-missing")
    page = await agent.page(f"{workspace.base}/account/factors")
    assert page.status == 200 and "asks for a second factor" in page.text
    await app_of(agent, workspace)
    assert await is_in(agent, workspace)
    await passkey_of(admin, workspace)
    assert await is_in(admin, workspace)
    newcomer = world.browser()
    await password(newcomer, workspace, workspace.owner)
    assert (await newcomer.page(f"{workspace.base}/library")).headers["Location"].endswith("/account/factors")
    assert (await newcomer.post(f"{workspace.base}/sign-out")).status == 303


async def test_it_may_be_asked_of_some_roles(workspace: Workspace, admin: Browser, agent: Browser) -> None:
    await set_to(admin, workspace, second_factor="roles", factor_roles=["admin", "owner"])
    assert await is_in(agent, workspace) and not await is_in(admin, workspace)


async def test_whom_single_sign_on_lets_in_has_the_second_factor_there(
    world: World, workspace: Workspace, admin: Browser, agent: Browser
) -> None:
    await set_to(admin, workspace, second_factor="required")
    sessions = Sessions(world.cell.redis, workspace.key, workspace.id)
    word = await sessions.begin(workspace.agent.id, "Firefox", "192.0.2.7", "sso")
    agent.cookies = {f"__Host-s-{workspace.key}": word.text}
    assert await is_in(agent, workspace)
    assert "/sign-in/sso/again" in (await agent.page(f"{workspace.base}/prove")).text


async def test_the_last_one_stays_where_one_is_asked_for(world: World, workspace: Workspace, admin: Browser) -> None:
    await set_to(admin, workspace, second_factor="required")
    await app_of(admin, workspace)
    refused = await admin.post(f"{workspace.base}/account/factors/app/remove")
    assert (refused.status, refused.slug) == (409, "factor-needed")
    await passkey_of(admin, workspace)
    assert (await admin.post(f"{workspace.base}/account/factors/app/remove")).status == 303


async def test_sessions_end_as_the_policy_says_from_the_next_click_on(
    world: World, workspace: Workspace, admin: Browser, agent: Browser
) -> None:
    await set_to(admin, workspace, idle_minutes="5", absolute_hours="1")
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=4), tick=True):
        assert await is_in(agent, workspace)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=8), tick=True):
        assert await is_in(agent, workspace)  # used four minutes ago
        assert not await is_in(admin, workspace)
    mine = Sessions(world.cell.redis, workspace.key, workspace.id)
    [session] = await mine.of_person(workspace.agent.id)
    assert await world.cell.redis.ttl(f"session:{workspace.id}:{session.id}") <= 5 * 60 + 60
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=59), tick=True):
        assert not await mine.keep(replace(session, seen=datetime.now(UTC)), timedelta(hours=1), timedelta(minutes=50))


async def test_people_and_programs_come_from_the_networks_of_the_list_alone(
    world: World, workspace: Workspace, admin: Browser, agent: Browser, machine: Browser
) -> None:
    admin.address, agent.address, machine.address = "203.0.113.9", "203.0.113.200", "203.0.113.201"
    saved = await set_to(admin, workspace, networks=" 203.0.113.0/25 \n2001:db8::/32, 198.51.100.7\n")
    assert saved.status == 303
    assert await is_in(admin, workspace) and not await is_in(agent, workspace)
    refused = await machine.get("/api/v1/links")
    assert (refused.status, refused.slug) == (403, "outside-networks")
    assert "not allowed" in (await agent.page(f"{workspace.base}/library")).text
    for address, allowed in (
        ("203.0.113.1", True),
        ("2001:db8::7", True),
        ("::ffff:203.0.113.1", True),
        ("::1", False),
    ):
        agent.address = machine.address = address
        assert await is_in(agent, workspace) is allowed
        assert (await machine.get("/api/v1/links")).status == (200 if allowed else 403)
    outside = await password(world.browser(), workspace, workspace.agent)
    assert outside.status == 403 and "Set-Cookie" not in outside.headers


async def test_customers_notice_nothing_of_it(world: World, workspace: Workspace, admin: Browser) -> None:
    from tests.cell.recordings.sending import PIECES, begun

    sending = await begun(world, workspace)
    admin.address = "203.0.113.9"
    await set_to(admin, workspace, networks="203.0.113.9", second_factor="required")
    assert await sending.send(PIECES) == [200] * 3
    assert (await sending.finish(PIECES)).status == 202


async def test_nobody_locks_themselves_out(world: World, workspace: Workspace, admin: Browser) -> None:
    admin.address = "203.0.113.9"
    refused = await set_to(admin, workspace, networks="198.51.100.0/24")
    assert refused.status == 422 and "Your own address is not on this list" in refused.text
    async with world.cell.database.reading(workspace.id) as tx:
        assert await service.get(tx) == Policy()


@pytest.mark.parametrize(
    "form",
    [
        {"networks": "not a network"},
        {"networks": "203.0.113.9/33"},
        {"networks": "\n".join(f"10.0.{n}.0/24" for n in range(201))},
        {"networks": "x" * 5000},
        {"idle_minutes": "4"},
        {"idle_minutes": "soon"},
        {"absolute_hours": "721"},
        {"second_factor": "sometimes"},
        {"second_factor": "roles", "factor_roles": ["king"]},
    ],
)
async def test_what_cannot_be_used_comes_back(
    world: World, workspace: Workspace, admin: Browser, form: dict[str, Any]
) -> None:
    assert (await set_to(admin, workspace, **form)).status == 422
    async with world.cell.database.reading(workspace.id) as tx:
        assert await service.get(tx) == Policy()


def through(world: World, *proxies: str) -> World:
    """The cell behind these proxies."""
    settings = world.cell.settings.model_copy(update={"trusted_proxies": tuple(map(ip_network, proxies))})
    return replace(world, app=make_app(replace(world.cell, settings=settings)))


HEADERS = (
    "X-Forwarded-For",
    "X-Real-IP",
    "Forwarded",
    "Client-IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "X-Client-IP",
)


@pytest.mark.parametrize("header", HEADERS)
async def test_a_header_of_the_client_says_nothing_about_its_address(
    world: World, workspace: Workspace, admin: Browser, agent: Browser, header: str
) -> None:
    admin.address = "203.0.113.9"
    await set_to(admin, workspace, networks="203.0.113.9")
    for said in ("203.0.113.9", "for=203.0.113.9", "203.0.113.9, 10.0.0.1"):
        forged = await agent.get(f"{workspace.base}/library", headers={header: said})
        assert (forged.status, forged.slug) == (403, "outside-networks")
        behind = replace(agent, app=through(world, "192.0.2.0/24").app)  # this client is no proxy of ours
        assert (await behind.get(f"{workspace.base}/library", headers={header: said})).status == 403


async def test_behind_proxies_of_ours_the_address_is_the_one_that_they_saw(
    world: World, workspace: Workspace, admin: Browser
) -> None:
    admin.address = "203.0.113.9"
    await set_to(admin, workspace, networks="203.0.113.9")
    proxied = replace(admin, app=through(world, "192.0.2.0/24").app, address="192.0.2.1")
    at = f"{workspace.base}/library"
    for said, allowed in (
        ("203.0.113.9", True),
        ("198.51.100.1, 203.0.113.9", True),
        ("203.0.113.9, 198.51.100.1", False),  # the client wrote the first one itself
        ("203.0.113.9, 192.0.2.77", True),  # a second proxy of ours
        ("rubbish", False),
        ("", False),
    ):
        answer = await proxied.get(at, headers={"X-Forwarded-For": said})
        assert (answer.status == 200) is allowed, said


async def test_open_streams_are_asked_anew_when_the_policy_changes(
    world: World, workspace: Workspace, admin: Browser, agent: Browser
) -> None:
    mine = Sessions(world.cell.redis, workspace.key, workspace.id)
    [session] = await mine.of_person(workspace.agent.id)
    async with world.cell.database.reading(workspace.id) as tx:
        from cell.workspaces import service as workspaces

        who = Member(await workspaces.get(tx), workspace.agent, session)
    stream = events.stream(world.cell, who, HERE, asyncio.Event())
    assert b"retry" in await anext(stream) and b"hello" in await anext(stream)
    await set_to(admin, workspace, idle_minutes="60")
    async with asyncio.timeout(60):
        assert [block async for block in stream if b"event:" in block] == []


@pytest.mark.parametrize(
    "changed",
    [
        SecurityPolicy(**ANY | {"networks": ["203.0.113.0/24"]}),
        SecurityPolicy(**ANY | {"second_factor": "required"}),
        SecurityPolicy(**ANY | {"absolute_hours": 0}),
        update(Person).values(active=False),
        update(Person).values(role="of another version"),
    ],
    ids=["networks", "second factor", "how long", "switched off", "role"],
)
async def test_an_open_stream_ends_by_a_change_that_it_did_not_hear_of(
    world: World, workspace: Workspace, agent: Browser, monkeypatch: pytest.MonkeyPatch, changed: Base | Update
) -> None:
    monkeypatch.setattr(events, "CHECK_S", 0.2)
    [session] = await Sessions(world.cell.redis, workspace.key, workspace.id).of_person(workspace.agent.id)
    who = await Member.of_session(world.cell, workspace.id, session, HERE)
    stream = events.stream(world.cell, who, HERE, asyncio.Event())
    assert b"retry" in await anext(stream) and b"hello" in await anext(stream)
    for _ in range(3):  # it goes on through a look, and by what it has seen then
        await live.tell(world.cell.redis, workspace.id, "recording", {})
        assert b"recording" in await anext(stream)
        await asyncio.sleep(0.2)
    async with world.cell.database.writing(workspace.id) as tx:
        if isinstance(changed, Base):
            tx.add(changed)
        else:
            await tx.execute(changed.where(Person.id == workspace.agent.id))
    async with asyncio.timeout(60):
        assert [block async for block in stream if b"event:" in block] == []


async def test_an_open_stream_outlasts_a_database_that_is_away(
    world: World, workspace: Workspace, agent: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "CHECK_S", 0.001)  # it looks before each event
    [session] = await Sessions(world.cell.redis, workspace.key, workspace.id).of_person(workspace.agent.id)
    who = await Member.of_session(world.cell, workspace.id, session, HERE)
    nowhere = Database(f"postgresql://nobody:x@127.0.0.1:{free_port()}/nothing", name="away")
    stream = events.stream(replace(world.cell, database=nowhere), who, HERE, asyncio.Event())
    assert b"retry" in await anext(stream) and b"hello" in await anext(stream)
    async with asyncio.timeout(60):
        for _ in range(3):
            await live.tell(world.cell.redis, workspace.id, "recording", {})
            assert b"recording" in await anext(stream)
    await nowhere.close()


async def test_an_open_stream_ends_when_the_session_has_lasted_long_enough(
    world: World, workspace: Workspace, agent: Browser
) -> None:
    mine = Sessions(world.cell.redis, workspace.key, workspace.id)
    [session] = await mine.of_person(workspace.agent.id)
    policy = service.Policy(absolute=timedelta(seconds=1))
    async with world.cell.database.reading(workspace.id) as tx:
        from cell.workspaces import service as workspaces

        who = Member(await workspaces.get(tx), workspace.agent, session, policy)
    async with asyncio.timeout(60):
        assert [block async for block in events.stream(world.cell, who, HERE, asyncio.Event())][-1:] != []
    assert await mine.get(session.id) is not None  # it was not ended by anybody


async def test_a_change_is_in_the_log_and_none_is_not(world: World, workspace: Workspace, admin: Browser) -> None:
    async def entries() -> list[Any]:
        async with world.cell.database.reading(workspace.id) as tx:
            found = await tx.all(select(AuditEntry).where(AuditEntry.action == "security.change"))
        return [one.stored["details"] for one in found]

    await set_to(admin, workspace)
    assert await entries() == []
    await set_to(admin, workspace, idle_minutes="30")
    [details] = await entries()
    assert details["changed"] == ["idle"] and details["idle_minutes"] == 30


async def test_agents_do_not_see_it_and_auditors_do_not_change_it(
    world: World, workspace: Workspace, agent: Browser
) -> None:
    assert (await agent.page(f"{workspace.base}/security")).status == 403
    auditor = await world.signed_in(workspace, await world.member(workspace, "auditor"))
    assert (await auditor.page(f"{workspace.base}/security")).status == 200
    assert (await set_to(auditor, workspace)).status == 403


def test_an_address_that_is_none_is_within_no_network() -> None:
    policy = Policy(networks=tuple(NewPolicy(networks=["0.0.0.0/0"]).networks))
    assert policy.admits("198.51.100.1")
    assert not any(policy.admits(one) for one in ("", "unknown", "::1", "198.51.100.1/32"))


async def test_the_second_step_starts_from_an_allowed_network_too(
    world: World, workspace: Workspace, admin: Browser, agent: Browser
) -> None:
    app = await app_of(agent, workspace)
    browser = await half_way(world, workspace, workspace.agent)
    admin.address = "203.0.113.9"
    await set_to(admin, workspace, networks="203.0.113.9")
    answer = await browser.post(f"{workspace.base}/sign-in/factor", form={"code": app.code()}, headers=PAGE)
    assert answer.status == 403 and not any(name.startswith("__Host-s-") for name in browser.cookies)
