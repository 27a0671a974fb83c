"""Authenticator apps and recovery codes: set up with a code, asked for after the password, each code taken once."""

import asyncio
import re
import time
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from cell.audit.models import AuditEntry
from cell.factors import checking, sealing, totp
from cell.factors.models import RecoveryCode, Totp
from cell.sessions import half
from cell.sessions.cookies import name as cookie_name
from tests.cell.browser import PAGE, Browser
from tests.cell.factors.owning import STEP_S, App, app_of, code, file_in, half_way, is_in, password
from tests.cell.lines import Logged
from tests.cell.world import Workspace, World


@pytest.fixture
async def app(workspace: Workspace, agent: Browser) -> App:
    """The agent's."""
    return await app_of(agent, workspace)


async def acts(world: World, workspace: Workspace) -> list[tuple[str, object]]:
    async with world.cell.database.reading(workspace.id) as tx:
        found = await tx.all(select(AuditEntry).order_by(AuditEntry.seq))
    return [(one.action, one.stored["details"]) for one in found]


async def test_the_password_alone_lets_nobody_in_who_has_an_app(
    world: World, workspace: Workspace, app: App, agent: Browser
) -> None:
    browser = await half_way(world, workspace, workspace.agent, next=f"{workspace.base}/links")
    assert not await is_in(browser, workspace) and cookie_name(workspace.key) not in browser.cookies
    assert "Code of your app" in (await browser.page(f"{workspace.base}/sign-in/factor")).text
    answer = await code(browser, workspace, f" {app.code()[:3]} {app.code()[3:]} ")
    assert (answer.status, answer.headers["Location"]) == (303, f"{workspace.base}/links")
    assert await is_in(browser, workspace) and half.cookie_name(workspace.key) not in browser.cookies
    assert ("session.begin", {"how": "password", "factor": "totp"}) in await acts(world, workspace)
    assert ("factor.add", {"factor": "app"}) in await acts(world, workspace)


async def test_setting_one_up_ends_sessions_that_were_begun_without_and_changes_the_word(
    world: World, workspace: Workspace, agent: Browser
) -> None:
    elsewhere, before = await world.signed_in(workspace, workspace.agent), dict(agent.cookies)
    await app_of(agent, workspace)
    assert await is_in(agent, workspace) and not await is_in(elsewhere, workspace)
    assert agent.cookies != before


async def test_a_code_is_taken_once(world: World, workspace: Workspace, app: App) -> None:
    one, two = [await half_way(world, workspace, workspace.agent) for _ in range(2)]
    text = app.code()
    assert (await code(one, workspace, text)).status == 303
    again = await code(two, workspace, text)
    assert again.status == 422 and "not right" in again.text and not await is_in(two, workspace)
    earlier = await code(two, workspace, app.code(-1))  # it was used to set the app up
    assert earlier.status == 422


async def test_of_many_who_send_the_same_code_at_once_one_is_let_in(
    world: World, workspace: Workspace, app: App
) -> None:
    """Past every limit of attempts: the database alone decides."""
    text = app.code()

    async def take() -> bool:
        async with world.cell.database.writing(workspace.id) as tx:
            return await totp.take(tx, world.cell.settings, workspace.agent.id, text)

    turn = asyncio.Semaphore(8)  # as many connections as a process has

    async def in_turn() -> bool:
        async with turn:
            return await take()

    assert sum(await asyncio.gather(*(in_turn() for _ in range(400)))) == 1


@pytest.mark.parametrize(("steps", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_a_step_off(steps: int, taken: bool) -> None:
    app = App(totp.new_secret(), [])
    moment = datetime.fromtimestamp(int(time.time()) // STEP_S * STEP_S + 5, UTC)
    with time_machine.travel(moment, tick=False):
        assert (totp.step_of(app.secret, app.code(steps)) is not None) is taken


async def test_codes_are_tried_so_often_from_wherever_and_a_known_device_gets_in(
    world: World, workspace: Workspace, agent: Browser
) -> None:
    own = world.browser()
    await password(own, workspace, workspace.agent)  # signed in here before there was an app
    app = await app_of(own, workspace)
    strangers = [await half_way(world, workspace, workspace.agent) for _ in range(checking.BACK_OFF[0][0] + 2)]
    answers = [await code(one, workspace, "000000") for one in strangers]
    assert [answer.status for answer in answers] == [422] * checking.BACK_OFF[0][0] + [429] * 2
    assert int(answers[-1].headers["Retry-After"]) > 0
    refused = await code(strangers[0], workspace, app.code())  # even the right one
    assert refused.status == 429 and not await is_in(strangers[0], workspace)
    assert (await password(own, workspace, workspace.agent)).status == 303
    assert (await code(own, workspace, app.code())).status == 303


async def test_devices_that_are_made_known_over_and_over_have_so_many_attempts_together(
    world: World, workspace: Workspace
) -> None:
    """Choosing another password makes a device known: whoever reads the mail could do so for ever."""
    who = workspace.agent.id
    per_device = checking.BACK_OFF[0][0]
    tried = 0
    with pytest.raises(checking.TooManyCodes):
        for device in range(checking.ALL_A_DAY):
            for _ in range(per_device):
                await checking.spend_an_attempt(world.cell, workspace.id, who, f"device {device}")
                tried += 1
    assert tried == checking.ALL_A_DAY


async def test_the_second_step_is_of_one_browser_one_password_and_ten_minutes(
    world: World, workspace: Workspace, app: App, admin: Browser
) -> None:
    assert (await code(world.browser(), workspace, app.code())).headers["Location"].endswith("/sign-in")
    other = await world.found()
    browser = await half_way(world, workspace, workspace.agent)
    word = browser.cookies[half.cookie_name(workspace.key)]
    stranger = world.browser()
    stranger.cookies = {half.cookie_name(other.key): word}
    assert (await code(stranger, other, app.code())).headers["Location"].endswith(f"{other.base}/sign-in")
    assert await world.cell.redis.ttl(f"half:{workspace.id}:{half._digest(word)}") <= half.LIFE.total_seconds()
    await admin.post(f"{workspace.base}/people/{workspace.agent.id}/deactivate")
    assert (await code(browser, workspace, app.code())).headers["Location"].endswith("/sign-in")
    assert cookie_name(workspace.key) not in browser.cookies


async def test_two_who_complete_one_sign_in_at_once_are_one(world: World, workspace: Workspace, app: App) -> None:
    browser = await half_way(world, workspace, workspace.agent)
    twin = world.browser()
    twin.cookies = dict(browser.cookies)
    await asyncio.gather(code(browser, workspace, app.code()), code(twin, workspace, app.codes[0]))
    assert [await is_in(one, workspace) for one in (browser, twin)].count(True) == 1


async def test_a_recovery_code_lets_in_once_in_any_spelling(world: World, workspace: Workspace, app: App) -> None:
    assert len(set(app.codes)) == 10
    browser = await half_way(world, workspace, workspace.agent)
    assert (await code(browser, workspace, app.codes[0].upper().replace("-", " "))).status == 303
    assert await is_in(browser, workspace)
    assert "9 codes are left" in (await browser.page(f"{workspace.base}/account/factors")).text
    again = await half_way(world, workspace, workspace.agent)
    assert (await code(again, workspace, app.codes[0])).status == 422


async def test_of_many_who_send_the_same_recovery_code_at_once_one_is_let_in(
    world: World, workspace: Workspace, app: App
) -> None:
    browsers = [await half_way(world, workspace, workspace.agent) for _ in range(5)]
    answers = await asyncio.gather(*(code(one, workspace, app.codes[1]) for one in browsers))
    assert sorted(answer.status for answer in answers) == [303, 422, 422, 422, 422]


async def test_codes_are_shown_once_may_be_kept_as_a_file_and_made_anew(
    world: World, workspace: Workspace, app: App, agent: Browser
) -> None:
    at = f"{workspace.base}/account/factors"
    page = (await agent.page(at)).text
    assert not any(one in page for one in app.codes)
    made = await agent.post(f"{at}/codes", headers=PAGE)
    fresh = re.findall(r"[a-z0-9]{5}-[a-z0-9]{5}", file_in(made.text))
    assert len(fresh) == 10 and not set(fresh) & set(app.codes)
    browser = await half_way(world, workspace, workspace.agent)
    assert (await code(browser, workspace, app.codes[2])).status == 422
    assert (await code(browser, workspace, fresh[2])).status == 303
    assert ("recovery.renew", {"factor": "recovery"}) in await acts(world, workspace)


async def test_without_the_app_the_password_is_enough_again(
    world: World, workspace: Workspace, app: App, agent: Browser
) -> None:
    assert (await agent.post(f"{workspace.base}/account/factors/app/remove")).status == 303
    assert (await password(world.browser(), workspace, workspace.agent)).headers["Location"].endswith("/library")
    async with world.cell.database.reading(workspace.id) as tx:
        assert await tx.first(select(RecoveryCode)) is None
    assert ("factor.remove", {"factor": "app"}) in await acts(world, workspace)


async def test_an_admin_lets_somebody_start_anew_who_lost_everything(
    world: World, workspace: Workspace, app: App, agent: Browser, admin: Browser
) -> None:
    await app_of(await world.signed_in(workspace, workspace.owner), workspace)
    forget = f"{workspace.base}/people/{{}}/factors/forget"
    assert (await admin.post(forget.format(workspace.owner.id))).status == 403  # an owner is above an admin
    assert (await admin.post(forget.format(workspace.agent.id))).status == 303
    assert not await is_in(agent, workspace)
    assert (await password(world.browser(), workspace, workspace.agent)).headers["Location"].endswith("/library")
    assert ("factor.forget", {}) in await acts(world, workspace)


async def test_secrets_are_sealed_for_one_person_and_in_no_log(
    world: World, workspace: Workspace, agent: Browser, logged: Logged
) -> None:
    app = await app_of(agent, workspace)
    settings = world.cell.settings
    async with world.cell.database.reading(workspace.id) as tx:
        held = await tx.one(select(Totp))
        codes = await tx.all(select(RecoveryCode.digest))
    assert app.secret.encode() not in held.sealed and app.codes[0].encode() not in b"".join(codes)
    assert sealing.opened(settings, workspace.id, workspace.agent.id, held.sealed).decode() == app.secret
    for workspace_id, person_id in ((workspace.id, workspace.admin.id), (workspace.agent.id, workspace.agent.id)):
        with pytest.raises(sealing.SealBroken):
            sealing.opened(settings, workspace_id, person_id, held.sealed)
    keys = [str(key) async for key in world.cell.redis.scan_iter("*pending*")]
    kept = "".join([str(await world.cell.redis.get(key)) for key in keys])
    for secret in (app.secret, *app.codes):
        assert secret not in logged.text and secret not in kept


async def test_a_first_code_that_is_wrong_sets_nothing_up(world: World, workspace: Workspace, agent: Browser) -> None:
    at = f"{workspace.base}/account/factors/app"
    await agent.post(f"{at}/begin")
    for text in ("000000", "", "abcdef", "12345", "１２３４５６"):
        assert (await agent.post(at, form={"code": text}, headers=PAGE)).status == 422
    async with world.cell.database.reading(workspace.id) as tx:
        assert await tx.first(select(Totp)) is None


async def test_the_secret_that_waits_for_its_first_code_is_forgotten(world: World, workspace: Workspace) -> None:
    from cell.factors.pending import LIFE, PendingSecrets

    waiting = PendingSecrets(world.cell.redis, workspace.id)
    await waiting.keep(workspace.agent.id, b"sealed")
    assert timedelta() < timedelta(seconds=await world.cell.redis.ttl(waiting._at("app", workspace.agent.id))) <= LIFE
