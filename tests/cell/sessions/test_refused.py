"""Refused sign-ins in the audit log: of people of the workspace alone, with the reason, and never many."""

from typing import Any

from sqlalchemy import select, text

from cell.audit import service as audit
from cell.audit.models import AuditEntry
from cell.jobs import TASKS
from cell.sessions import kinds
from cell.sessions.service import PER_ACCOUNT
from kit.database import now
from kit.jobs.models import JobArguments
from tests.cell.browser import PAGE, Browser
from tests.cell.factors.owning import app_of, code, half_way
from tests.cell.world import PASSWORD, Workspace, World


async def tries(browser: Browser, workspace: Workspace, email: str, password: str = "wrong") -> int:
    form = {"email": email, "password": password}
    return (await browser.post(f"{workspace.base}/sign-in", form=form, headers=PAGE)).status


async def refusals(world: World, workspace: Workspace, *, early: bool = False) -> list[dict[str, Any]]:
    """What is in the log once the jobs that are due were done."""
    await world.run_jobs(workspace, TASKS, early=early)
    wanted = select(AuditEntry).where(AuditEntry.action == "session.refuse").order_by(AuditEntry.seq)
    async with world.cell.database.reading(workspace.id) as tx:
        return [{"details": one.details, **one.personal} for one in await audit.lines(tx, await tx.all(wanted))]


async def test_a_wrong_password_is_told_of_whom_why_and_from_where(
    world: World, workspace: Workspace, visitor: Browser
) -> None:
    assert await tries(visitor, workspace, workspace.agent.email.upper()) == 401
    [entry] = await refusals(world, workspace)
    assert entry["details"] == {"reasons": ["wrong-password"], "count": 1}
    assert (entry["name"], entry["address"]) == ("Ben Agent", visitor.address)


async def test_many_are_two_entries_with_their_number(world: World, workspace: Workspace, visitor: Browser) -> None:
    for _ in range(PER_ACCOUNT + 5):
        await tries(world.browser(), workspace, workspace.agent.email)
    assert [one["details"]["count"] for one in await refusals(world, workspace)] == [1]
    [job] = [one for one in await world.jobs(workspace) if one.kind == kinds.REFUSED.name]
    assert 0 < (job.due - now()).total_seconds() <= kinds.REFUSED_EVERY.total_seconds()
    _, rest = await refusals(world, workspace, early=True)
    assert rest["details"] == {"reasons": ["too-many-attempts", "wrong-password"], "count": PER_ACCOUNT + 4}
    await tries(visitor, workspace, workspace.agent.email)  # the next quarter of an hour
    assert len(await refusals(world, workspace)) == 3


async def test_who_is_not_there_is_in_no_log_and_the_work_is_the_same(
    world: World, workspace: Workspace, visitor: Browser
) -> None:
    for email in (workspace.agent.email, "nobody@example.com"):
        for _ in range(3):
            assert await tries(visitor, workspace, email) == 401
    jobs = [one for one in await world.jobs(workspace) if one.kind == kinds.REFUSED.name]
    assert len(jobs) == 4
    assert len(await refusals(world, workspace, early=True)) == 2


async def test_who_is_switched_off_is_told_apart(world: World, workspace: Workspace, visitor: Browser) -> None:
    off = await world.member(workspace, "agent")
    async with world.cell.database.writing(workspace.id) as tx:
        held = await tx.one(select(type(off)).where(type(off).id == off.id))
        held.active = False
    assert await tries(visitor, workspace, off.email, PASSWORD) == 401
    [entry] = await refusals(world, workspace)
    assert entry["details"]["reasons"] == ["switched-off"]


async def test_wrong_codes(world: World, workspace: Workspace, agent: Browser) -> None:
    app = await app_of(agent, workspace)
    half = await half_way(world, workspace, workspace.agent)
    assert (await code(half, workspace, "aaaaa-aaaaa")).status == 422
    assert (await code(half, workspace, await app.fresh())).status == 303
    [entry] = await refusals(world, workspace)
    assert entry["details"] == {"reasons": ["code-wrong"], "count": 1}


async def test_a_proof_that_is_none(world: World, workspace: Workspace, agent: Browser) -> None:
    await agent.post(f"{workspace.base}/prove", form={"password": "wrong"}, headers=PAGE)
    [entry] = await refusals(world, workspace)
    assert entry["details"] == {"reasons": ["proof-wrong"], "count": 1}


async def test_from_a_network_that_is_not_allowed(
    world: World, workspace: Workspace, admin: Browser, visitor: Browser
) -> None:
    form = {"second_factor": "optional", "idle_minutes": "60", "absolute_hours": "8", "networks": admin.address}
    assert (await admin.post(f"{workspace.base}/security", form=form)).status == 303
    assert await tries(visitor, workspace, workspace.agent.email, PASSWORD) == 403
    assert await tries(visitor, workspace, workspace.agent.email, "wrong") == 403  # which of them is right is not said
    assert await tries(visitor, workspace, "nobody@example.com", "wrong") == 403
    [entry] = await refusals(world, workspace)
    assert entry["details"]["reasons"] == ["outside-networks"] and entry["address"] == visitor.address


async def test_nothing_personal_is_outside_the_log(world: World, workspace: Workspace, visitor: Browser) -> None:
    await tries(visitor, workspace, workspace.agent.email)
    async with world.cell.database.reading(workspace.id) as tx:
        given = [one.arguments for one in await tx.all(select(JobArguments))]
    assert given and not any(workspace.agent.email in word or visitor.address in word for one in given for word in one)


async def test_a_frozen_workspace_answers_as_always(world: World, workspace: Workspace, agent: Browser) -> None:
    async with world.cell.database.outside() as session:
        await session.execute(
            text("UPDATE ownership SET state = 'frozen' WHERE workspace_id = :id"), {"id": workspace.id}
        )
    assert await tries(world.browser(), workspace, workspace.agent.email) == 401
    assert (await agent.post(f"{workspace.base}/sign-out")).status == 303
    assert await world.jobs(workspace) == []
