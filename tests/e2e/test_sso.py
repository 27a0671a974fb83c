"""Single sign-on in a real browser and a whole deployment: set up by its pages alone, used, enforced, attacked."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest
from playwright.async_api import Page, StorageState, expect

from tests.control_plane.saml.idp import Signer
from tests.deployment import Deployment, own_stack
from tests.e2e import foreign, idp
from tests.e2e.browsers import Browsers, Visits
from tests.e2e.company import Company
from tests.e2e.foreign import Foreigners
from tests.e2e.idp import Person, Provider
from tests.e2e.looks import usable
from tests.servers.dns import Names, name_server

# The first test of several waits for a stack and for what two companies' admins do.
pytestmark = [pytest.mark.stack, pytest.mark.browser]

Acme = Company[Provider]

GLOBAL = ("control-plane", "control-plane-postgres")
REGIONS = ("eu", "us")
PAGES = ("sso", "sso?choose=1", "sso/provider?vendor=entra", "sso/mapping", "sso/test", "domains", "sign-ins")


@pytest.fixture(scope="module")
def names() -> Iterator[Names]:
    with name_server() as made:
        yield made


@pytest.fixture(scope="module")
def whole(names: Names) -> Iterator[Deployment]:
    """A stack of its own that asks the tests' name server about domains."""
    with own_stack(
        *(word for one in REGIONS for word in ("--set", f"provisioning-{one}:NAME_SERVER={names.address}"))
    ) as made:
        yield made


@pytest.fixture(scope="module")
async def companies(whole: Deployment, names: Names) -> AsyncIterator[dict[str, Acme]]:
    async with AsyncExitStack() as stack:
        made = {}
        for region in REGIONS:
            provider = await stack.enter_async_context(idp.running(f"idp-{region}"))
            workspace = whole.description.workspace(region)
            made[region] = Company(workspace, f"acme-company-{region}.example", provider, whole, names)
        yield made


def somebody(company: Acme, name: str, *groups: str) -> Person:
    """Somebody of the company as its identity provider knows them."""
    email = f"{name}@{company.domain}"
    said = {"email": [email], "firstName": [name.title()], "lastName": ["Example"], "groups": [*groups]}
    return Person(email, said)


async def chooses(page: Page, person: Person) -> None:
    """At the identity provider, say who one is."""
    await page.get_by_role("button", name=person.name_id, exact=True).click()


async def signs_in(company: Acme, page: Page, person: Person, path: str = "library") -> None:
    """From a page of the workspace through the identity provider back to it."""
    await page.goto(f"{company.agent(page).base}/{path}")
    await page.get_by_role("button", name="Sign in through your company").click()
    await chooses(page, person)
    await page.wait_for_url(f"{company.cell}/{path}")


async def setting_up(company: Acme, visits: Visits) -> Page:
    """What an admin does by the pages alone, from the domain to the switch; the admin's page."""
    page = await company.begins(visits)
    await page.get_by_role("link", name="Okta").click()
    await page.get_by_label("Metadata address").fill(company.provider.metadata_url)
    await page.get_by_role("button", name="Save and go on").first.click()
    await page.wait_for_url("**/sso/mapping")
    await page.get_by_label("Group 1").fill("Leads")
    await page.get_by_label("Role 1").select_option("admin")
    await page.get_by_text("Create people when they first sign in").click()
    await page.get_by_text("Assertions have to be encrypted").click()
    await page.get_by_role("button", name="Save and go on").click()
    await page.wait_for_url("**/sso/test")
    await _test(company, page)
    await company.agent(page).opens("sso")
    await page.get_by_role("button", name="Switch on").click()
    await expect(page.get_by_text("On, beside passwords")).to_be_visible()
    return page


async def _test(company: Acme, page: Page) -> None:
    me = Person(company.agent(page).workspace.admin.email, {"groups": ["Leads"]})
    company.provider.people[:] = [me]
    company.provider.encrypts = True
    async with page.context.expect_page() as opened:
        await page.get_by_role("button", name="Begin the test").click()
    popup = await opened.value
    await chooses(popup, me)
    await expect(popup.get_by_text("would come in")).to_be_visible()
    await expect(popup.get_by_role("row", name=re.compile("groups.*Leads"))).to_be_visible()
    await popup.close()
    await expect(page.locator("#last-test").get_by_text("would come in")).to_be_visible()


@pytest.fixture(scope="module")
async def connected(browsers: Browsers, companies: dict[str, Acme]) -> dict[str, Acme]:
    """Both companies have set it up; each by its own admin."""
    for company in companies.values():
        visits = Visits(browsers, company.deployment.description)
        await setting_up(company, visits)
        await visits.close()
        assert not visits.faults, "\n".join(visits.faults)
    return companies


@pytest.mark.parametrize("region", REGIONS)
async def test_somebody_new_lands_where_they_wanted_in_the_role_of_their_group(
    region: str, connected: dict[str, Acme], own_visits: Visits
) -> None:
    company = connected[region]
    company.tolerated(own_visits)
    lead, agent = somebody(company, "leah", "Leads", "Support"), somebody(company, "sam", "Support")
    company.provider.people[:] = [lead, agent]
    page = await own_visits.page(region)
    await signs_in(company, page, lead, "people?q=leah")
    await expect(page.get_by_role("link", name="Leah Example")).to_be_visible()
    other = await own_visits.page(region)
    await signs_in(company, other, agent)
    await expect(other.get_by_role("link", name="People")).to_have_count(0)
    await page.goto(f"{company.cell}/sign-ins")
    await expect(page.get_by_text("Sam Example")).to_be_visible()


@pytest.fixture(scope="module")
async def foreigners(
    browsers: Browsers, whole: Deployment, names: Names, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Foreigners]:
    async with AsyncExitStack() as stack:
        yield Foreigners(stack, browsers, whole, names, tmp_path_factory.mktemp("idps"))


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("kind", foreign.KINDS)
async def test_through_a_product_of_others_people_come_in_by_their_address_in_the_role_of_their_group(
    kind: str, region: str, foreigners: Foreigners, own_visits: Visits
) -> None:
    company = await foreigners.at(kind, region)
    company.tolerated(own_visits)
    page, other = [await own_visits.page(region) for _ in range(2)]
    await foreign.signs_in(company, other, "bob")
    await foreign.signs_in(company, page, "ada")
    await page.goto(f"{company.cell}/people")
    await expect(page.get_by_role("row", name="Ada Lovelace")).to_contain_text("Admin")
    await expect(page.get_by_role("row", name="Bob O'Brien & <Söhne>")).to_contain_text("Agent")
    await expect(other.get_by_role("link", name="People")).to_have_count(0)
    await page.goto(f"{company.cell}/sign-ins?name=ada")
    await page.locator("td a").first.click()
    await expect(page.get_by_role("row", name="groups")).to_contain_text("support")


async def test_the_sign_in_pages_are_usable(connected: dict[str, Acme], own_visits: Visits) -> None:
    company = connected["eu"]
    company.tolerated(own_visits)
    page = await own_visits.page("eu")
    await page.goto(f"{company.cell}/sign-in")
    await usable(page, "sign-in-both")
    for language in ("de", "ar"):
        reader = await own_visits.page("eu", locale=language)
        await reader.goto(f"{company.cell}/sign-in")
        await usable(reader, f"sign-in-both-{language}")


@pytest.fixture(scope="module")
async def lead(browsers: Browsers, connected: dict[str, Acme]) -> StorageState:
    """The profile of an admin who signed in through the identity provider."""
    company, visits = connected["eu"], Visits(browsers, connected["eu"].deployment.description)
    company.tolerated(visits)
    person = somebody(company, "leah", "Leads")
    company.provider.people[:] = [person]
    page = await visits.page("eu")
    await signs_in(company, page, person)
    state = await page.context.storage_state()
    await visits.close()
    return state


@pytest.mark.parametrize("language", ["en", "de", "ar"])
@pytest.mark.parametrize("path", PAGES)
async def test_a_page_of_setting_it_up_is_usable(
    path: str, language: str, connected: dict[str, Acme], lead: StorageState, own_visits: Visits
) -> None:
    page = await own_visits.page("eu", locale=language, storage_state=lead)
    await page.goto(f"{connected['eu'].cell}/{path}")
    await expect(page.locator("html")).to_have_attribute("dir", "rtl" if language == "ar" else "ltr")
    await usable(page, f"{re.sub('[^a-z]+', '-', path)}-{language}")


async def test_what_a_test_shows_is_usable(connected: dict[str, Acme], lead: StorageState, own_visits: Visits) -> None:
    page = await own_visits.page("eu", storage_state=lead)
    await page.goto(f"{connected['eu'].cell}/sign-ins?purpose=test")
    reference = await page.locator("td a").first.inner_text()
    await page.goto(f"{connected['eu'].cell}/sso/tests/{reference}")
    await usable(page, "sso-test-shown")


async def test_the_link_that_goes_on_at_once_does(connected: dict[str, Acme], own_visits: Visits) -> None:
    company = connected["eu"]
    company.tolerated(own_visits)
    person = somebody(company, "sam", "Support")
    company.provider.people[:] = [person]
    page = await own_visits.page("eu")
    await page.goto(f"{company.cell}/sign-in?sso=1")
    await chooses(page, person)
    await page.wait_for_url(f"{company.cell}/library")


async def test_an_answer_by_another_key_is_refused_and_says_why(connected: dict[str, Acme], own_visits: Visits) -> None:
    company = connected["eu"]
    company.tolerated(own_visits)
    own_visits.tolerate("status of 403")
    person, right = somebody(company, "sam", "Support"), company.provider.signer
    company.provider.people[:] = [person]
    company.provider.signer = Signer.new()
    try:
        page = await own_visits.page("eu")
        await page.goto(f"{company.cell}/sign-in")
        await page.get_by_role("button", name="Sign in through your company").click()
        await chooses(page, person)
        reference = await page.locator("code").inner_text()
    finally:
        company.provider.signer = right
    assert re.fullmatch("[0-9a-z]{10}", reference) and not await _sessions(page)
    admin = company.agent(await own_visits.page("eu"))
    await admin.signs_in("admin")
    await admin.opens(f"sign-ins?name={reference}")
    await admin.page.get_by_role("link", name=reference).click()
    await expect(admin.page.get_by_text("upload the new one")).to_be_visible()
    await usable(admin.page, "sign-in-line")
    await admin.opens("sign-ins")
    await usable(admin.page, "sign-ins")


async def test_an_answer_of_another_companys_provider_opens_nothing(
    connected: dict[str, Acme], own_visits: Visits
) -> None:
    """Begun at one workspace, answered with the other's key and name, for the same person's address."""
    eu, us = connected["eu"], connected["us"]
    eu.tolerated(own_visits)
    own_visits.tolerate("status of 403")
    victim = Person(eu.agent(await own_visits.page("eu")).workspace.admin.email)
    eu.provider.people[:] = [victim]
    right, eu.provider.signer = eu.provider.signer, us.provider.signer
    try:
        page = await own_visits.page("eu")
        await page.goto(f"{eu.cell}/sign-in")
        await page.get_by_role("button", name="Sign in through your company").click()
        await chooses(page, victim)
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
    finally:
        eu.provider.signer = right
    assert not await _sessions(page)


async def _sessions(page: Page) -> list[str]:
    """The sessions that a browser holds."""
    names = [str(one.get("name")) for one in await page.context.cookies()]
    return [name for name in names if name.startswith("__Host-s-")]


async def test_with_the_global_control_plane_gone_people_sign_in(
    connected: dict[str, Acme], foreigners: Foreigners, own_visits: Visits
) -> None:
    """Also after cells and provisioning have started again."""
    whole = connected["eu"].deployment
    own_visits.tolerate("CONNECTION_REFUSED .*/events")  # pages that are open while their cell starts again
    others = [await foreigners.at(kind, region) for kind in foreign.KINDS for region in REGIONS]
    names = [f"{cell}-web" for cell in whole.description.cells] + [f"provisioning-{one}" for one in REGIONS]
    await asyncio.to_thread(whole.stop, *GLOBAL)
    try:
        for again in (False, True):
            if again:
                await asyncio.to_thread(whole.restart, *names)
            for company in connected.values():
                company.tolerated(own_visits)
                person = somebody(company, "sam", "Support")
                company.provider.people[:] = [person]
                await signs_in(company, await own_visits.page(company.region), person)
        for other in others:
            other.tolerated(own_visits)
            await foreign.signs_in(other, await own_visits.page(other.region), "bob")
        assert not any(whole.runs(name) for name in GLOBAL)
    finally:
        await asyncio.to_thread(whole.start, *reversed(GLOBAL))


async def test_enforced_it_is_the_only_way_and_owners_get_in(connected: dict[str, Acme], own_visits: Visits) -> None:
    company = connected["us"]
    company.tolerated(own_visits)
    own_visits.tolerate("status of 401")
    admin = company.agent(await own_visits.page("us"))
    await admin.signs_in("admin")
    await admin.opens("sso")
    await admin.page.get_by_role("link", name="Make it the only way in").click()
    await expect(admin.page.get_by_text("Alex Admin")).not_to_have_count(0)  # who keeps a password
    await usable(admin.page, "sso-enforce")
    await admin.page.get_by_role("button", name="Make it the only way in").click()
    await expect(admin.page.locator(".badge", has_text="The only way in")).to_be_visible()
    page = await own_visits.page("us")
    await page.goto(f"{company.cell}/sign-in")
    await expect(page.get_by_label("Password")).to_have_count(0)
    await usable(page, "sign-in-enforced")
    await page.get_by_role("link", name="Owners: sign in with a password").click()
    login = company.agent(page).workspace.agent
    await page.get_by_label("E-mail").fill(login.email)
    await page.get_by_label("Password").fill(login.password)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await expect(page.get_by_role("alert")).to_be_visible()
    login = company.agent(page).workspace.admin
    await page.get_by_label("E-mail").fill(login.email)
    await page.get_by_label("Password").fill(login.password)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.wait_for_url("**/library")
