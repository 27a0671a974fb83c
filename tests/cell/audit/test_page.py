"""The page of the log: filters in its address, pages in both directions, one entry with all that is known of it."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import delete

from cell.actors import SYSTEM
from cell.audit import finding, queries, service
from cell.audit.finding import Filter
from cell.audit.models import SubjectKey
from tests.cell.audit.acts import joined
from tests.cell.browser import Browser
from tests.cell.world import Workspace, World


async def act(world: World, workspace: Workspace, times: int) -> None:
    for _ in range(times):
        await world.link(workspace)


async def shown(world: World, workspace: Workspace, **filters: object) -> list[service.Line]:
    async with world.cell.database.reading(workspace.id) as tx:
        wanted = await finding.wanted(tx, Filter.model_validate(filters))
        return (await service.page(tx, wanted)).lines


def numbers(page: str) -> list[int]:
    """The entries on a page, in their order."""
    return [int(one) for one in re.findall(r'href="/w/[^"]*/audit/(\d+)"', page)]


def link(page: str, text: str) -> str:
    """Where a link with this text leads."""
    found = re.search(rf'<a [^>]*href="([^"]*)"[^>]*>(?:<svg(?:(?!</svg>).)*</svg>)?<span>{text}</span>', page)
    assert found, f"there is no link {text}"
    return unescape(found[1])


async def test_the_page_shows_names_numbers_and_hashes(world: World, workspace: Workspace, admin: Browser) -> None:
    await act(world, workspace, 2)
    page = (await admin.page(f"{workspace.base}/audit")).text
    assert numbers(page) == [3, 2, 1] and "Ben Agent" in page and "token.create" in page
    for line in await shown(world, workspace):
        assert line.hash.hex() in page


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"actor": "ben"}, [4, 3]),
        ({"actor": "BEN.", "action": "link.create"}, [4, 3]),
        ({"actor": "cellcast"}, [1]),
        ({"actor": str(SYSTEM.id)}, [1]),
        ({"actor": "nobody-like-this"}, []),
        ({"actor": "100%_"}, []),
        ({"action": "person."}, [2]),
        ({"action": "person"}, []),
        ({"target": "eve"}, [2]),
        ({"target": "eve", "actor": "ada"}, [2]),
        ({"target": str(UUID(int=1))}, []),
        ({"since": "2001-01-01"}, [4, 3, 2, 1]),
        ({"until": "2001-01-01"}, []),
        ({"since": "0001-01-01", "until": "9999-12-31"}, [4, 3, 2, 1]),
    ],
)
async def test_the_filters(
    world: World, workspace: Workspace, admin: Browser, filters: dict[str, str], found: list[int]
) -> None:
    await joined(world, workspace)
    await act(world, workspace, 2)
    answer = await admin.ask("GET", f"{workspace.base}/audit", query_string=filters, headers={"Accept": "text/html"})
    assert answer.status == 200 and numbers(answer.text) == found
    assert ("Nothing matches this filter" in answer.text) is (not found)


async def test_a_span_of_days_holds_its_last_one(world: World, workspace: Workspace) -> None:
    day = datetime(2031, 5, 7, tzinfo=UTC)
    for moment in (day - timedelta(seconds=1), day, day + timedelta(hours=23, minutes=59), day + timedelta(days=1)):
        with time_machine.travel(moment, tick=False):
            await act(world, workspace, 1)
    spans = [("2031-05-07", "2031-05-07", [4, 3]), ("2031-05-07", None, [5, 4, 3]), (None, "2031-05-06", [2, 1])]
    for since, until, found in spans:
        lines = await shown(world, workspace, since=since, until=until)
        assert [line.seq for line in lines] == found, (since, until)


async def test_a_target_can_be_followed_by_its_id(world: World, workspace: Workspace) -> None:
    made = await world.link(workspace)
    await act(world, workspace, 1)
    assert [line.seq for line in await shown(world, workspace, target=str(made.link.id))] == [2]


async def test_a_longer_log_has_pages_in_both_directions(
    world: World, workspace: Workspace, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "PAGE", 3)
    await act(world, workspace, 7)
    where = f"{workspace.base}/audit?action=link.create"
    page = (await admin.page(where)).text
    assert "Newer entries" not in page
    pages = [numbers(page)]
    for _ in range(2):
        page = (await admin.page(link(page, "Older entries"))).text
        pages.append(numbers(page))
    assert "Older entries" not in page
    assert pages == [[8, 7, 6], [5, 4, 3], [2]]
    page = (await admin.page(link(page, "Newer entries"))).text
    assert numbers(page) == [5, 4, 3]
    assert numbers((await admin.page(link(page, "Newest"))).text) == [8, 7, 6]
    oldest = (await admin.page(link(page, "Oldest"))).text
    assert numbers(oldest) == [4, 3, 2] and "Older entries" not in oldest
    assert numbers((await admin.page(f"{where}&after=999")).text) == [8, 7, 6]  # there is nothing beyond


@pytest.mark.parametrize("query", ["before=0", "before=x", "after=-1", "since=yesterday", "before=9" + "9" * 30])
async def test_an_address_that_means_nothing_is_refused(workspace: Workspace, admin: Browser, query: str) -> None:
    assert (await admin.page(f"{workspace.base}/audit?{query}")).status == 422


async def test_an_entry_shows_everything_that_is_known_of_it(
    world: World, workspace: Workspace, admin: Browser
) -> None:
    await joined(world, workspace)
    page = unescape((await admin.page(f"{workspace.base}/audit/2")).text)
    [line] = await shown(world, workspace, action="person.create")
    [before] = await shown(world, workspace, action="token.create")
    for told in ("person.create", "Ada Admin", "192.0.2.7", "eve@example.com", line.hash.hex(), before.hash.hex()):
        assert told in page
    assert service.shown(line) in page
    first = (await admin.page(f"{workspace.base}/audit/1")).text
    assert "0" * 64 in first and "Older</span>" not in first
    for beyond in ("3", "0", "9" * 40):
        assert (await admin.page(f"{workspace.base}/audit/{beyond}")).status == 404


async def test_somebody_who_was_erased_is_no_longer_named(world: World, workspace: Workspace, admin: Browser) -> None:
    await act(world, workspace, 1)
    async with world.cell.database.writing(workspace.id) as tx:
        await tx.execute(delete(SubjectKey).where(SubjectKey.id == workspace.agent.id))
    for path in ("", "/2"):
        page = (await admin.page(f"{workspace.base}/audit{path}")).text
        assert "Somebody who was erased" in page and "Ben Agent" not in page


async def test_another_workspaces_log_is_not_there(world: World, workspace: Workspace, admin: Browser) -> None:
    other = await world.found()
    for path in ("", "/1", "/head"):
        assert (await admin.get(f"{other.base}/audit{path}")).status == 404


async def test_the_actions_that_occur_are_found_one_by_one(world: World, workspace: Workspace) -> None:
    await act(world, workspace, 3)
    async with world.cell.database.reading(workspace.id) as tx:
        assert list(await tx.all(queries.actions())) == ["link.create", "token.create"]
