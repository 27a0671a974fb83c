"""Passkeys: after a password, or alone; and whatever is forged, borrowed or sent twice opens nothing."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from cell.audit.models import AuditEntry
from cell.factors.models import Passkey
from tests.cell.browser import PAGE, Browser
from tests.cell.factors.authenticator import PRESENT, Authenticator
from tests.cell.factors.owning import codes_in, half_way, is_in, passkey, passkey_of, password
from tests.cell.world import Workspace, World


@pytest.fixture
async def key(workspace: Workspace, agent: Browser) -> Authenticator:
    """The agent's."""
    return await passkey_of(agent, workspace)


async def begun(world: World, workspace: Workspace) -> list[object]:
    async with world.cell.database.reading(workspace.id) as tx:
        found = await tx.all(select(AuditEntry).where(AuditEntry.action == "session.begin"))
    return [one.stored["details"] for one in found]


async def test_it_is_the_second_step_or_the_only_one(world: World, workspace: Workspace, key: Authenticator) -> None:
    second = await half_way(world, workspace, workspace.agent, next=f"{workspace.base}/links")
    answer = await passkey(second, workspace, key)
    assert answer.json == {"next": f"{workspace.base}/links"} and await is_in(second, workspace)
    alone = world.browser()
    assert (await passkey(alone, workspace, key)).status == 200 and await is_in(alone, workspace)
    assert await begun(world, workspace) == [{"how": "password", "factor": "passkey"}, {"how": "passkey"}]
    assert "With a passkey" in (await alone.page(f"{workspace.base}/sessions")).text


async def test_a_first_passkey_comes_with_recovery_codes_that_a_button_shows_once(
    workspace: Workspace, agent: Browser
) -> None:
    await passkey_of(agent, workspace)
    at = f"{workspace.base}/account/factors/codes"
    for _ in range(2):
        assert codes_in((await agent.page(at)).text) == []
    assert len(codes_in((await agent.post(f"{at}/show", headers=PAGE)).text)) == 10
    assert (await agent.post(f"{at}/show", headers=PAGE)).status == 303


async def test_several_are_told_apart_by_name_and_removed_one_by_one(
    world: World, workspace: Workspace, agent: Browser
) -> None:
    phone, laptop = [await passkey_of(agent, workspace, name) for name in ("Phone", "Laptop <b>")]
    at = f"{workspace.base}/account/factors"
    page = (await agent.page(at)).text
    assert "Phone" in page and "Laptop &lt;b&gt;" in page
    async with world.cell.database.reading(workspace.id) as tx:
        held = await tx.one(select(Passkey).where(Passkey.name == "Phone"))
    assert (await agent.post(f"{at}/passkeys/{held.id}/remove")).status == 303
    assert (await passkey(world.browser(), workspace, phone)).status == 422
    assert (await passkey(world.browser(), workspace, laptop)).status == 200


LIES = {
    "another site's page": {"origin": "http://evil.example"},
    "another cell's page": {"origin": "http://us-1.localhost:8001"},
    "a holder who was not verified": {"flags": PRESENT},
    "nobody present": {"flags": 0},
    "somebody else's handle": {"user": "AAAAAAAAAAAAAAAAAAAAAA"},
    "no handle": {"user": ""},
    "another key": {"key": Authenticator().key},
    "an unknown passkey": {"credential_id": b"0123456789abcdef"},
}


@pytest.mark.parametrize("lie", LIES)
async def test_what_is_forged_opens_nothing(world: World, workspace: Workspace, key: Authenticator, lie: str) -> None:
    browser = world.browser()
    answer = await passkey(browser, workspace, replace(key, **LIES[lie]))  # type: ignore[arg-type]
    assert answer.status == 422 and "does not open" in answer.json["title"]
    assert not await is_in(browser, workspace) and await begun(world, workspace) == []


async def test_an_answer_is_good_for_one_challenge_once(world: World, workspace: Workspace, key: Authenticator) -> None:
    at, browser = f"{workspace.base}/sign-in/passkey", world.browser()
    options = (await browser.post(f"{at}/options", json={})).json
    sent = {"credential": key.get(options)}
    stolen_by = world.browser()
    await stolen_by.post(f"{at}/options", json={})
    assert (await stolen_by.post(at, json=sent)).status == 422  # another browser's challenge
    assert (await browser.post(at, json=sent)).status == 200
    for again in (browser, world.browser()):
        assert (await again.post(at, json=sent)).status in (401, 422)
    assert len(await begun(world, workspace)) == 1


async def test_a_copy_that_counts_backwards_is_refused(world: World, workspace: Workspace, agent: Browser) -> None:
    key = await passkey_of(agent, workspace)
    key.count = 7
    assert (await passkey(world.browser(), workspace, key)).status == 200
    for count in (7, 3):
        assert (await passkey(world.browser(), workspace, replace(key, count=count))).status == 422
    assert (await passkey(world.browser(), workspace, replace(key, count=8))).status == 200


async def test_a_passkey_of_somebody_else_or_of_another_workspace_is_no_second_step(
    world: World, workspace: Workspace, key: Authenticator, admin: Browser
) -> None:
    admins = await passkey_of(admin, workspace)
    browser = await half_way(world, workspace, workspace.agent)
    assert (await passkey(browser, workspace, admins)).status == 422
    other = await world.found()
    theirs = await passkey_of(await world.signed_in(other, other.agent), other)
    assert (await passkey(world.browser(), workspace, theirs)).status == 422
    assert (await passkey(world.browser(), other, theirs)).status == 200


async def test_who_is_switched_off_does_not_come_in_with_a_passkey(
    world: World, workspace: Workspace, key: Authenticator, admin: Browser
) -> None:
    await admin.post(f"{workspace.base}/people/{workspace.agent.id}/deactivate")
    browser = world.browser()
    assert (await passkey(browser, workspace, key)).status == 401 and not await is_in(browser, workspace)


@pytest.mark.parametrize("sent", [{}, {"id": "x"}, {"id": 7, "rawId": [], "response": None, "type": "public-key"}])
async def test_what_is_no_credential_is_refused_in_words(
    world: World, workspace: Workspace, agent: Browser, sent: dict[str, object]
) -> None:
    for browser, at in (
        (world.browser(), f"{workspace.base}/sign-in/passkey"),
        (agent, f"{workspace.base}/account/factors/passkeys"),
        (agent, f"{workspace.base}/prove/passkey"),
    ):
        await browser.post(f"{at}/options", json={})
        answer = await browser.post(at, json={"credential": sent})
        assert answer.status == 422 and answer.json["title"]


async def test_another_password_ends_what_was_half_done(
    world: World, workspace: Workspace, key: Authenticator, agent: Browser
) -> None:
    from tests.cell.world import PASSWORD

    browser = await half_way(world, workspace, workspace.agent)
    form = {"current": PASSWORD, "password": "copper lantern meadow fifteen"}
    assert (await agent.post(f"{workspace.base}/account/password", form=form)).status == 200
    assert (await passkey(browser, workspace, key)).status == 401
    assert (await password(world.browser(), workspace, workspace.agent)).status == 401
