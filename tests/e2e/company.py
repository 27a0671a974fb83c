"""A company with a workspace, domains of its own, and an identity provider beside the stack; what its people do."""

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar
from urllib.parse import urlsplit

from playwright.async_api import Page, expect

from stack.description import Workspace
from tests.deployment import Deployment
from tests.e2e.browsers import Visits
from tests.e2e.office import Agent
from tests.servers.dns import Names


class Running(Protocol):
    """An identity provider that browsers reach."""

    @property
    def url(self) -> str: ...


P = TypeVar("P", bound=Running)


@dataclass(frozen=True)
class Company(Generic[P]):
    """A workspace of a region, and its identity provider."""

    workspace: Workspace
    domain: str
    provider: P
    deployment: Deployment
    names: Names

    @property
    def region(self) -> str:
        return self.workspace.region

    @property
    def key(self) -> str:
        return self.workspace.key

    @property
    def cell(self) -> str:
        """Where the workspace's pages are."""
        return f"{self.deployment.description.cells[self.workspace.cell].url}/w/{self.key}"

    def agent(self, page: Page) -> Agent:
        return Agent(page, self.deployment.description, self.region, self.workspace)

    def tolerated(self, visits: Visits) -> None:
        """Signing in leads to provisioning and to the identity provider, and nowhere else."""
        for url in (self.deployment.description.provisioning[self.region].url, self.provider.url):
            visits.tolerate(f"^asked {urlsplit(url).netloc}$")

    async def begins(self, visits: Visits) -> Page:
        """Its admin proves the domain and opens single sign-on; the admin's page."""
        self.tolerated(visits)
        page = await visits.page(self.region)
        agent = self.agent(page)
        await agent.signs_in("admin")
        await self.proves_its_domain(page)
        await agent.opens("sso")
        return page

    async def proves_its_domain(self, page: Page) -> None:
        """Its admin adds the domain, looks too early, enters the record at the name server, and looks again."""
        await self.agent(page).opens("domains")
        await page.get_by_label("Domain", exact=True).fill(self.domain)
        await page.get_by_role("button", name="Add", exact=True).click()
        await page.get_by_role("button", name="Look now").click()
        await expect(page.get_by_text("There is nothing at that name yet.")).to_be_visible()
        name = await page.get_by_label("Name", exact=True).input_value()
        self.names.texts[name] = await page.get_by_label("Value", exact=True).input_value()
        await page.get_by_role("button", name=f"Look again: {self.domain}").click()
        await expect(page.get_by_text("To be proved")).to_have_count(0)
        mine = page.locator("[id^=domain-]", has_text=self.domain)
        await expect(mine.locator(".badge", has_text="Verified")).to_be_visible()
