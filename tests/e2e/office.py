"""The people of a workspace: an agent in the library, and a program with an API token."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

import aiohttp
from playwright.async_api import Locator, Page, expect

from kit.localhost import connector
from stack.description import Description, Workspace

Role = Literal["admin", "agent"]
WAIT_S = 60.0
READY_S = 120.0


class Agent:
    """Somebody of the workspace in their browser."""

    def __init__(self, page: Page, description: Description, region: str, workspace: Workspace | None = None) -> None:
        self.page = page
        self.workspace = workspace or description.workspace(region)
        self._front_door = description.router.url

    @property
    def base(self) -> str:
        """Where the workspace's pages begin, at the front door."""
        return f"{self._front_door}/w/{self.workspace.key}"

    async def signs_in(self, role: Role = "agent") -> None:
        """From the front door's address of the workspace to its library."""
        login = self.workspace.admin if role == "admin" else self.workspace.agent
        await self.page.goto(f"{self._front_door}/{self.workspace.key}")
        await self.page.get_by_label("E-mail").fill(login.email)
        await self.page.get_by_label("Password").fill(login.password)
        await self.page.get_by_role("button", name="Sign in", exact=True).click()
        await self.page.wait_for_url("**/library", timeout=WAIT_S * 1000)

    async def opens(self, path: str) -> None:
        """Open a page of the workspace through the front door."""
        await self.page.goto(f"{self.base}/{path}")

    async def opens_library(self) -> None:
        """Open the library; live updates are connected."""
        async with self.page.expect_response("**/events"):
            await self.opens("library")

    def row(self, recording_id: str) -> Locator:
        """A recording's row in the library."""
        return self.page.locator(f"#recording-{recording_id}")

    async def sees(self, recording_id: str, state: str) -> None:
        """Wait until the library shows a recording in that state."""
        await expect(self.row(recording_id)).to_have_attribute("data-state", state, timeout=READY_S * 1000)


@dataclass(frozen=True)
class MadeLink:
    """A fresh link."""

    id: str
    url: str


class Api:
    """A program of the workspace."""

    def __init__(self, http: aiohttp.ClientSession, description: Description, workspace: Workspace) -> None:
        self._http = http
        self._base = f"{description.cells[workspace.cell].url}/api/v1"
        self._headers = {"Authorization": f"Bearer {workspace.api_token}"}

    async def link(self, title: str, **facts: str | int | list[str]) -> MadeLink:
        """Make a link for a customer."""
        made = await self._ask("POST", "/links", {"title": title, **facts})
        return MadeLink(made["id"], made["url"])

    async def revoke(self, link: MadeLink) -> None:
        """Take a link back."""
        await self._ask("POST", f"/links/{link.id}/revoke", {})

    async def uses(self, link: MadeLink) -> int:
        """How many recordings were started with a link."""
        return int((await self._ask("GET", f"/links/{link.id}"))["uses"])

    async def recording(self, recording_id: str) -> dict[str, Any]:
        """What is known of a recording."""
        return await self._ask("GET", f"/recordings/{recording_id}")

    async def recordings_of(self, link: MadeLink) -> list[dict[str, Any]]:
        """The newest recordings made with a link; abandoned ones are in no list."""
        found = await self._ask("GET", "/recordings?limit=200")
        return [one for one in found["recordings"] if one["link_id"] == link.id]

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        async with self._http.request(method, self._base + path, json=body, headers=self._headers) as answer:
            assert answer.status < 300, f"{method} {path}: {answer.status} {await answer.text()}"
            found: dict[str, Any] = await answer.json()
            return found


@asynccontextmanager
async def api(description: Description, region: str) -> AsyncIterator[Api]:
    """A program of the region's workspace."""
    async with aiohttp.ClientSession(connector=connector()) as http:
        yield Api(http, description, description.workspace(region))
