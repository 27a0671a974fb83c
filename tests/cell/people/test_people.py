"""Members: what each role may do to whom, that the last owner stays, and what ends when somebody goes."""

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import select

from cell.audit.models import AuditEntry
from cell.invitations.models import Invitation
from cell.jobs import TASKS
from cell.people import service
from cell.people.models import Password, Person
from cell.people.permissions import MAY, Permission, Role, allowed
from cell.sessions.store import Sessions
from cell.tokens.models import ApiToken
from kit.refusals import Refusal
from tests.cell.browser import PAGE, Answer, Browser
from tests.cell.world import PASSWORD, Workspace, World


async def change(browser: Browser, workspace: Workspace, person: Person, act: str, **form: str) -> Answer:
    return await browser.post(f"{workspace.base}/people/{person.id}/{act}", form=form)


async def role_of(world: World, workspace: Workspace, person: Person) -> str | None:
    async with world.cell.database.reading(workspace.id) as tx:
        found = await tx.first(select(Person).where(Person.id == person.id))
    return None if found is None else found.role if found.active else "off"


async def active_owners(world: World, workspace: Workspace) -> set[UUID]:
    async with world.cell.database.reading(workspace.id) as tx:
        return set(await tx.all(select(Person.id).where(Person.role == "owner", Person.active)))


def test_the_table_of_roles_is_one_ladder_and_an_auditor_changes_nothing() -> None:
    assert MAY[Role.AGENT] < MAY[Role.ADMIN] < MAY[Role.OWNER] == frozenset(Permission)
    assert not {one for one in MAY[Role.AUDITOR] if one.endswith(":change")}
    assert {one for one in Permission if one.endswith(":read")} <= MAY[Role.AUDITOR]
    assert allowed("of another version") == frozenset()


async def test_members_are_found_by_name_role_and_state(workspace: Workspace, admin: Browser) -> None:
    at = f"{workspace.base}/people"
    everybody = (await admin.page(at)).text
    assert all(name in everybody for name in ("Ada Admin", "Ben Agent", "Olga Owner"))
    for asked, found in (("q=ben", "Ben Agent"), ("role=owner", "Olga Owner"), (f"q={workspace.owner.email}", "Olga")):
        shown = (await admin.page(f"{at}?{asked}")).text.split("<tbody>")[1]
        assert found in shown and shown.count('scope="row"') == 1
    assert "Nobody matches" in (await admin.page(f"{at}?state=off")).text


async def test_an_auditor_sees_everything_and_changes_nothing(world: World, workspace: Workspace) -> None:
    auditor = await world.signed_in(workspace, await world.member(workspace, "auditor"))
    for path in ("library", "links", "people", "invitations", "tokens", "audit", f"people/{workspace.agent.id}"):
        answer = await auditor.page(f"{workspace.base}/{path}")
        assert answer.status == 200
        # Signing out, and taking the log along, which leaves an entry and changes nothing else.
        harmless = [f'method="post" action="{workspace.base}/{path}"' for path in ("sign-out", "audit/export")]
        assert answer.text.count('method="post"') == sum(answer.text.count(one) for one in harmless)
    for path in (f"people/{workspace.agent.id}/role", f"people/{workspace.agent.id}/deactivate", "links", "tokens"):
        refused = await auditor.post(f"{workspace.base}/{path}", form={"role": "admin"})
        assert (refused.status, refused.slug) == (403, "not-allowed")


async def test_a_new_role_holds_at_once_and_is_signed_in_with_anew(
    world: World, workspace: Workspace, admin: Browser, agent: Browser
) -> None:
    assert (await change(admin, workspace, workspace.agent, "role", role="admin")).status == 303
    assert await role_of(world, workspace, workspace.agent) == "admin"
    assert (await agent.get(f"{workspace.base}/library")).status == 401
    again = await world.signed_in(workspace, workspace.agent)
    assert (await again.page(f"{workspace.base}/people")).status == 200


async def test_changing_ones_own_role_keeps_the_session_under_another_word(
    world: World, workspace: Workspace, admin: Browser
) -> None:
    before = dict(admin.cookies)
    assert (await change(admin, workspace, workspace.admin, "role", role="agent")).status == 303
    assert admin.cookies != before
    await world.run_jobs(workspace, TASKS)  # what ends earlier sessions leaves this one alone
    assert (await admin.page(f"{workspace.base}/library")).status == 200
    assert (await admin.page(f"{workspace.base}/people")).status == 403
    admin.cookies = before
    assert (await admin.get(f"{workspace.base}/library")).status == 401


@pytest.mark.parametrize("act", ["role", "deactivate", "remove"])
async def test_an_owner_is_out_of_an_admins_reach(world: World, workspace: Workspace, admin: Browser, act: str) -> None:
    form = {"role": "agent"} if act == "role" else {"email": workspace.owner.email}
    answer = await change(admin, workspace, workspace.owner, act, **form)
    assert (answer.status, answer.slug) == (403, "only-owners")
    made = await change(admin, workspace, workspace.agent, "role", role="owner")
    assert (made.status, made.slug) == (403, "only-owners")
    assert await active_owners(world, workspace) == {workspace.owner.id}


async def test_the_last_owner_stays_one(world: World, workspace: Workspace, owner: Browser) -> None:
    answer = await change(owner, workspace, workspace.owner, "role", role="admin")
    assert (answer.status, answer.slug) == (409, "last-owner")
    page = await owner.ask(
        "POST", f"{workspace.base}/people/{workspace.owner.id}/role", form={"role": "admin"}, headers=PAGE
    )
    assert page.status == 409 and "last owner" in page.text
    second = await world.member(workspace, "owner")
    assert (await change(owner, workspace, workspace.owner, "role", role="admin")).status == 303
    assert await active_owners(world, workspace) == {second.id}


async def test_an_owner_without_a_password_counts_for_nothing_when_sign_in_elsewhere_fails(
    world: World, workspace: Workspace, owner: Browser
) -> None:
    second = await world.member(workspace, "agent")
    async with world.cell.database.writing(workspace.id) as tx:
        held = await tx.one(select(Password).where(Password.id == second.id))
        await tx.delete(held)
    answer = await change(owner, workspace, second, "role", role="owner")
    assert (answer.status, answer.slug) == (409, "owners-need-passwords")


async def test_two_owners_who_go_at_the_same_moment_leave_one(world: World) -> None:
    """Real transactions on real connections: each demotes, switches off or removes the other, or itself."""

    async def act(workspace: Workspace, by: Person, on: Person, what: str) -> bool:
        try:
            async with world.cell.database.writing(workspace.id) as tx:
                redis, actor = world.cell.redis, service.actor_of(by)
                if what == "role":
                    await service.change_role(tx, redis, actor, on.id, Role.AGENT)
                elif what == "off":
                    await service.set_active(tx, redis, actor, on.id, active=False)
                else:
                    await service.remove(tx, redis, actor, on.id)
        except Refusal:
            return False
        return True

    for what in ("role", "off", "remove") * 4:
        workspace = await world.found()
        one, two = workspace.owner, await world.member(workspace, "owner")
        acts = [(one, two, what), (two, one, what), (one, one, "role"), (two, two, "role")]
        done = await asyncio.gather(*(act(workspace, *each) for each in acts))
        assert sum(done) >= 1
        assert len(await active_owners(world, workspace)) == 1, what


async def test_nobody_switches_themselves_off_or_removes_themselves(workspace: Workspace, admin: Browser) -> None:
    for act, form in (("deactivate", {}), ("remove", {"email": workspace.admin.email})):
        answer = await change(admin, workspace, workspace.admin, act, **form)
        assert (answer.status, answer.slug) == (409, "not-yourself")
    assert (await admin.page(f"{workspace.base}/people")).status == 200


async def test_removing_is_confirmed_by_typing_the_address(
    world: World, workspace: Workspace, admin: Browser, agent: Browser
) -> None:
    refused = await change(admin, workspace, workspace.agent, "remove", email="somebody@example.com")
    assert (refused.status, refused.slug) == (422, "address-differs")
    assert (await agent.page(f"{workspace.base}/library")).status == 200
    removed = await change(admin, workspace, workspace.agent, "remove", email=workspace.agent.email.upper())
    assert removed.status == 303 and await role_of(world, workspace, workspace.agent) is None
    assert (await agent.get(f"{workspace.base}/library")).status == 401
    again = {"email": workspace.agent.email, "password": PASSWORD}
    assert (await world.browser().post(f"{workspace.base}/sign-in", form=again)).status == 401
    assert "Ben Agent" in (await admin.page(f"{workspace.base}/audit")).text  # the log remembers


@pytest.mark.parametrize(("act", "role"), [("deactivate", ""), ("role", "agent"), ("remove", "")])
async def test_what_somebody_could_still_do_from_outside_ends_with_their_powers(
    world: World, workspace: Workspace, owner: Browser, act: str, role: str
) -> None:
    second = await world.member(workspace, "admin")
    browser = await world.signed_in(workspace, second)
    assert (await browser.post(f"{workspace.base}/tokens", form={"name": "x", "scopes": "links:read"})).status == 201
    invited = {"email": "friend@example.com", "role": "admin"}
    assert (await browser.post(f"{workspace.base}/invitations", form=invited)).status == 303
    form = {"role": role} if role else {"email": second.email}
    assert (await change(owner, workspace, second, act, **form)).status == 303
    async with world.cell.database.reading(workspace.id) as tx:
        token = await tx.one(select(ApiToken).where(ApiToken.created_by == second.id))
        invitation = await tx.one(select(Invitation))
        acts = await tx.all(select(AuditEntry.action).order_by(AuditEntry.seq.desc()).limit(3))
    assert token.revoked_at is not None and invitation.revoked_at is not None
    assert {"token.revoke", "invitation.revoke"} <= set(acts)


async def test_sessions_end_even_if_whoever_changed_something_could_not_end_them(
    world: World, workspace: Workspace, agent: Browser
) -> None:
    sessions = Sessions(world.cell.redis, workspace.key, workspace.id)
    async with world.cell.database.writing(workspace.id) as tx:
        by = service.actor_of(workspace.owner)
        await service.change_role(tx, world.cell.redis, by, workspace.agent.id, Role.AUDITOR)
        tx._after.clear()  # the process died after the commit
    assert len(await sessions.of_person(workspace.agent.id)) == 1
    later = await world.signed_in(workspace, workspace.agent)
    await world.run_jobs(workspace, TASKS)
    assert (await agent.get(f"{workspace.base}/library")).status == 401
    assert (await later.get(f"{workspace.base}/library")).status == 200


async def test_switching_off_leaves_customers_recordings_alone(
    world: World, workspace: Workspace, admin: Browser
) -> None:
    from tests.cell.recordings.sending import PIECES, begun

    sending = await begun(world, workspace)  # under a link that the agent made
    await change(admin, workspace, workspace.agent, "deactivate")
    assert await sending.send(PIECES) == [200] * 3
    assert (await sending.finish(PIECES)).status == 202


async def test_a_members_own_upload_ends_with_them_and_keeps_what_arrived(
    world: World, workspace: Workspace, admin: Browser, agent: Browser
) -> None:
    from tests.cell.recordings.sending import PIECES, begun, path_of, wanted

    customers = await begun(world, workspace, max_uses=5)
    at = path_of(customers.link)
    made = (await agent.post(f"{at}/recordings", json={"source": "screen"})).json
    own = replace(
        customers,
        id=UUID(made["recording_id"]),
        base=made["base"],
        upload_token=made["upload_token"],
        resume_token=made["resume_token"],
        browser=agent,
    )
    assert await own.send(PIECES[:2]) == [200] * 2
    assert (await change(admin, workspace, workspace.agent, "deactivate")).status == 303
    refused = await own.grants(wanted(2, PIECES[2]))
    assert (refused.status, refused.slug) == (409, "recording-closed")
    assert (await own.resume()).status == 409
    assert await own.state() == "finishing"  # what arrived is kept
    assert await customers.send(PIECES) == [200] * 3
