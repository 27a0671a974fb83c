"""The library: what is found, in which tab, live, and what agents may do with a recording."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from cell.library import events
from cell.library.routes import PAGE as PAGE_SIZE
from cell.sessions import cookies
from cell.sessions.store import Sessions
from cell.sessions.subjects import Member
from cell.workspaces.models import Workspace as WorkspaceRow
from kit import live
from kit.database import now
from tests.cell.browser import PAGE, Browser
from tests.cell.recordings.sending import PIECES, begun
from tests.cell.world import PASSWORD, Workspace, World
from tests.waiting import eventually

HERE = "192.0.2.7"
SCRIPT = {"HX-Request": "true", "Accept": "text/html"}


async def test_it_is_searched_and_filtered(world: World, workspace: Workspace, agent: Browser) -> None:
    for title in ("Broken cart", "Payment fails"):
        await begun(world, workspace, title=title, ticket="T-9")
    at = f"{workspace.base}/library"
    assert {"Broken cart", "Payment fails"} <= set(await shown(agent, at))
    assert await shown(agent, f"{at}?q=CART") == ["Broken cart"]
    assert len(await shown(agent, f"{at}?q=t-9")) == 2
    assert await shown(agent, f"{at}?state=ready") == []
    assert len(await shown(agent, f"{at}?state=recording")) == 2
    assert (await agent.page(f"{at}?state=nonsense")).status == 422


async def shown(browser: Browser, path: str) -> list[str]:
    text = (await browser.get(path, headers=SCRIPT)).text
    return [title for title in ("Broken cart", "Payment fails") if title in text]


async def test_a_long_library_has_pages(world: World, workspace: Workspace, agent: Browser) -> None:
    link = await world.link(workspace, max_uses=1000)
    from tests.cell.recordings.sending import start

    for _ in range(PAGE_SIZE + 2):
        assert (await start(world, workspace, link))[0].status == 201
    first = (await agent.get(f"{workspace.base}/library", headers=SCRIPT)).text
    cursor = first.partition("cursor=")[2].partition('"')[0].partition("&")[0]
    second = (await agent.get(f"{workspace.base}/library?cursor={cursor}", headers=SCRIPT)).text
    rows = [text.count(f'href="{workspace.base}/recordings/') for text in (first, second)]
    assert rows[1] > 0 and rows[0] == rows[1] // 2 * PAGE_SIZE


async def test_a_recording_is_renamed(world: World, workspace: Workspace, agent: Browser) -> None:
    sending = await begun(world, workspace)
    at = f"{workspace.base}/recordings/{sending.id}"
    assert (await agent.post(f"{at}/rename", form={"title": "<b>New</b>"})).status == 303
    page = (await agent.page(at)).text
    assert "&lt;b&gt;New&lt;/b&gt;" in page and "<b>New</b>" not in page
    assert (await agent.post(f"{at}/rename", form={"title": ""}, headers=SCRIPT)).status == 422
    assert (await agent.post(f"{at}/rename", form={"title": "x" * 201}, headers=SCRIPT)).status == 422
    assert (await sending.there()).title == "<b>New</b>"


async def test_a_row_is_shown_only_where_the_filter_shows_it(
    world: World, workspace: Workspace, agent: Browser
) -> None:
    sending = await begun(world, workspace, title="Broken cart")
    at = f"{workspace.base}/recordings/{sending.id}/row"
    assert (await agent.get(at, headers=SCRIPT)).status == 200
    assert (await agent.get(f"{at}?q=cart&state=recording", headers=SCRIPT)).status == 200
    assert (await agent.get(f"{at}?state=ready", headers=SCRIPT)).status == 204
    assert (await agent.get(f"{at}?q=nothing", headers=SCRIPT)).status == 204


# -- live --------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def who(world: World, workspace: Workspace) -> Member:
    sessions = Sessions(world.cell.redis, workspace.key, workspace.id)
    session = await sessions.find((await sessions.begin(workspace.agent.id, "Firefox", HERE)).text)
    assert session is not None
    row = WorkspaceRow(key=workspace.key, name="Acme", created_at=now())
    row.workspace_id = workspace.id
    return Member(row, workspace.agent, session)


async def next_event(stream: AsyncIterator[bytes]) -> tuple[str, dict[str, str]]:
    async with asyncio.timeout(60):
        async for block in stream:
            lines = block.decode().splitlines()
            if lines and lines[0].startswith("event: "):
                return lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: "))
    raise AssertionError("the stream ended")


async def test_a_page_hears_each_change_of_its_own_workspace(world: World, workspace: Workspace, who: Member) -> None:
    stream = events.stream(world.cell, who, HERE, asyncio.Event())
    assert await next_event(stream) == ("hello", {})
    await begun(world, await world.found())  # somebody else's
    sending = await begun(world, workspace)
    assert await next_event(stream) == ("recording", {"id": str(sending.id), "state": "created"})
    await sending.send(PIECES)
    assert await next_event(stream) == ("recording", {"id": str(sending.id), "state": "recording"})
    await sending.finish(PIECES)
    assert await next_event(stream) == ("recording", {"id": str(sending.id), "state": "finishing"})
    await stream.aclose()  # type: ignore[attr-defined]  # an async generator


async def test_a_page_whose_session_has_ended_hears_no_more(world: World, workspace: Workspace, who: Member) -> None:
    stream = events.stream(world.cell, who, HERE, asyncio.Event())
    assert await next_event(stream) == ("hello", {})
    await Sessions(world.cell.redis, workspace.key, workspace.id).end(workspace.agent.id, who.session.id)
    async with asyncio.timeout(60):
        assert [block async for block in stream if b"event:" in block] == []


async def test_a_page_hears_no_more_when_the_process_stops(world: World, who: Member) -> None:
    stop = asyncio.Event()
    stream = events.stream(world.cell, who, HERE, stop)
    assert await next_event(stream) == ("hello", {})
    stop.set()
    async with asyncio.timeout(60):
        assert [block async for block in stream if b"event:" in block] == []


@pytest.mark.parametrize("act", ["sign-in", "prove"])
async def test_what_listens_by_a_word_that_was_replaced_is_told_so(
    world: World, workspace: Workspace, agent: Browser, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    """A copy of the cookie hears no more from the moment on at which its owner signs in anew, or rises."""
    monkeypatch.setattr(events, "CHECK_S", 3600)
    sessions = Sessions(world.cell.redis, workspace.key, workspace.id)
    session = await sessions.find(agent.cookies[cookies.name(workspace.key)])
    assert session is not None
    row = WorkspaceRow(key=workspace.key, name="Acme", created_at=now())
    row.workspace_id = workspace.id
    heard = list[bytes]()

    async def listen() -> None:
        async for block in events.stream(world.cell, Member(row, workspace.agent, session), HERE, asyncio.Event()):
            heard.append(block)

    listening = asyncio.create_task(listen())
    await eventually(lambda: len(heard) == 2, 10)
    await live.tell(world.cell.redis, workspace.id, "recording", {})
    await eventually(lambda: len(heard) == 3, 10)  # from here on it waits for the next
    form = {"password": PASSWORD} | ({"email": workspace.agent.email} if act == "sign-in" else {})
    assert (await agent.post(f"{workspace.base}/{act}", form=form, headers=PAGE)).status == 303
    await asyncio.wait_for(listening, 60)
