"""The page by which people find their workspaces: the same answer to all, and every cell of the region is asked."""

from collections.abc import AsyncIterator

import pytest

from tests.cell.browser import Answer, Browser
from tests.control_plane.saml import region as regions
from tests.control_plane.saml.region import EmulatedCell, Region
from tests.waiting import eventually


@pytest.fixture(scope="module")
async def opened_region(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Region]:
    async with regions.opened(redis_url, tmp_path_factory.mktemp("feed"), finds_per_hour=3) as made:
        yield made


@pytest.fixture
def region(opened_region: Region) -> Region:
    opened_region.cell.__dict__.update(EmulatedCell().__dict__)
    return opened_region


async def find(browser: Browser, email: str, **headers: str) -> Answer:
    return await browser.post("/find", form={"email": email}, headers={"Accept": "text/html", **headers})


async def test_every_cell_of_the_region_is_asked(region: Region) -> None:
    browser = region.browser()
    page = await browser.page("/find")
    assert page.status == 200 and 'action="/find"' in page.text
    answer = await find(browser, "ada@customer.example", **{"Accept-Language": "de"})
    assert answer.status == 200 and "Gehört ada@customer.example zu einem Arbeitsbereich" in answer.text
    await eventually(lambda: len(region.cell.finds) == 2, 5)
    assert {cell for cell, _ in region.cell.finds} == {"eu-1", "eu-2"}
    said = region.cell.finds[0][1]
    assert (said.email, said.language) == ("ada@customer.example", "de")
    assert browser.address not in said.address and len(said.address) == 32


async def test_the_answer_is_the_same_with_the_cells_away(region: Region) -> None:
    here = await find(region.browser(), "ada@customer.example")
    region.cell.away = True
    away = await find(region.browser(), "ada@customer.example")
    assert (away.status, away.text) == (here.status, here.text)


@pytest.mark.parametrize("email", ["", "ada", "ada@", "@customer.example", "a" * 250 + "@customer.example", "<b>@x.y"])
async def test_what_is_no_address_is_said_at_its_field(region: Region, email: str) -> None:
    answer = await find(region.browser(), email)
    assert answer.status == 422 and "not an e-mail address" in answer.text and "<b>" not in answer.text
    assert not region.cell.finds


async def test_an_address_asks_three_times_an_hour(region: Region) -> None:
    browser = region.browser()
    statuses = [(await find(browser, f"{number}@customer.example")).status for number in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    assert (await find(region.browser(), "ada@customer.example")).status == 200
