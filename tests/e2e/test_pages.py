"""Every page of agents and of the front door: usable by everyone, without a fault, in the visitor's language."""

import secrets
from pathlib import Path

import pytest
from playwright.async_api import expect

from contracts import links as codec
from contracts.audit_check import check, split_lines
from loadtest import media
from loadtest.protocol import begun
from tests.deployment import Deployment
from tests.e2e.browsers import Visits
from tests.e2e.looks import usable
from tests.e2e.office import api
from tests.e2e.signed_in import SignedIn

pytestmark = [pytest.mark.stack, pytest.mark.browser]

PAGES = ("library", "links", "people", "invitations", "tokens", "account", "sessions", "audit")
LANGUAGES = {"de": "ltr", "ar": "rtl"}


@pytest.fixture(scope="session")
async def watched(deployment: Deployment) -> str:
    """A recording that is ready, so that pages have something to show."""
    footage = media.webm(20, width=640, height=360)
    async with api(deployment.description, "eu") as program:
        link = await program.link("The total changes when I go back", ticket="ACME-1207", max_uses=3)
    async with begun(link.url) as (customer, recording):
        await customer.send(recording, media.chunks(footage, 20))
        await customer.finish(recording)
        assert await customer.until_settled(recording, within_s=120) == "ready"
    return recording.id


def _bytes(path: Path) -> bytes:
    return path.read_bytes()


@pytest.mark.parametrize("path", PAGES)
async def test_an_admins_page_is_usable(path: str, signed_in: SignedIn, watched: str) -> None:
    admin = await signed_in("eu", "admin")
    await admin.opens(path)
    await usable(admin.page, path)


async def test_an_entry_of_the_audit_log_and_its_export_are_usable(signed_in: SignedIn, watched: str) -> None:
    admin = await signed_in("eu", "admin")
    await admin.opens("audit?action=link.create")
    await admin.page.locator(".audit-seq a").first.click()
    await expect(admin.page.get_by_role("heading", name="What the hash covers")).to_be_visible()
    await usable(admin.page, "audit-entry")
    await admin.opens("audit?actor=nobody-like-this")
    await usable(admin.page, "audit-none")
    await admin.page.get_by_role("button", name="Export").click()
    await expect(admin.page.get_by_role("dialog", name="Export the audit log")).to_be_visible()
    await usable(admin.page, "audit-export")
    await admin.page.get_by_label("To check it").check()
    async with admin.page.expect_download() as coming:
        await admin.page.get_by_role("dialog").get_by_role("button", name="Export").click()
    whole = check(split_lines([_bytes(await (await coming.value).path())]))
    assert whole.holds and whole.entries == whole.about.last


async def test_the_watch_page_is_usable(signed_in: SignedIn, watched: str) -> None:
    agent = await signed_in("eu")
    await agent.opens(f"recordings/{watched}")
    await agent.page.wait_for_function("() => document.querySelector('video').readyState >= 2")
    await usable(agent.page, "watch")


async def test_the_new_link_dialog_is_usable(signed_in: SignedIn, watched: str) -> None:
    agent = await signed_in("eu")
    await agent.opens("library")
    await agent.page.keyboard.press("n")
    await expect(agent.page.get_by_role("dialog", name="New link")).to_be_visible()
    await usable(agent.page, "new-link")


async def test_the_sign_in_page_is_usable(visits: Visits, deployment: Deployment) -> None:
    page = await visits.page("eu")
    facts = deployment.description
    await page.goto(f"{facts.router.url}/{facts.workspace('eu').key}")
    await usable(page, "sign-in")
    visits.tolerate("status of 401")
    await page.get_by_label("E-mail").fill("nobody@acme.example")
    await page.get_by_label("Password").fill("not the password")
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await usable(page, "sign-in-refused")


async def test_all_components_are_usable(visits: Visits, deployment: Deployment) -> None:
    page = await visits.page("eu")
    await page.goto(f"{deployment.description.cells['eu-1'].url}/ui")
    await usable(page, "ui")


async def test_the_front_doors_pages_are_usable(visits: Visits, deployment: Deployment) -> None:
    visits.tolerate("status of 404")
    facts = deployment.description
    key = facts.workspace("eu").key
    right = codec.new_secret(key)
    mistyped = right[:-1] + ("a" if right[-1] != "a" else "b")
    page = await visits.page("eu")
    for name, path in {"home": "", "unknown": "nothing/here", "mistyped": f"{key}-{mistyped}"}.items():
        await page.goto(f"{facts.router.url}/{path}")
        await usable(page, f"front-door-{name}")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_pages_speak_the_readers_language(language: str, signed_in: SignedIn, watched: str) -> None:
    agent = await signed_in("eu", locale=language)
    for path, name in {"library": "library", "links": "links", f"recordings/{watched}": "watch"}.items():
        await agent.opens(path)
        html = agent.page.locator("html")
        await expect(html).to_have_attribute("lang", language)
        await expect(html).to_have_attribute("dir", LANGUAGES[language])
        await expect(agent.page.get_by_role("button", name="New link").first).to_have_count(0)
        await usable(agent.page, f"{name}-{language}")


async def test_a_search_finds_by_title_and_the_keys_lead_on(signed_in: SignedIn, deployment: Deployment) -> None:
    mark = secrets.token_hex(6)
    async with api(deployment.description, "eu") as program:
        link = await program.link(f"Needle {mark}")
    async with begun(link.url):
        agent = await signed_in("eu")
        await agent.opens_library()
        await agent.page.keyboard.press("/")
        await agent.page.keyboard.type(mark)
        await expect(agent.page.locator("li.recording")).to_have_count(1)
        await agent.page.keyboard.press("ArrowDown")
        await agent.page.keyboard.press("Enter")
        await agent.page.wait_for_url("**/recordings/*")
