"""Each step of the recorder and each page of a closed link: usable by everyone, in the customer's language."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from playwright.async_api import Page, Route, expect

from contracts import links as codec
from tests.deployment import Deployment
from tests.e2e.browsers import Temper, Visits
from tests.e2e.customer import Customer
from tests.e2e.looks import picture, usable
from tests.e2e.office import MadeLink, api

pytestmark = [pytest.mark.stack, pytest.mark.browser]

NOTE = "Please show the moment at which the total changes. You need not enter your card."


@asynccontextmanager
async def held(page: Page, address: str) -> AsyncIterator[None]:
    """Within it, what the page asks of that address waits; afterwards it goes through."""
    released = asyncio.Event()

    async def hold(route: Route) -> None:
        await released.wait()
        await route.continue_()

    await page.route(address, hold)
    yield
    released.set()


async def test_each_step_is_usable(visits: Visits, deployment: Deployment) -> None:
    async with api(deployment.description, "eu") as program:
        link = await program.link("The total changes when I go back", note=NOTE, ticket="ACME-1207")
    customer = Customer(await visits.page("eu"))
    page = customer.page
    await customer.opens(link.url)
    await usable(page, "recorder-1-welcome")
    await customer.presses("screen")
    await customer.at("preview")
    await page.get_by_role("switch").check()
    await usable(page, "recorder-3-preview")
    async with held(page, "**/recordings"):
        await customer.presses("start")
        await customer.at("countdown")
        await usable(page, "recorder-4-countdown")
    await customer.at("recording")
    await customer.records_until(1)
    await usable(page, "recorder-5-recording")
    await customer.stops()
    await usable(page, "recorder-6-review")
    async with held(page, "**/finish"):
        await customer.presses("send")
        await customer.at("sending")
        await usable(page, "recorder-7-sending")
    await customer.at("done")
    await customer.is_told_it_is_ready()
    await usable(page, "recorder-8-done")


async def test_the_ways_out_are_usable(visits: Visits, deployment: Deployment) -> None:
    async with api(deployment.description, "eu") as program:
        link = await program.link("The total changes when I go back", max_uses=2)
    asking = Customer(await visits.page("eu", Temper.ASKING))
    await asking.opens(link.url)
    await asking.presses("screen")
    await asking.at("permission")
    await usable(asking.page, "recorder-2-permission")
    refusing = Customer(await visits.page("eu", Temper.REFUSING))
    await refusing.opens(link.url)
    await refusing.presses("screen")
    await refusing.sees_trouble("screen-not-shared")
    await usable(refusing.page, "recorder-problem")


async def test_what_an_earlier_tab_left_behind_is_offered_again(visits: Visits, deployment: Deployment) -> None:
    async with api(deployment.description, "eu") as program:
        link = await program.link("The total changes when I go back", max_uses=2)
        customer = Customer(await visits.page("eu"))
        await customer.opens(link.url)
        await customer.starts("screen")
        await customer.records_until(2)
        spooled = await customer.stops()
        await customer.page.close(run_before_unload=False)
        again = Customer(await customer.page.context.new_page())
        await again.opens(link.url)
        await again.at("recovery")
        await usable(again.page, "recorder-recovery")
        await again.presses("resume-upload")
        await again.at("done")
        await again.is_told_it_is_ready()
        made = await program.recording(spooled.recording_id)
        assert made["state"] == "ready"
        assert await program.uses(link) == 1


@pytest.mark.parametrize(("language", "direction"), [("de", "ltr"), ("ar", "rtl")])
async def test_the_recorder_speaks_the_customers_language(
    language: str, direction: str, visits: Visits, deployment: Deployment
) -> None:
    async with api(deployment.description, "eu") as program:
        link = await program.link("The total changes when I go back", note=NOTE)
    customer = Customer(await visits.page("eu", locale=language))
    await customer.opens(link.url)
    html = customer.page.locator("html")
    await expect(html).to_have_attribute("lang", language)
    await expect(html).to_have_attribute("dir", direction)
    for text in ("Record my screen", "Nothing is installed", "asks you to show"):
        await expect(customer.page.get_by_text(text)).to_have_count(0)
    await usable(customer.page, f"recorder-1-welcome-{language}")
    await customer.presses("screen")
    await customer.at("preview")
    await usable(customer.page, f"recorder-3-preview-{language}")


async def _expire(deployment: Deployment, link: MadeLink) -> None:
    """Put the link's end into the past, where an hour's link is an hour later."""
    database = await asyncpg.connect(deployment.superuser_dsn("eu-1"))
    try:
        async with database.transaction():
            await database.execute("select open_write($1)", deployment.description.workspace("eu").id)
            await database.execute("update links set expires_at = now() - interval '1 hour' where id = $1", link.id)
    finally:
        await database.close()


@pytest.mark.parametrize("reason", ["expired", "used-up", "revoked", "not-found"])
async def test_a_closed_link_says_why(reason: str, visits: Visits, deployment: Deployment) -> None:
    visits.tolerate("status of 4(04|10)")
    async with api(deployment.description, "eu") as program:
        link = await program.link("The total changes when I go back", max_uses=1)
        url = link.url
        match reason:
            case "expired":
                await _expire(deployment, link)
            case "revoked":
                await program.revoke(link)
            case "used-up":
                customer = Customer(await visits.page("eu"))
                await customer.opens(url)
                await customer.starts("screen")
            case _:
                workspace = deployment.description.workspace("eu")
                url = codec.address(deployment.description.router.url, workspace.key, codec.new_secret(workspace.key))
    for language in ("en", "ar"):
        page = await visits.page("eu", locale=language)
        answer = await page.goto(url)
        assert answer is not None
        assert answer.status == (404 if reason == "not-found" else 410)
        await expect(page.locator("body")).to_have_attribute("data-reason", reason)
        await (usable if language == "en" else picture)(page, f"closed-{reason}-{language}")
