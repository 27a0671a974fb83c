"""Invitations: a mail whose word lets in once, whom it may let in as what, and when it leads nowhere."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from cell.invitations.models import Invitation
from cell.jobs import TASKS
from cell.people.models import Person
from kit.database import now
from tests.cell.browser import Answer, Browser
from tests.cell.lines import Logged
from tests.cell.mailing import path_in
from tests.cell.world import Workspace, World
from tests.servers.mail import Mailbox

NEW = "copper lantern meadow fifteen"


async def invite(
    browser: Browser, workspace: Workspace, email: str = "Cleo@Example.com", role: str = "agent"
) -> Answer:
    return await browser.post(f"{workspace.base}/invitations", form={"email": email, "role": role})


async def invited(mailing: World, mailbox: Mailbox, workspace: Workspace, browser: Browser, role: str = "agent") -> str:
    """Where the mail of a new invitation leads."""
    assert (await invite(browser, workspace, role=role)).status == 303
    await mailing.run_jobs(workspace, TASKS)
    return path_in(mailbox, "join")


async def row(world: World, workspace: Workspace) -> Invitation:
    async with world.cell.database.reading(workspace.id) as tx:
        return await tx.one(select(Invitation))


async def test_a_mail_leads_to_a_name_and_a_password_and_straight_in(
    mailing: World, mailbox: Mailbox, workspace: Workspace, admin: Browser
) -> None:
    path = await invited(mailing, mailbox, workspace, admin, "auditor")
    (mail,) = mailbox.mails
    assert mail["To"] == "Cleo@example.com" and mail["Subject"] == "Ada Admin invites you to Acme Support"
    visitor = mailing.browser()
    assert "Cleo@example.com" in (await visitor.page(path)).text
    joined = await visitor.post(path, form={"name": "Cleo", "password": NEW})
    assert (joined.status, joined.headers["Location"]) == (303, f"{workspace.base}/library")
    assert (await visitor.page(f"{workspace.base}/audit")).status == 200  # an auditor, as invited
    again = await mailing.browser().post(
        f"{workspace.base}/sign-in", form={"email": "cleo@example.com", "password": NEW}
    )
    assert again.status == 303
    assert "Accepted" in (await admin.page(f"{workspace.base}/invitations")).text


async def test_joining_ends_the_session_that_the_browser_had(
    mailing: World, mailbox: Mailbox, workspace: Workspace, admin: Browser
) -> None:
    path = await invited(mailing, mailbox, workspace, admin)
    earlier = mailing.browser()
    earlier.cookies.update(admin.cookies)
    assert (await admin.post(path, form={"name": "Cleo", "password": NEW})).status == 303
    assert (await admin.page(f"{workspace.base}/library")).status == 200
    assert (await earlier.page(f"{workspace.base}/library")).status == 303


async def test_the_word_is_nowhere_but_in_the_mail(
    mailing: World, mailbox: Mailbox, workspace: Workspace, admin: Browser, logged: Logged
) -> None:
    path = await invited(mailing, mailbox, workspace, admin)
    secret = path.rsplit("/", 1)[1]
    held = await row(mailing, workspace)
    assert held.digest is not None and held.digest.hex() not in path
    assert secret not in (await admin.page(f"{workspace.base}/invitations")).text
    assert secret not in logged.text and "cleo" not in logged.text.lower()


async def test_opening_the_mails_page_changes_nothing_and_it_lets_in_once(
    mailing: World, mailbox: Mailbox, workspace: Workspace, admin: Browser
) -> None:
    path = await invited(mailing, mailbox, workspace, admin)
    for _ in range(3):  # a mail scanner
        assert (await mailing.browser().page(path)).status == 200
    form = {"name": "Cleo", "password": NEW}
    answers = await asyncio.gather(*(mailing.browser().post(path, form=form) for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [303, 410, 410, 410]
    assert "You are a member already" in (await mailing.browser().page(path)).text
    async with mailing.cell.database.reading(workspace.id) as tx:
        assert len(await tx.all(select(Person).where(Person.email_norm == "cleo@example.com"))) == 1


async def test_sending_again_makes_the_mail_before_lead_nowhere(
    mailing: World, mailbox: Mailbox, workspace: Workspace, admin: Browser
) -> None:
    first = await invited(mailing, mailbox, workspace, admin)
    held = await row(mailing, workspace)
    assert (await admin.post(f"{workspace.base}/invitations/{held.id}/resend")).status == 303
    await mailing.run_jobs(workspace, TASKS)
    second = path_in(mailbox, "join")
    assert (await mailing.browser().page(first)).status == 404
    assert (await mailing.browser().page(second)).status == 200


async def test_revoked_or_out_of_time_it_leads_nowhere(
    mailing: World, mailbox: Mailbox, workspace: Workspace, admin: Browser
) -> None:
    path = await invited(mailing, mailbox, workspace, admin)
    held, form = await row(mailing, workspace), {"name": "Cleo", "password": NEW}
    async with mailing.cell.database.writing(workspace.id) as tx:
        await tx.execute(update(Invitation).values(expires_at=now() - timedelta(seconds=1)))
    assert (await mailing.browser().post(path, form=form)).status == 410
    assert "Expired" in (await admin.page(f"{workspace.base}/invitations")).text
    assert (await admin.post(f"{workspace.base}/invitations/{held.id}/resend")).status == 303
    assert (await admin.post(f"{workspace.base}/invitations/{held.id}/revoke")).status == 303
    await mailing.run_jobs(workspace, TASKS)
    assert len(mailbox.mails) == 1  # revoked before the second was sent
    refused = await admin.post(f"{workspace.base}/invitations/{held.id}/resend")
    assert (refused.status, refused.slug) == (410, "invitation-over")


async def test_nobody_is_invited_twice_or_who_is_a_member(workspace: Workspace, admin: Browser) -> None:
    assert (await invite(admin, workspace)).status == 303
    assert "has been invited already" in (await invite(admin, workspace, "cleo@example.COM")).text
    assert "member already" in (await invite(admin, workspace, workspace.agent.email.upper())).text
    for email, role in (("no address", "agent"), ("a@example.com", "king")):
        assert (await invite(admin, workspace, email, role)).status == 422


async def test_an_owner_is_invited_by_an_owner_alone(
    mailing: World, mailbox: Mailbox, workspace: Workspace, admin: Browser, owner: Browser
) -> None:
    refused = await invite(admin, workspace, "boss@example.com", "owner")
    assert refused.status == 422 and "Only an owner" in refused.text
    path = await invited(mailing, mailbox, workspace, owner, "owner")
    held = await row(mailing, workspace)
    assert (await admin.post(f"{workspace.base}/invitations/{held.id}/resend")).status == 403
    visitor = mailing.browser()
    await visitor.post(path, form={"name": "Boss", "password": NEW})
    assert (await visitor.page(f"{workspace.base}/people?role=owner")).text.count('scope="row"') == 2


@pytest.mark.parametrize(
    ("password", "why"),
    [("short", "at least 12"), ("cleo@example.com1", "Leave out"), ("aaaaaaaaaaaaaaaa", "repeats itself")],
)
async def test_a_weak_password_comes_back_with_its_reason(
    mailing: World, mailbox: Mailbox, workspace: Workspace, admin: Browser, password: str, why: str
) -> None:
    path = await invited(mailing, mailbox, workspace, admin)
    answer = await mailing.browser().post(path, form={"name": "Cleo", "password": password})
    assert answer.status == 422 and why in answer.text and password not in answer.text.replace("cleo@example.com", "")
