"""Passwords: forgotten and chosen anew by mail, changed by who knows the present one, refused where they are weak."""

import asyncio
import hashlib
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cell.app import make_app
from cell.jobs import TASKS
from cell.people import resetting
from cell.people.models import PasswordReset
from kit.database import now
from tests.cell.browser import Answer, Browser
from tests.cell.directory.idp import connect, step
from tests.cell.mailing import path_in
from tests.cell.world import PASSWORD, Workspace, World
from tests.servers.mail import Mailbox

NEW = "copper lantern meadow fifteen"


async def ask(browser: Browser, workspace: Workspace, email: str) -> Answer:
    return await browser.post(f"{workspace.base}/forgotten", form={"email": email})


async def mailed(mailing: World, mailbox: Mailbox, workspace: Workspace) -> str:
    """Where the agent's mail leads."""
    assert (await ask(mailing.browser(), workspace, workspace.agent.email)).status == 200
    await mailing.run_jobs(workspace, TASKS)
    return path_in(mailbox, "reset")


async def signs_in(world: World, workspace: Workspace, password: str) -> int:
    form = {"email": workspace.agent.email, "password": password}
    return (await world.browser().post(f"{workspace.base}/sign-in", form=form)).status


async def test_a_mail_lets_choose_another_password_and_ends_every_session(
    mailing: World, mailbox: Mailbox, workspace: Workspace, agent: Browser
) -> None:
    path = await mailed(mailing, mailbox, workspace)
    assert mailbox.mails[0]["To"] == workspace.agent.email
    visitor = mailing.browser()
    assert (await visitor.page(path)).status == 200 and (await agent.page(f"{workspace.base}/library")).status == 200
    assert (await visitor.post(path, form={"password": NEW})).status == 303
    assert (await agent.get(f"{workspace.base}/library")).status == 401
    assert [await signs_in(mailing, workspace, one) for one in (PASSWORD, NEW)] == [401, 303]
    assert (await mailing.browser().post(path, form={"password": PASSWORD})).status == 410


async def test_whoever_asks_gets_the_same_answer(mailing: World, mailbox: Mailbox, workspace: Workspace) -> None:
    answers = [
        await ask(mailing.browser(), workspace, email) for email in (workspace.agent.email, "nobody@example.com")
    ]
    assert len({(one.status, re.sub(r"[0-9a-f]{16}", "", one.text)) for one in answers}) == 1
    assert len(await mailing.jobs(workspace)) == 2  # the same work too
    await mailing.run_jobs(workspace, TASKS)
    assert [mail["To"] for mail in mailbox.mails] == [workspace.agent.email]


async def test_the_same_questions_are_asked_whoever_it_is(
    world: World, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How long the answer takes is then the same too."""
    seen: list[str] = []
    executed = AsyncSession.execute

    async def noted(self: AsyncSession, statement: Any, *given: Any, **more: Any) -> Any:  # as the session takes it
        seen.append(str(statement))
        return await executed(self, statement, *given, **more)

    monkeypatch.setattr(AsyncSession, "execute", noted)
    questions = []
    for email in (workspace.agent.email, workspace.owner.email, "nobody@example.com"):
        seen.clear()
        await resetting.ask(world.cell, workspace.id, email, "192.0.2.1", "en")
        questions.append(list(seen))
    assert questions[0] and questions[0] == questions[1] == questions[2]


async def test_one_address_gets_a_few_mails_an_hour(mailing: World, mailbox: Mailbox, workspace: Workspace) -> None:
    for _ in range(resetting.PER_ACCOUNT + 3):
        assert (await ask(mailing.browser(), workspace, workspace.agent.email)).status == 200
    await mailing.run_jobs(workspace, TASKS)
    assert len(mailbox.mails) == resetting.PER_ACCOUNT


async def test_the_last_mail_alone_works_once_and_for_an_hour(
    mailing: World, mailbox: Mailbox, workspace: Workspace
) -> None:
    first = await mailed(mailing, mailbox, workspace)
    second = await mailed(mailing, mailbox, workspace)
    assert (await mailing.browser().page(first)).status == 410
    tries = [mailing.browser().post(second, form={"password": f"{NEW} {n}"}) for n in range(4)]
    assert sorted(answer.status for answer in await asyncio.gather(*tries)) == [303, 410, 410, 410]
    third = await mailed(mailing, mailbox, workspace)
    async with mailing.cell.database.writing(workspace.id) as tx:
        await tx.execute(update(PasswordReset).values(expires_at=now() - timedelta(seconds=1)))
    assert (await mailing.browser().post(third, form={"password": NEW})).status == 410


async def test_a_mail_that_went_to_an_earlier_address_lets_nobody_in(
    mailing: World, mailbox: Mailbox, workspace: Workspace
) -> None:
    idp = await connect(mailing, workspace)
    item = await idp.create(workspace.agent.email)
    path = await mailed(mailing, mailbox, workspace)
    await idp.patch(item.id, step("replace", "user_name", "elsewhere@example.com"))
    assert (await mailing.browser().post(path, form={"password": NEW})).status == 410


async def test_who_is_switched_off_is_not_let_in_by_a_mail(
    mailing: World, mailbox: Mailbox, workspace: Workspace, admin: Browser
) -> None:
    path = await mailed(mailing, mailbox, workspace)
    await admin.post(f"{workspace.base}/people/{workspace.agent.id}/deactivate")
    assert (await mailing.browser().post(path, form={"password": NEW})).status == 410
    async with mailing.cell.database.reading(workspace.id) as tx:
        assert await tx.first(select(PasswordReset)) is None


async def test_a_password_is_changed_by_who_knows_the_present_one(
    world: World, workspace: Workspace, agent: Browser
) -> None:
    elsewhere = await world.signed_in(workspace, workspace.agent)
    at = f"{workspace.base}/account/password"
    wrong = await agent.post(at, form={"current": "not this one", "password": NEW})
    assert wrong.status == 422 and "not your present password" in wrong.text
    assert (await agent.post(at, form={"current": PASSWORD, "password": NEW})).status == 200
    assert (await agent.page(f"{workspace.base}/library")).status == 200
    assert (await elsewhere.get(f"{workspace.base}/library")).status == 401
    assert [await signs_in(world, workspace, one) for one in (PASSWORD, NEW)] == [401, 303]


async def test_a_stolen_session_does_not_find_out_the_password(workspace: Workspace, agent: Browser) -> None:
    at, form = f"{workspace.base}/account/password", {"current": "a guess of many", "password": NEW}
    answers = [await agent.post(at, form=form) for _ in range(12)]
    assert [answer.status for answer in answers] == [422] * 10 + [429] * 2


async def test_a_breached_password_is_refused(
    world: World, workspace: Workspace, agent: Browser, tmp_path: Path
) -> None:
    breached = tmp_path / "breached.txt"
    breached.write_text(hashlib.sha1(NEW.encode()).hexdigest().upper() + ":12\n")
    settings = world.cell.settings.model_copy(update={"breached_passwords_path": breached})
    browser = replace(agent, app=make_app(replace(world.cell, settings=settings)))
    answer = await browser.post(f"{workspace.base}/account/password", form={"current": PASSWORD, "password": NEW})
    assert answer.status == 422 and "data breach" in answer.text


@pytest.mark.parametrize("secret", ["0" * 64, "x", "0" * 63, "%2e%2e"])
async def test_a_made_up_word_opens_nothing(world: World, workspace: Workspace, secret: str) -> None:
    for method in ("GET", "POST"):
        answer = await world.browser().ask(method, f"{workspace.base}/reset/{secret}", form={"password": NEW})
        assert answer.status == 410
