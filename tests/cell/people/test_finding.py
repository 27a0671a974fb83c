"""Where is my workspace? One mail with all of a person's workspaces in the cell, and no word to anybody else."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import select

from cell.jobs import TASKS
from cell.people import finding, kinds
from cell.people.models import Person
from kit.jobs.models import Job
from kit.refusals import TooManyRequests
from tests.cell.world import Workspace, World
from tests.servers.mail import Mailbox


async def named(world: World, workspace: Workspace, email: str, *, active: bool = True) -> None:
    person = await world.member(workspace, "agent")
    async with world.cell.database.writing(workspace.id) as tx:
        row = await tx.one(select(Person).where(Person.id == person.id))
        row.email, row.email_norm, row.active = email, email.lower(), active


async def asked(world: World, email: str) -> None:
    await finding.ask(world.cell, email, "en")
    await asyncio.gather(*finding._looking)


async def jobs_of(world: World, *found: Workspace) -> list[UUID]:
    async with world.cell.database.outside() as session:
        wanted = (Job.kind == kinds.FIND.name) & Job.workspace_id.in_([one.id for one in found])
        return list(await session.scalars(select(Job.workspace_id).where(wanted)))


async def test_one_mail_names_every_workspace_where_one_is_active(mailing: World, mailbox: Mailbox) -> None:
    one, two, off = [await mailing.found() for _ in range(3)]
    email = f"Find.{one.key}@example.com"
    for workspace in (one, two):
        await named(mailing, workspace, email)
    await named(mailing, off, email, active=False)
    await asked(mailing, email.upper())
    (holder,) = await jobs_of(mailing, one, two, off)
    await mailing.run_jobs(one if holder == one.id else two, TASKS)
    (mail,) = mailbox.mails
    text = mail.get_content()
    assert mail["To"] == email and text.count("/sign-in") == 2
    assert f"/w/{one.key}/" in text and f"/w/{two.key}/" in text and off.key not in text


async def test_whom_nobody_knows_gets_nothing_and_each_is_asked_for_a_few_times(world: World) -> None:
    workspace = await world.found()
    email = f"find.{workspace.key}@example.com"
    await asked(world, email)
    assert await jobs_of(world, workspace) == []
    await named(world, workspace, email)
    for _ in range(finding.PER_ACCOUNT + 3):
        await asked(world, email)
    assert len(await jobs_of(world, workspace)) == finding.PER_ACCOUNT - 1


async def test_all_together_ask_so_often_and_no_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "ALL", 3)
    with pytest.raises(TooManyRequests):
        for n in range(5):
            await asked(world, f"nobody{n}@example.com")
