"""Companies whose identity provider is a product that others wrote: how they connect it, and sign in by it."""

import asyncio
import json
import subprocess
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from playwright.async_api import Page, expect

from kit.localhost import connector
from stack.description import Login, Workspace
from tests.deployment import CELLCAST, Deployment
from tests.e2e.browsers import Browsers, Visits
from tests.e2e.company import Company
from tests.idps.running import IdentityProvider, running
from tests.servers.dns import Names

KINDS = ("pysaml2", "samlify")
Foreign = Company[IdentityProvider]


@dataclass
class Foreigners:
    """One company for each product and region, made when a test first asks; all of it ends with `stack`."""

    stack: AsyncExitStack
    browsers: Browsers
    whole: Deployment
    names: Names
    folder: Path
    made: dict[tuple[str, str], Foreign] = field(default_factory=dict)

    async def at(self, kind: str, region: str) -> Foreign:
        """A company with a new workspace, whose provider encrypts what it says; it is connected and switched on."""
        if (kind, region) not in self.made:
            domain = f"{kind}-{region}.example"
            folder = self.folder / domain
            provider = self.stack.enter_context(running(kind, folder, encrypts=True, domain=domain))
            workspace = await asyncio.to_thread(_workspace, self.whole, region, f"admin@{domain}")
            company = Company(workspace, domain, provider, self.whole, self.names)
            visits = Visits(self.browsers, self.whole.description)
            await connects(company, visits)
            await visits.close()
            assert not visits.faults, "\n".join(visits.faults)
            self.made[kind, region] = company
        return self.made[kind, region]


def _workspace(whole: Deployment, region: str, email: str) -> Workspace:
    """As an operator makes one, with an owner who has a password."""
    who = ("--company", "Foreign", "--email", email, "--name", "Alex Admin", "--region", region)
    command = [str(CELLCAST), "workspaces", "create", *who, "--stack", str(whole.folder.description), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    admin = Login(email=email, password=made["password"])
    return Workspace(key=made["key"], id=made["id"], region=made["region"], cell=made["cell"], admin=admin, agent=admin)


async def connects(company: Foreign, visits: Visits) -> None:
    """Metadata both ways, groups to roles, a test, the switch: all by the pages."""
    page = await company.begins(visits)
    await page.get_by_role("link", name="Another one").click()
    ours = await page.get_by_label("Our metadata, if it reads that instead").input_value()
    async with aiohttp.ClientSession(connector=connector()) as http, http.get(ours) as answer:
        await company.provider.trust(await answer.read())
    await _brings_theirs(company, page)
    await page.wait_for_url("**/sso/mapping")
    await page.get_by_label("E-mail address").fill(company.provider.mail)
    await page.get_by_label("Group 1").fill("support")
    await page.get_by_label("Role 1").select_option("admin")
    for switch in ("Create people when they first sign in", "Assertions have to be encrypted"):
        await page.get_by_text(switch).click()
    await page.get_by_role("button", name="Save and go on").click()
    await page.wait_for_url("**/sso/test")
    async with page.context.expect_page() as opened:
        await page.get_by_role("button", name="Begin the test").click()
    popup = await opened.value
    await says_who(popup, "ada")
    await expect(popup.get_by_text("A new member would be created: Ada Lovelace. Role: Admin.")).to_be_visible()
    await popup.close()
    await company.agent(page).opens("sso")
    await page.get_by_role("button", name="Switch on").click()
    await expect(page.get_by_text("On, beside passwords")).to_be_visible()


async def _brings_theirs(company: Foreign, page: Page) -> None:
    """Its metadata: pysaml2's as a file, samlify's by its address."""
    save = page.get_by_role("button", name="Save and go on")
    if company.domain.startswith("pysaml2"):
        document = await company.provider.metadata()
        await page.get_by_text("Metadata as a file").click()
        await page.get_by_label("File", exact=True).set_input_files(
            {"name": "idp.xml", "mimeType": "application/samlmetadata+xml", "buffer": document}
        )
        await save.nth(1).click()
    else:
        await page.get_by_label("Metadata address").fill(company.provider.metadata_url)
        await save.first.click()


async def says_who(page: Page, user: str) -> None:
    """At the identity provider, which posts its answer by itself."""
    await page.get_by_label("User name").fill(user)
    await page.get_by_role("button", name="Sign in", exact=True).click()


async def signs_in(company: Foreign, page: Page, user: str) -> None:
    """From the start page, by the work e-mail alone, to the library of the right cell."""
    await page.goto(f"{company.deployment.description.router.url}/sign-in")
    await page.get_by_label("Work e-mail").fill(f"{user}@{company.domain}")
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Sign in through your company").click()
    await says_who(page, user)
    await page.wait_for_url(f"{company.cell}/library")
