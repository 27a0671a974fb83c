"""Whoever's way of signing in changes is told by mail: what, when, what to do; in their language, without a secret."""

import re

import pytest

from cell.factors import queries
from cell.jobs import TASKS
from cell.people import service as people
from cell.security.noticing import Notice, notify
from cell.workspaces import service as workspaces
from tests.cell.browser import PAGE, Browser
from tests.cell.factors.owning import App, app_of, code, half_way, passkey_of
from tests.cell.world import PASSWORD, Workspace, World
from tests.servers.mail import Mailbox

NEW = "copper lantern meadow fifteen"


async def mails(mailing: World, mailbox: Mailbox, workspace: Workspace) -> list[tuple[str, str]]:
    """Subject and text of what the agent was sent since."""
    mailbox.mails.clear()
    await mailing.run_jobs(workspace, TASKS)
    assert {mail["To"] for mail in mailbox.mails} <= {workspace.agent.email}
    return [(str(mail["Subject"]), str(mail.get_content())) for mail in mailbox.mails]


async def test_a_changed_password(mailing: World, mailbox: Mailbox, workspace: Workspace, agent: Browser) -> None:
    form = {"current": PASSWORD, "password": NEW}
    assert (await agent.post(f"{workspace.base}/account/password", form=form)).status == 200
    [(subject, text)] = await mails(mailing, mailbox, workspace)
    assert subject == "Your password was changed"
    for part in ("Acme Support", workspace.agent.email, f"{workspace.base}/forgotten", "If it was not you", " UTC"):
        assert part in text
    assert NEW not in text and PASSWORD not in text and not re.search(r"[0-9a-f]{64}", text)


async def test_an_app_and_its_recovery_codes(
    mailing: World, mailbox: Mailbox, workspace: Workspace, agent: Browser
) -> None:
    app: App = await app_of(agent, workspace)
    [(subject, text)] = await mails(mailing, mailbox, workspace)
    assert subject == "An authenticator app was added to your account"
    assert app.secret not in text and not any(one in text for one in app.codes)
    browser = await half_way(mailing, workspace, workspace.agent)
    assert (await code(browser, workspace, app.codes[0])).status == 303
    assert [one for one, _ in await mails(mailing, mailbox, workspace)] == ["A recovery code of yours was used"]
    await code(await half_way(mailing, workspace, workspace.agent), workspace, app.codes[0])
    assert await mails(mailing, mailbox, workspace) == []  # it opens nothing a second time
    assert (await agent.post(f"{workspace.base}/account/factors/codes", headers=PAGE)).status == 200
    assert (await agent.post(f"{workspace.base}/account/factors/app/remove", headers=PAGE)).status == 303
    told = [one for one, _ in await mails(mailing, mailbox, workspace)]
    assert sorted(told) == [
        "An authenticator app was removed from your account",
        "New recovery codes were made for your account",
    ]


async def test_a_passkey(mailing: World, mailbox: Mailbox, workspace: Workspace, agent: Browser) -> None:
    await passkey_of(agent, workspace)
    async with mailing.cell.database.reading(workspace.id) as tx:
        [held] = await tx.all(queries.passkeys_of(workspace.agent.id))
    await agent.post(f"{workspace.base}/account/factors/passkeys/{held.id}/remove", headers=PAGE)
    told = sorted(one for one, _ in await mails(mailing, mailbox, workspace))
    assert told == ["A passkey was added to your account", "A passkey was removed from your account"]


async def test_factors_that_an_admin_reset(
    mailing: World, mailbox: Mailbox, workspace: Workspace, agent: Browser, admin: Browser
) -> None:
    await app_of(agent, workspace)
    await mails(mailing, mailbox, workspace)
    await admin.post(f"{workspace.base}/people/{workspace.agent.id}/factors/forget")
    assert [one for one, _ in await mails(mailing, mailbox, workspace)] == ["An admin has reset your second factors"]


@pytest.mark.parametrize(("header", "says"), [("de-CH,de;q=0.9", "geändert"), ("fr", "modifié"), ("es", "cambiado")])
async def test_in_the_language_of_their_browser(
    mailing: World, mailbox: Mailbox, workspace: Workspace, header: str, says: str
) -> None:
    browser = mailing.browser(**{"Accept-Language": header})
    form = {"email": workspace.agent.email, "password": PASSWORD}
    assert (await browser.post(f"{workspace.base}/sign-in", form=form)).status == 303
    [(subject, _)] = await noticed(mailing, mailbox, workspace)
    assert says in subject


async def noticed(mailing: World, mailbox: Mailbox, workspace: Workspace) -> list[tuple[str, str]]:
    async with mailing.cell.database.writing(workspace.id) as tx:
        notify(tx, workspace.agent.id, Notice.PASSWORD)
    return await mails(mailing, mailbox, workspace)


async def test_in_the_workspaces_language_before_they_were_here(
    mailing: World, mailbox: Mailbox, workspace: Workspace
) -> None:
    async with mailing.cell.database.writing(workspace.id) as tx:
        (await workspaces.get(tx)).language = "ar"
    [(subject, text)] = await noticed(mailing, mailbox, workspace)
    assert "كلمة" in subject and workspace.agent.email in text


async def test_nobody_is_written_to_who_was_switched_off_meanwhile(
    mailing: World, mailbox: Mailbox, workspace: Workspace
) -> None:
    async with mailing.cell.database.writing(workspace.id) as tx:
        notify(tx, workspace.agent.id, Notice.PASSWORD)
        by = people.actor_of(workspace.admin)
        await people.set_active(tx, mailing.cell.redis, by, workspace.agent.id, active=False)
    assert await mails(mailing, mailbox, workspace) == []
