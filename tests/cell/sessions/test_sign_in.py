"""Signing in: what a stranger can learn from it, how often they may try, and where it leads."""

from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from cell.people import passwords
from cell.people import service as people
from cell.people.models import Person
from cell.sessions import devices
from cell.sessions.arriving import own_path
from cell.sessions.cookies import name as cookie_name
from cell.sessions.service import PER_ACCOUNT, PER_ADDRESS
from kit.database import now
from tests.cell.browser import PAGE, Answer, Browser
from tests.cell.world import PASSWORD, Workspace, World


async def sign_in(browser: Browser, workspace: Workspace, email: str, password: str, **more: str) -> Answer:
    form = {"email": email, "password": password, **more}
    return await browser.post(f"{workspace.base}/sign-in", form=form, headers=PAGE)


async def deactivate(world: World, workspace: Workspace, person: Person) -> None:
    async with world.cell.database.writing(workspace.id) as tx:
        await tx.execute(update(Person).where(Person.id == person.id).values(active=False))


async def test_the_right_password_opens_the_library(visitor: Browser, workspace: Workspace) -> None:
    answer = await sign_in(visitor, workspace, workspace.agent.email.upper(), PASSWORD)
    assert (answer.status, answer.headers["Location"]) == (303, f"{workspace.base}/library")
    assert (await visitor.page(f"{workspace.base}/library")).status == 200


async def test_the_cookie_is_of_this_host_and_no_script_sees_it(visitor: Browser, workspace: Workspace) -> None:
    answer = await sign_in(visitor, workspace, workspace.agent.email, PASSWORD)
    [cookie] = [one for one in answer.headers.getlist("Set-Cookie") if one.startswith("__Host-s-")]
    name, *attributes = cookie.split("; ")
    assert name.startswith(f"__Host-s-{workspace.key}=ccs_{workspace.key}_")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(attributes)
    assert not any(attribute.startswith("Domain") for attribute in attributes)


async def test_each_sign_in_has_a_word_of_its_own(visitor: Browser, workspace: Workspace) -> None:
    words = set()
    for _ in range(3):  # the browser still carries the word before
        await sign_in(visitor, workspace, workspace.agent.email, PASSWORD)
        words.add(visitor.cookies[cookie_name(workspace.key)])
    assert len(words) == 3


async def test_a_cookie_that_was_planted_before_is_worth_nothing(visitor: Browser, workspace: Workspace) -> None:
    planted = f"ccs_{workspace.key}_{'0' * 64}"
    visitor.cookies[cookie_name(workspace.key)] = planted
    await sign_in(visitor, workspace, workspace.agent.email, PASSWORD)
    assert visitor.cookies[cookie_name(workspace.key)] != planted
    visitor.cookies[cookie_name(workspace.key)] = planted
    assert (await visitor.get(f"{workspace.base}/library")).status == 401


async def test_a_stranger_learns_nothing_about_who_is_a_member(
    world: World, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[str] = []

    def counted(stored: str, password: str) -> bool:
        verified.append(stored)
        return matches(stored, password)

    matches = passwords._matches
    monkeypatch.setattr(passwords, "_matches", counted)
    await deactivate(world, workspace, workspace.admin)
    tries = [
        (workspace.agent.email, "not the password"),
        ("nobody@example.com", PASSWORD),
        (workspace.admin.email, PASSWORD),  # the right one of somebody who is switched off
        ("not an address", PASSWORD),
    ]
    answers = [await sign_in(world.browser(), workspace, *one) for one in tries]
    assert {answer.status for answer in answers} == {401}
    assert len(verified) == len(tries)  # one verification each, so that time tells nothing either
    bodies = {answer.text.replace(email, "") for answer, (email, _) in zip(answers, tries, strict=True)}
    assert len(bodies) == 1
    assert not any(answer.headers.getlist("Set-Cookie") for answer in answers)
    assert not any(password and password in answer.text for answer, (_, password) in zip(answers, tries, strict=True))


async def test_an_account_is_tried_so_often_and_no_more(world: World, workspace: Workspace) -> None:
    for _ in range(PER_ACCOUNT):
        assert (await sign_in(world.browser(), workspace, workspace.agent.email, "wrong password")).status == 401
    refused = await sign_in(world.browser(), workspace, workspace.agent.email.upper(), PASSWORD)
    assert refused.status == 429 and int(refused.headers["Retry-After"]) > 0
    assert (await sign_in(world.browser(), workspace, workspace.admin.email, PASSWORD)).status == 303


async def test_a_known_device_still_gets_in_while_others_guess(world: World, workspace: Workspace) -> None:
    own = world.browser()
    assert (await sign_in(own, workspace, workspace.agent.email, PASSWORD)).status == 303
    for _ in range(PER_ACCOUNT + 2):
        await sign_in(world.browser(), workspace, workspace.agent.email, "wrong password")
    assert (await sign_in(world.browser(), workspace, workspace.agent.email, PASSWORD)).status == 429
    assert (await sign_in(own, workspace, workspace.agent.email, PASSWORD)).status == 303


async def test_a_devices_sign_is_of_one_person_one_workspace_and_one_password(
    world: World, workspace: Workspace
) -> None:
    own, other = world.browser(), await world.found()
    await sign_in(own, workspace, workspace.agent.email, PASSWORD)
    async with world.cell.database.reading(workspace.id) as tx:
        agent, admin = [await people.account(tx, one.email) for one in (workspace.agent, workspace.admin)]
    assert agent is not None and admin is not None
    settings, sign = world.cell.settings, own.cookies[devices.cookie_name(workspace.key)]
    assert devices.known(settings, workspace.id, agent, sign) is not None
    later = replace(agent, changed_at=now())
    for workspace_id, account, cookie in (
        (other.id, agent, sign),
        (workspace.id, admin, sign),
        (workspace.id, later, sign),
        (workspace.id, None, sign),
        (workspace.id, agent, sign[:-1] + ("0" if sign[-1] != "0" else "1")),
        (workspace.id, agent, ""),
    ):
        assert devices.known(settings, workspace_id, account, cookie) is None


async def test_an_address_tries_so_often_and_no_more(
    visitor: Browser, workspace: Workspace, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_matches", lambda stored, password: False)
    statuses = [
        (await sign_in(visitor, workspace, f"nobody{n}@example.com", "wrong")).status for n in range(PER_ADDRESS + 1)
    ]
    assert statuses == [401] * PER_ADDRESS + [429]


async def test_a_page_that_was_asked_for_is_where_signing_in_leads(visitor: Browser, workspace: Workspace) -> None:
    wanted = f"{workspace.base}/library?q=cart&state=ready"
    turned = await visitor.page(wanted)
    assert turned.status == 303
    assert turned.headers["Location"] == f"{workspace.base}/sign-in?next={quote(wanted, safe='')}"
    form = await visitor.page(turned.headers["Location"])
    assert form.status == 200 and wanted.replace("&", "&amp;") in form.text
    answer = await sign_in(visitor, workspace, workspace.agent.email, PASSWORD, next=wanted)
    assert answer.headers["Location"] == wanted


KEY = "bcdfgh22"
AWAY = [
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example",
    "\\\\evil.example",
    "javascript:alert(1)",
    f"/w/{KEY}\\..\\x/",
    f"/w/{KEY}/../bcdfgh33/library",
    f"/w/{KEY}/%2e%2e/bcdfgh33/library",
    f"/w/{KEY}/.%2E/x",
    f"/w/{KEY}/x/../../bcdfgh33",
    f"/w/{KEY}/\t../x",
    f"/w/{KEY}/li\r\nSet-Cookie: a=b",
    "/w/bcdfgh33/library",
    f"/w/{KEY}x/library",
    f"/r/{KEY}-secret",
    "",
]


@pytest.mark.parametrize("path", AWAY)
def test_signing_in_never_leads_out_of_the_workspace(path: str) -> None:
    assert own_path(KEY, path) == f"/w/{KEY}/library"


@pytest.mark.parametrize(
    "path", ["/library", "/library?q=..%2F", "/recordings/7?t=1#x", "/links/new", "/library?q=a/../b"]
)
def test_signing_in_leads_where_one_wanted_to_go(path: str) -> None:
    assert own_path(KEY, f"/w/{KEY}{path}") == f"/w/{KEY}{path}"


PIECES = ["/", "\\", ".", "%2e", "%2E", "w", ":", "@", "?", "#", "\t", "\r\n", ";", f"/w/{KEY}/", "evil.example"]


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_whatever_is_asked_for_stays_inside(tail: str) -> None:
    for asked in (tail, f"/w/{KEY}/{tail}"):
        path = own_path(KEY, asked)
        assert path.startswith(f"/w/{KEY}/")
        steps = path.split("?")[0].split("#")[0].lower().replace("%2e", ".").split("/")
        assert ".." not in steps and not set(path) & set("\\\t\r\n")


async def test_a_workspace_that_is_not_here_has_no_sign_in(visitor: Browser) -> None:
    assert (await visitor.page("/w/zzzzzz99/sign-in")).status == 404
    assert (await visitor.post("/w/zzzzzz99/sign-in", form={"email": "a@b.de", "password": "x"})).status == 404


async def test_another_page_cannot_sign_anybody_in_or_out(agent: Browser, workspace: Workspace) -> None:
    evil = {"Origin": "http://evil.example"}
    for path in ("/sign-in", "/sign-out", "/sessions/revoke-others"):
        assert (await agent.post(f"{workspace.base}{path}", headers=evil)).status == 403
    assert (await agent.page(f"{workspace.base}/library")).status == 200
