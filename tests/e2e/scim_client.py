"""An identity provider's side of SCIM for tests of the whole deployment: it sends again what was not answered."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from kit.localhost import connector
from loadtest.member import Browser

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
TRIES_FOR_S = 60.0
_TOKEN = re.compile(r"(ccd_[a-z0-9]+_[0-9a-f]{64})")


@dataclass(frozen=True)
class Scim:
    """One workspace's address and token."""

    http: aiohttp.ClientSession
    url: str
    tried_again: list[int]

    async def ask(self, method: str, path: str, body: object = None, **params: str) -> tuple[int, Any]:
        """Status and answer, once there is one: a 503, a 429 or a lost connection is tried again as often as needed."""
        async with asyncio.timeout(TRIES_FOR_S):
            while True:
                try:
                    async with self.http.request(method, self.url + path, json=body, params=params) as answer:
                        if answer.status not in (429, 503):
                            text = await answer.read()
                            return answer.status, await answer.json(content_type=None) if text else None
                        self.tried_again.append(answer.status)
                except (aiohttp.ClientError, OSError):
                    self.tried_again.append(0)
                await asyncio.sleep(0.1)

    async def create(self, user_name: str, **more: object) -> str:
        """A person, found where an earlier attempt has made them already; the id."""
        body = {"schemas": [USER], "userName": user_name, **more}
        status, made = await self.ask("POST", "/Users", body)
        if status == 409:
            _, found = await self.ask("GET", "/Users", filter=f'userName eq "{user_name}"')
            made = found["Resources"][0]
        else:
            assert status == 201, made
        return str(made["id"])

    async def create_group(self, name: str, members: list[str]) -> str:
        """A group; its id."""
        body = {"schemas": [GROUP], "displayName": name, "members": [{"value": one} for one in members]}
        status, made = await self.ask("POST", "/Groups", body)
        assert status == 201, made
        return str(made["id"])

    async def patch(self, path: str, *operations: dict[str, object]) -> None:
        """Change a person or a group."""
        status, said = await self.ask("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)})
        assert status in (200, 204), said

    async def switch(self, user_id: str, active: bool) -> None:
        """Switch a person on or off, as Entra ID sends it."""
        await self.patch(f"/Users/{user_id}", {"op": "Replace", "path": "active", "value": str(active)})


async def new_token(admin: Browser) -> str:
    """A provisioning token of the workspace whose admin is signed in."""
    _, page = await admin.ask("POST", "directory/tokens", data={"name": "A scripted client"})
    found = _TOKEN.search(page)
    assert found is not None, "the page shows no token"
    return found[1]


@asynccontextmanager
async def scim(url: str, token: str) -> AsyncIterator[Scim]:
    """A client of a workspace."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
    async with aiohttp.ClientSession(connector=connector(16), headers=headers) as http:
        yield Scim(http, url, [])
