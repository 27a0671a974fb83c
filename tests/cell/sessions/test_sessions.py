"""Sessions: idle and absolute ends, seen and ended by their owner, and over as soon as a person is switched off."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from cell.security.service import DEFAULT
from cell.sessions.cookies import name as cookie_name
from cell.sessions.store import ENDED, SEEN_EVERY_S, Session, Sessions
from kit import live
from tests.cell.browser import PAGE, Browser
from tests.cell.world import Workspace, World


def sessions(world: World, workspace: Workspace) -> Sessions:
    return Sessions(world.cell.redis, workspace.key, workspace.id)


async def life(world: World, workspace: Workspace, session_id: str) -> int:
    """Seconds that Redis will still keep a session."""
    return int(await world.cell.redis.ttl(f"session:{workspace.id}:{session_id}"))


def in_(delta: timedelta) -> time_machine.travel:
    return time_machine.travel(datetime.now(UTC) + delta, tick=True)


async def test_a_session_ends_when_it_is_idle_and_lives_on_when_used(world: World, workspace: Workspace) -> None:
    mine = sessions(world, workspace)
    word = await mine.begin(workspace.agent.id, "Firefox", "192.0.2.1")
    found = await mine.find(word.text)
    assert found is not None and await mine.keep(found, DEFAULT.idle, DEFAULT.absolute)
    with in_(DEFAULT.idle - timedelta(minutes=1)):
        assert await mine.keep(found, DEFAULT.idle, DEFAULT.absolute)
        again = await mine.get(found.id)
        assert again is not None and again.seen > found.seen and again.created == found.created
        assert 0 < await life(world, workspace, found.id) <= DEFAULT.idle.total_seconds() + SEEN_EVERY_S
    with in_(2 * DEFAULT.idle):
        assert not await mine.keep(again, DEFAULT.idle, DEFAULT.absolute)
    assert await mine.find(word.text) is None


async def test_a_session_ends_for_good_however_busy(world: World, workspace: Workspace) -> None:
    mine = sessions(world, workspace)
    word = await mine.begin(workspace.agent.id, "Firefox", "192.0.2.1")
    found = await mine.find(word.text)
    assert found is not None
    with in_(DEFAULT.absolute - timedelta(minutes=1)):
        assert await mine.keep(replace(found, seen=datetime.now(UTC)), DEFAULT.idle, DEFAULT.absolute)
    with in_(DEFAULT.absolute + timedelta(minutes=1)):
        assert not await mine.keep(replace(found, seen=datetime.now(UTC)), DEFAULT.idle, DEFAULT.absolute)
    assert await mine.find(word.text) is None and await mine.of_person(workspace.agent.id) == []


async def test_looking_never_brings_back_a_session_that_was_ended(world: World, workspace: Workspace) -> None:
    mine = sessions(world, workspace)
    word = await mine.begin(workspace.agent.id, "Firefox", "192.0.2.1")
    found = await mine.find(word.text)
    assert found is not None
    await mine.end(workspace.agent.id, found.id)
    with in_(timedelta(seconds=SEEN_EVERY_S + 1)):
        await mine.keep(found, DEFAULT.idle, DEFAULT.absolute)
        assert await mine.find(word.text) is None
    assert not await world.cell.redis.exists(f"session:{workspace.id}:{found.id}")


@pytest.mark.parametrize(
    "end",
    [
        lambda mine, one: mine.end(one.person_id, one.id),
        lambda mine, one: mine.end_these([one]),
        lambda mine, one: mine.end_all(one.person_id),
        lambda mine, one: mine.end_all_of([one.person_id]),
        lambda mine, one: mine.rotate(one),
        lambda mine, one: mine.keep(one, DEFAULT.idle, timedelta()),
    ],
    ids=["one", "these", "a person's", "many people's", "its word alone", "it lasted too long"],
)
async def test_streams_are_told_whatever_ends_a_session(
    world: World, workspace: Workspace, end: Callable[[Sessions, Session], Awaitable[object]]
) -> None:
    mine = sessions(world, workspace)
    found = await mine.find((await mine.begin(workspace.agent.id, "Firefox", "192.0.2.1")).text)
    assert found is not None
    async with live.listen(world.cell.redis, workspace.id) as listener:
        await end(mine, found)
        assert await mine.get(found.id) is None
        assert await listener.next(10) == (ENDED, {})


async def test_a_session_that_gets_another_word_just_then_ends_all_the_same(world: World, workspace: Workspace) -> None:
    mine, who = Sessions(world.cell.redis, workspace.key, workspace.id), workspace.agent.id
    for round_ in range(150):
        found = await mine.find((await mine.begin(who, "Firefox", "192.0.2.7")).text)
        assert found is not None
        ending = mine.end_all(who) if round_ % 2 else mine.end(who, found.id)
        await asyncio.gather(*([ending, mine.rotate(found)] if round_ % 3 else [mine.rotate(found), ending]))
        if round_ % 2 == 0:  # one that had its new word first is another session
            await mine.end_all(who)
        assert await mine.of_person(who) == []


async def test_the_word_itself_is_not_in_redis(world: World, workspace: Workspace) -> None:
    word = await sessions(world, workspace).begin(workspace.agent.id, "Firefox", "192.0.2.1")
    keys = [str(key) async for key in world.cell.redis.scan_iter(f"session:{workspace.id}:*")]
    assert keys and not any(word.secret in key for key in keys)


async def test_one_signs_out_here_and_stays_signed_in_elsewhere(world: World, workspace: Workspace) -> None:
    here, there = [await world.signed_in(workspace, workspace.agent) for _ in range(2)]
    old = dict(here.cookies)
    answer = await here.post(f"{workspace.base}/sign-out")
    assert answer.status == 303 and here.cookies == {}
    here.cookies = old
    assert (await here.get(f"{workspace.base}/library")).status == 401
    assert (await there.get(f"{workspace.base}/library")).status == 200


async def test_one_ends_one_or_all_others_of_ones_own(world: World, workspace: Workspace) -> None:
    here, second, third = [await world.signed_in(workspace, workspace.agent) for _ in range(3)]
    colleague = await world.signed_in(workspace, workspace.admin)
    name = cookie_name(workspace.key)
    mine = sessions(world, workspace)
    ids = []
    for browser in (second, colleague):
        session = await mine.find(browser.cookies[name])
        assert session is not None
        ids.append(session.id)
    for session_id in ids:  # the second one is not one's own
        assert (await here.post(f"{workspace.base}/sessions/{session_id}/revoke")).status == 303
    assert (await second.get(f"{workspace.base}/library")).status == 401
    assert (await colleague.get(f"{workspace.base}/library")).status == 200
    assert (await here.post(f"{workspace.base}/sessions/revoke-others")).status == 303
    assert (await third.get(f"{workspace.base}/library")).status == 401
    assert (await here.get(f"{workspace.base}/library")).status == 200


async def test_who_is_switched_off_is_out_at_once_and_stays_out(
    world: World, workspace: Workspace, admin: Browser, agent: Browser
) -> None:
    at = f"{workspace.base}/people/{workspace.agent.id}"
    assert (await admin.post(f"{at}/deactivate")).status == 303
    assert (await agent.get(f"{workspace.base}/library")).status == 401
    assert (await admin.post(f"{at}/reactivate")).status == 303
    assert (await agent.get(f"{workspace.base}/library")).status == 401  # the old session is gone


async def test_a_session_ended_tells_scripts_and_turns_people_to_the_form(
    world: World, workspace: Workspace, agent: Browser
) -> None:
    await sessions(world, workspace).end_all(workspace.agent.id)
    script = await agent.get(f"{workspace.base}/library", headers={**PAGE, "HX-Request": "true"})
    assert (script.status, script.slug) == (401, "not-signed-in")
    assert (await agent.page(f"{workspace.base}/library")).status == 303


async def test_agents_do_not_reach_what_admins_do(agent: Browser, workspace: Workspace) -> None:
    for path in ("/people", "/tokens", "/audit"):
        assert (await agent.page(f"{workspace.base}{path}")).status == 403
    refused = await agent.post(f"{workspace.base}/tokens", form={"name": "x", "scopes": "links:read"})
    assert (refused.status, refused.slug) == (403, "not-allowed")
