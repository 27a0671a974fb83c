"""What somebody records themselves ends with the session in which they began it; customers' recordings go on."""

from dataclasses import dataclass

import pytest
from sqlalchemy import select, update

from cell.audit.models import AuditEntry
from cell.recordings.models import Recording
from cell.sessions import ending
from cell.sessions.cookies import name as cookie_name
from cell.sessions.store import Sessions
from tests.cell.browser import Browser
from tests.cell.world import PASSWORD, Workspace, World

CHUNK = {"chunks": [{"index": 0, "size": 3, "sha256": "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="}]}
NEW = "copper lantern meadow fifteen"


@dataclass
class Upload:
    """A recording under way."""

    browser: Browser
    said: dict[str, str]

    async def goes_on(self) -> bool:
        """Whether a grant is given; else it is closed, and no other reason counts."""
        headers = {"Authorization": f"Bearer {self.said['upload_token']}"}
        answer = await self.browser.post(f"{self.said['base']}/grants", headers=headers, json=CHUNK)
        assert answer.status in (200, 409), answer.text
        return answer.status == 200


async def upload(world: World, workspace: Workspace, browser: Browser) -> Upload:
    path = f"/r/{(await world.link(workspace)).url.rsplit('/', 1)[1]}/recordings"
    answer = await browser.post(path, json={"source": "screen"})
    assert answer.status == 201, answer.text
    made = Upload(browser, answer.json)
    assert await made.goes_on()
    return made


async def session_of(world: World, workspace: Workspace, browser: Browser) -> str:
    sessions = Sessions(world.cell.redis, workspace.key, workspace.id)
    found = await sessions.find(browser.cookies[cookie_name(workspace.key)])
    assert found is not None
    return found.id


async def ends(world: World, workspace: Workspace) -> list[object]:
    wanted = select(AuditEntry).where(AuditEntry.action == "session.end").order_by(AuditEntry.seq)
    async with world.cell.database.reading(workspace.id) as tx:
        return [one.stored["details"] for one in await tx.all(wanted)]


async def test_signing_out_ends_it_and_is_in_the_log(world: World, workspace: Workspace, agent: Browser) -> None:
    elsewhere = await world.signed_in(workspace, workspace.agent)
    here, there = await upload(world, workspace, agent), await upload(world, workspace, elsewhere)
    customers = await upload(world, workspace, world.browser())
    assert (await agent.post(f"{workspace.base}/sign-out")).status == 303
    assert [await one.goes_on() for one in (here, there, customers)] == [False, True, True]
    assert await ends(world, workspace) == [{"how": "signed-out", "sessions": 1}]


async def test_revoking_one_session_ends_what_was_begun_in_it_alone(
    world: World, workspace: Workspace, agent: Browser
) -> None:
    second = await world.signed_in(workspace, workspace.agent)
    mine, other = await upload(world, workspace, agent), await upload(world, workspace, second)
    revoked = await session_of(world, workspace, second)
    assert (await agent.post(f"{workspace.base}/sessions/{revoked}/revoke")).status == 303
    assert [await mine.goes_on(), await other.goes_on()] == [True, False]
    third, another = (
        await world.signed_in(workspace, workspace.agent),
        await world.signed_in(workspace, workspace.agent),
    )
    begun = await upload(world, workspace, third)
    assert (await agent.post(f"{workspace.base}/sessions/revoke-others")).status == 303
    assert [await mine.goes_on(), await begun.goes_on()] == [True, False]
    assert (await another.get(f"{workspace.base}/library")).status == 401
    assert await ends(world, workspace) == [{"how": "revoked", "sessions": 1}, {"how": "revoked", "sessions": 2}]


async def test_revoking_what_is_not_ones_own_does_and_says_nothing(
    world: World, workspace: Workspace, agent: Browser, admin: Browser
) -> None:
    going = await upload(world, workspace, admin)
    revoked = await session_of(world, workspace, admin)
    assert (await agent.post(f"{workspace.base}/sessions/{revoked}/revoke")).status == 303
    assert await going.goes_on() and await ends(world, workspace) == []


@pytest.mark.parametrize("role", ["auditor", "admin"])
async def test_another_role_ends_it_with_the_sessions(
    world: World, workspace: Workspace, agent: Browser, owner: Browser, role: str
) -> None:
    own, customers = await upload(world, workspace, agent), await upload(world, workspace, world.browser())
    changed = await owner.post(f"{workspace.base}/people/{workspace.agent.id}/role", form={"role": role})
    assert changed.status == 303
    assert [await own.goes_on(), await customers.goes_on()] == [False, True]


async def test_another_password_ends_it_elsewhere_and_not_here(
    world: World, workspace: Workspace, agent: Browser
) -> None:
    elsewhere = await world.signed_in(workspace, workspace.agent)
    here, there = await upload(world, workspace, agent), await upload(world, workspace, elsewhere)
    form = {"current": PASSWORD, "password": NEW}
    assert (await agent.post(f"{workspace.base}/account/password", form=form)).status == 200
    assert [await here.goes_on(), await there.goes_on()] == [True, False]


async def test_a_session_is_known_again_under_its_next_word(world: World, workspace: Workspace, agent: Browser) -> None:
    going = await upload(world, workspace, agent)
    before = dict(agent.cookies)
    assert (await agent.post(f"{workspace.base}/prove", form={"password": PASSWORD})).status == 303
    assert agent.cookies != before
    assert (await agent.post(f"{workspace.base}/sign-out")).status == 303
    assert not await going.goes_on()


async def test_a_session_that_gets_another_word_meanwhile_is_ended_too(
    world: World, workspace: Workspace, agent: Browser
) -> None:
    sessions = Sessions(world.cell.redis, workspace.key, workspace.id)
    [known] = await sessions.of_person(workspace.agent.id)
    assert await sessions.rotate(known) is not None
    async with world.cell.database.writing(workspace.id) as tx:
        await ending.end(tx, world.cell.redis, [known])
    assert await sessions.of_person(workspace.agent.id) == []


async def test_what_was_begun_before_sessions_were_noted_ends_with_the_person(
    world: World, workspace: Workspace, agent: Browser, admin: Browser
) -> None:
    going = await upload(world, workspace, agent)
    async with world.cell.database.writing(workspace.id) as tx:
        await tx.execute(update(Recording).values(started_in=None))
    assert (await admin.post(f"{workspace.base}/people/{workspace.agent.id}/deactivate")).status == 303
    assert not await going.goes_on()
