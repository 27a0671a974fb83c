"""A founder confirms an address: by the mail's button, once, and nobody else."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from cell.actors import SYSTEM
from cell.audit.models import AuditEntry
from cell.jobs import TASKS
from cell.links import service as links
from cell.people.models import Person
from cell.signup import confirming, service
from cell.workspaces import service as workspaces
from cell.workspaces.models import Workspace as Row
from contracts.keys import new_key
from contracts.placing import CreateWorkspace, FirstAdmin
from kit.database import now
from kit.jobs.models import Job
from kit.jobs.runner import Runner
from tests.cell.mailing import path_in
from tests.cell.world import PASSWORD, World
from tests.servers.mail import Mailbox


async def sign_up(world: World, language: str = "en") -> CreateWorkspace:
    admin = FirstAdmin(email="ada@example.com", name="Ada", password=PASSWORD)
    new = CreateWorkspace(workspace_id=uuid4(), key=new_key(), name="Acme {x}", admin=admin, language=language)
    await service.create(world.cell.database, new)
    return new


async def do_jobs(world: World, new: CreateWorkspace) -> None:
    """Do the workspace's jobs, once each, as if their time had come."""
    earlier = update(Job).where(Job.workspace_id == new.workspace_id).values(due=now() - timedelta(seconds=1))
    async with world.cell.database.outside() as session:
        await session.execute(earlier)
        jobs = (await session.scalars(select(Job.id).where(Job.workspace_id == new.workspace_id))).all()
    for job in jobs:
        await Runner(world.cell.database, TASKS, world.cell).run(job)


async def row(world: World, new: CreateWorkspace) -> Row:
    async with world.cell.database.reading(new.workspace_id) as tx:
        return await workspaces.get(tx)


async def test_the_mail_leads_to_a_button_that_ends_the_first_limits(mailing: World, mailbox: Mailbox) -> None:
    new = await sign_up(mailing)
    await do_jobs(mailing, new)
    (mail,) = mailbox.mails
    assert mail["To"] == "ada@example.com" and "Acme {x}" in mail.get_content()
    path, browser = path_in(mailbox, "confirm"), mailing.browser()
    page = await browser.page(path)
    assert page.status == 200 and "This address is mine" in page.text
    assert (await row(mailing, new)).confirmed_at is None  # opening it changed nothing
    answer = await browser.post(path)
    assert answer.status == 303
    assert "is confirmed" in (await browser.page(answer.headers["Location"])).text
    held = await row(mailing, new)
    assert held.confirmed_at is not None and held.open_links_limit == confirming.OPEN_LINKS
    assert held.confirm_digest is None
    async with mailing.cell.database.reading(new.workspace_id) as tx:
        assert "workspace.confirm" in await tx.all(select(AuditEntry.action))
    assert (await browser.post(path)).status == 303  # pressed twice: it is so


async def test_until_then_few_links_may_be_open(mailing: World) -> None:
    new = await sign_up(mailing)
    async with mailing.cell.database.writing(new.workspace_id) as tx:
        for number in range(service.FEW_LINKS):
            await links.create(tx, SYSTEM, "http://go", links.NewLink(title=str(number)))
            await tx.flush()
        with pytest.raises(links.TooManyOpenLinks):
            await links.create(tx, SYSTEM, "http://go", links.NewLink(title="one more"))


@pytest.mark.parametrize("secret", ["0" * 64, "x", "0" * 63])
async def test_another_word_confirms_nothing(mailing: World, mailbox: Mailbox, secret: str) -> None:
    new = await sign_up(mailing)
    await do_jobs(mailing, new)
    path = f"/w/{new.key}/confirm/{secret}"
    assert (await mailing.browser().page(path)).status == 404
    assert (await mailing.browser().post(path)).status == 404
    assert (await row(mailing, new)).confirmed_at is None


async def test_the_word_of_one_workspace_is_none_in_another(mailing: World, mailbox: Mailbox) -> None:
    one, other = await sign_up(mailing), await sign_up(mailing)
    await do_jobs(mailing, one)
    path = path_in(mailbox, "confirm").replace(one.key, other.key)
    assert (await mailing.browser().post(path)).status == 404


async def test_a_mail_that_is_sent_again_has_the_word_that_counts(mailing: World, mailbox: Mailbox) -> None:
    new = await sign_up(mailing)
    admin = await _admin(mailing, new)
    for _ in range(2):
        await confirming.ask(mailing.cell, new.workspace_id, admin.id, "en")
    first, second = [mail.get_content() for mail in mailbox.mails]
    assert first != second
    assert (await mailing.browser().post(path_in(mailbox, "confirm"))).status == 303
    await confirming.ask(mailing.cell, new.workspace_id, admin.id, "en")
    assert len(mailbox.mails) == 2  # confirmed: nothing is asked any more


async def test_a_mail_server_that_is_away_is_tried_again(mailing: World, mailbox: Mailbox) -> None:
    mailbox.refuse = "451 later"
    new = await sign_up(mailing)
    await do_jobs(mailing, new)
    assert not mailbox.mails
    mailbox.refuse = ""
    await do_jobs(mailing, new)
    assert len(mailbox.mails) == 1


@pytest.mark.parametrize(("language", "subject"), [("de", "Bestätigen Sie"), ("ar", "أكّد"), ("xx", "Confirm your")])
async def test_the_mail_speaks_the_language_of_the_sign_up(
    mailing: World, mailbox: Mailbox, language: str, subject: str
) -> None:
    new = await sign_up(mailing, language)
    await do_jobs(mailing, new)
    assert mailbox.mails[-1]["Subject"].startswith(subject) and path_in(mailbox, "confirm")


async def _admin(world: World, new: CreateWorkspace) -> Person:
    async with world.cell.database.reading(new.workspace_id) as tx:
        return await tx.one(select(Person))
