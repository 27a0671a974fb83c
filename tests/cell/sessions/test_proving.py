"""Dangerous things are done by who proved a short while ago who they are; everybody else proves it, and is back."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
import time_machine
from sqlalchemy import select

from cell.app import ROUTES
from cell.audit.models import AuditEntry
from cell.people.permissions import FRESH, FRESH_FOR, Permission
from cell.sessions.subjects import Member
from tests.cell.browser import PAGE, Answer, Browser
from tests.cell.factors.owning import app_of, passkey_of
from tests.cell.world import HOST, PASSWORD, Workspace, World

DANGEROUS = [
    route
    for routes in ROUTES
    for route in routes.table
    if issubclass(route.subject, Member) and route.scope is not None and route.scope.name in FRESH
]


@pytest.fixture
def later() -> time_machine.travel:
    """When the proof of signing in is too old."""
    return time_machine.travel(datetime.now(UTC) + FRESH_FOR + timedelta(seconds=5), tick=True)


async def prove(browser: Browser, workspace: Workspace, **form: str) -> Answer:
    return await browser.post(f"{workspace.base}/prove", form=form, headers=PAGE)


async def revoke_nothing(browser: Browser, workspace: Workspace) -> Answer:
    """Something dangerous that changes nothing."""
    return await browser.post(f"{workspace.base}/people/{workspace.agent.id}/reactivate")


def test_what_the_table_calls_dangerous_is_asked_for_by_routes() -> None:
    asked = {route.scope.name for route in DANGEROUS if route.scope is not None}
    assert asked >= {
        Permission.MEMBERS_CHANGE,
        Permission.TOKENS_CHANGE,
        Permission.SECURITY_CHANGE,
        Permission.OWN_FACTORS_CHANGE,
    }


async def test_a_stale_proof_opens_no_dangerous_route(
    workspace: Workspace, admin: Browser, later: time_machine.travel
) -> None:
    with later:
        for route in DANGEROUS:
            path = re.sub(r"<uuid:\w+>", str(workspace.agent.id), route.rule.replace("<key>", workspace.key))
            path = re.sub(r"<\w+>", "0" * 64, re.sub(r"<int:\w+>", "1", path))
            answer = await admin.ask(route.method, path, **({"form": {}} if route.method == "POST" else {}))
            assert (answer.status, answer.slug) == (403, "proof-stale"), path
        assert (await admin.page(f"{workspace.base}/people")).status == 200  # looking is free


async def test_people_are_led_to_prove_it_and_back_under_another_word(
    world: World, workspace: Workspace, admin: Browser, later: time_machine.travel
) -> None:
    page = f"{workspace.base}/people/{workspace.agent.id}"
    with later:
        headers = {**PAGE, "Referer": f"http://{HOST}{page}"}
        led = await admin.post(f"{page}/deactivate", headers=headers)
        assert led.headers["Location"] == f"{workspace.base}/prove?next={quote(page, safe='')}"
        assert page in (await admin.page(led.headers["Location"])).text
        before = dict(admin.cookies)
        wrong = await prove(admin, workspace, password="wrong password", next=page)
        assert wrong.status == 401 and admin.cookies == before
        back = await prove(admin, workspace, password=PASSWORD, next=page)
        assert (back.status, back.headers["Location"]) == (303, page)
        assert admin.cookies != before
        assert (await revoke_nothing(admin, workspace)).status == 303
        stolen = world.browser()
        stolen.cookies = before
        assert (await stolen.get(f"{workspace.base}/library")).status == 401
    async with world.cell.database.reading(workspace.id) as tx:
        entry = await tx.one(select(AuditEntry).where(AuditEntry.action == "session.prove"))
    assert entry.stored["details"] == {"by": "password"}


async def test_scripts_are_told_where_to_lead(workspace: Workspace, admin: Browser, later: time_machine.travel) -> None:
    with later:
        headers = {"HX-Request": "true", "Referer": f"http://{HOST}{workspace.base}/tokens"}
        answer = await admin.post(f"{workspace.base}/tokens", form={"name": "x"}, headers=headers)
    assert answer.status == 403
    assert answer.headers["HX-Redirect"] == f"{workspace.base}/prove?next={quote(f'{workspace.base}/tokens', safe='')}"


@pytest.mark.parametrize("onward", ["https://evil.example/", "//evil.example", "/w/bcdfgh99/library", "", "x"])
async def test_proving_never_leads_out(workspace: Workspace, admin: Browser, onward: str) -> None:
    answer = await prove(admin, workspace, password=PASSWORD, next=onward)
    assert answer.headers["Location"] == f"{workspace.base}/library"


async def test_a_page_elsewhere_is_not_where_one_was(
    workspace: Workspace, admin: Browser, later: time_machine.travel
) -> None:
    with later:
        headers = {**PAGE, "Referer": "https://evil.example/w/x"}
        led = await admin.post(f"{workspace.base}/people/{workspace.agent.id}/deactivate", headers=headers)
    assert led.headers["Location"] == f"{workspace.base}/prove?next="


async def test_a_code_or_a_passkey_proves_it_and_then_the_password_does_not(
    workspace: Workspace, admin: Browser, later: time_machine.travel
) -> None:
    app, key = await app_of(admin, workspace), await passkey_of(admin, workspace)
    with later:
        assert (await revoke_nothing(admin, workspace)).status == 403
        assert (await prove(admin, workspace, code="000000")).status == 422
        assert (await prove(admin, workspace, password=PASSWORD)).status == 401
        assert 'type="password"' not in (await admin.page(f"{workspace.base}/prove")).text
        assert (await prove(admin, workspace, code=app.code())).status == 303
        assert (await revoke_nothing(admin, workspace)).status == 303
    with time_machine.travel(datetime.now(UTC) + 3 * FRESH_FOR, tick=True):
        assert (await revoke_nothing(admin, workspace)).status == 403
        at = f"{workspace.base}/prove/passkey"
        sent = {"credential": key.get((await admin.post(f"{at}/options", json={})).json), "next": f"{at}/../x"}
        assert (await admin.post(at, json=sent)).json == {"next": f"{workspace.base}/library"}
        assert (await revoke_nothing(admin, workspace)).status == 303
        assert (await admin.post(at, json=sent)).status == 422


async def test_passwords_are_tried_so_often_with_a_stolen_session(workspace: Workspace, admin: Browser) -> None:
    statuses = [(await prove(admin, workspace, password=f"a guess {n}")).status for n in range(12)]
    assert statuses == [401] * 10 + [429] * 2
