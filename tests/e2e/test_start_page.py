"""The start page of sign-ins in a real browser: a domain leads to the workspace, and nothing else is sent."""

import asyncio
import re
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
from playwright.async_api import Page, expect

from kit.localhost import connector
from tests.deployment import Deployment
from tests.e2e import as_cell, traces
from tests.e2e.browsers import Visits
from tests.e2e.looks import usable
from tests.e2e.waiting import until

pytestmark = [pytest.mark.stack, pytest.mark.browser]

DOMAIN, SHARED = "start-page.example", "shared-start-page.example"
EMAIL = f"ada.lovelace@{DOMAIN}"


async def leads_to(deployment: Deployment, domain: str) -> str:
    """Where the start page sends a browser with this domain; empty where it asks."""
    url = f"{deployment.description.router.url}/sign-in"
    async with (
        aiohttp.ClientSession(connector=connector()) as http,
        http.get(url, params={"domain": domain}, allow_redirects=False) as answer,
    ):
        return answer.headers.get("Location", "")


@pytest.fixture
async def verified(deployment: Deployment) -> AsyncIterator[str]:
    """Domains that the front door knows; the sign-in page that the first leads to."""
    facts = deployment.description
    workspace = facts.workspace("eu")
    await as_cell.set_domains(deployment, "us", SHARED)
    begun = time.monotonic()
    await as_cell.set_domains(deployment, "eu", DOMAIN, SHARED)

    async def known() -> bool:
        return bool(await leads_to(deployment, DOMAIN))

    await until(known, 10)
    assert time.monotonic() - begun < 2  # the router's own test has the second; here all of a stack is busy beside it
    yield f"{facts.cells[workspace.cell].url}/w/{workspace.key}/sign-in"
    await asyncio.gather(*(as_cell.set_domains(deployment, region) for region in ("eu", "us")))


def asked_by(page: Page) -> list[str]:
    """Every address that the page asks for from now on, with what it sends there."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.url} {request.headers} {request.post_data}"))
    return asked


async def test_an_address_leads_to_the_workspace_and_stays_in_the_browser(
    visits: Visits, deployment: Deployment, verified: str
) -> None:
    page = await visits.page("eu")
    asked = asked_by(page)
    await page.goto(deployment.description.router.url)
    await page.get_by_role("link", name="Sign in to your workspace").click()
    await page.get_by_label("Work e-mail").fill(EMAIL)
    await page.keyboard.press("Enter")
    await page.wait_for_url(verified)
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert any(f"domain={DOMAIN}" in one for one in asked)
    assert not any("ada" in one for one in asked)


@pytest.mark.parametrize("typed", [DOMAIN, EMAIL, f" {EMAIL.upper()} "])
async def test_without_a_script_the_domain_is_asked_for_and_an_address_does_no_harm(
    visits: Visits, deployment: Deployment, verified: str, typed: str
) -> None:
    page = await visits.page("eu", java_script_enabled=False)
    await page.goto(f"{deployment.description.router.url}/sign-in")
    await page.get_by_label("Your company's domain").fill(typed)
    await page.get_by_role("button", name="Continue").click()
    await page.wait_for_url(verified)


async def test_whoever_shares_a_domain_goes_on_with_the_key(
    visits: Visits, deployment: Deployment, verified: str
) -> None:
    page = await visits.page("eu")
    asked = asked_by(page)
    facts = deployment.description
    await page.goto(f"{facts.router.url}/sign-in")
    await page.get_by_label("Work e-mail").fill(f"ada.lovelace@{SHARED}")
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Which workspace is yours?")
    for region, name in {"eu": "European Union", "us": "United States"}.items():
        link = page.get_by_role("link", name=name)
        await expect(link).to_have_attribute("href", f"{facts.provisioning[region].url}/find")
    key = page.get_by_label("Workspace key")
    visits.tolerate("status of 404")
    await key.fill("bcdfgh99")
    await key.press("Enter")
    await expect(page.get_by_label("Workspace key")).to_have_accessible_description(re.compile("No workspace has this"))
    await page.get_by_label("Workspace key").fill(f"{facts.router.url}/{facts.workspace('eu').key}-pasted")
    await page.keyboard.press("Enter")
    await page.wait_for_url(verified)
    assert not any("ada" in one for one in asked)


async def test_domains_are_kept_outside_the_cells_as_keyed_hashes_alone(deployment: Deployment, verified: str) -> None:
    words = {"domain": DOMAIN.encode(), "shared": SHARED.encode()}
    assert await traces.found_globally(deployment, words) == {}
    # The hash is where the domain would be, so this looks at the right places.
    hashed = {"hash": as_cell.hashed(deployment, DOMAIN).encode()}
    places = " ".join(await traces.found_globally(deployment, hashed))
    assert "registry public.domains" in places and "registry public.feed_events" in places and "routing.mdb" in places


async def test_a_deep_link_survives_the_sign_in(visits: Visits, deployment: Deployment) -> None:
    facts = deployment.description
    workspace = facts.workspace("eu")
    page = await visits.page("eu")
    await page.goto(f"{facts.router.url}/w/{workspace.key}/links?q=cart")
    await page.get_by_label("E-mail").fill(workspace.agent.email)
    await page.get_by_label("Password").fill(workspace.agent.password)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.wait_for_url("**/links?q=cart")


@pytest.mark.parametrize(("language", "direction"), [("en", "ltr"), ("de", "ltr"), ("ar", "rtl")])
async def test_its_pages_are_usable_in_every_language(
    visits: Visits, deployment: Deployment, language: str, direction: str
) -> None:
    visits.tolerate("status of 404")
    page = await visits.page("eu", locale=language)
    url = f"{deployment.description.router.url}/sign-in"
    for name, query in {"ask": "", "choose": "?domain=nobody.example", "no-key": "?workspace=acme"}.items():
        await page.goto(url + query)
        await expect(page.locator("html")).to_have_attribute("dir", direction)
        await expect(page.locator("html")).to_have_attribute("lang", language)
        await usable(page, f"start-{name}-{language}")
