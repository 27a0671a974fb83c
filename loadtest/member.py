"""Members of a workspace as programs: they are invited, read the mail, join, and do what their pages do."""

import asyncio
import email
import email.policy
import re
import secrets
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import aiohttp

PASSWORD = "copper lantern meadow fifteen"  # noqa: S105 - of members that last for a measurement
_MAIL_S = 30.0


class Browser:
    """One browser at a cell: its cookies, and forms sent as a page sends them."""

    def __init__(self, http: aiohttp.ClientSession, cell: str, key: str) -> None:
        self.http, self.cell, self.key = http, cell, key
        self.base = f"{cell}/w/{key}"
        self.cookies: dict[str, str] = {}

    def twin(self) -> "Browser":
        """Another one with the same cookies."""
        made = Browser(self.http, self.cell, self.key)
        made.cookies = dict(self.cookies)
        return made

    @property
    def headers(self) -> dict[str, str]:
        """What its pages send."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"Origin": self.cell, "Accept": "text/html", **({"Cookie": cookies} if cookies else {})}

    async def ask(self, method: str, path: str, **sent: Any) -> tuple[int, str]:  # what aiohttp takes
        """Ask below the workspace's pages; status and body. Cookies that come back are kept."""
        url = path if path.startswith("http") else f"{self.base}/{path}"
        async with self.http.request(method, url, headers=self.headers, allow_redirects=False, **sent) as answer:
            for line in answer.headers.getall("Set-Cookie", []):
                for name, morsel in SimpleCookie(line).items():
                    if morsel.value and morsel["max-age"] != "0":
                        self.cookies[name] = morsel.value
                    else:
                        self.cookies.pop(name, None)
            return answer.status, await answer.text()

    async def sign_in(self, address: str, password: str) -> None:
        """Show the password; the session, or the half of it, is in the cookies."""
        status, _ = await self.ask("POST", "sign-in", data={"email": address, "password": password})
        assert status == 303, f"signing in answers {status}"

    async def id_of(self, address: str) -> str:
        """A member's id, as the list of people links it."""
        _, page = await self.ask("GET", f"people?q={address}")
        return _found(r"/people/([0-9a-f-]{36})", page)

    async def token(self) -> str:
        """A fresh API token."""
        _, page = await self.ask("POST", "tokens", data={"name": "Bench", "scopes": "links:read"})
        return _found(r"(cct_[a-z0-9]+_[0-9a-f]{64})", page)

    async def app(self) -> str:
        """Set up an authenticator app; its secret."""
        import pyotp

        await self.ask("POST", "account/factors/app/begin")
        _, page = await self.ask("GET", "account/factors/app")
        secret = _found(r'id="app-secret" value="([A-Z2-7 ]+)"', page).replace(" ", "")
        status, _ = await self.ask("POST", "account/factors/app", data={"code": pyotp.TOTP(secret).now()})
        assert status == 200, f"an app's first code answers {status}"
        return secret


async def joined(admin: Browser, mails: Path, role: str) -> tuple[Browser, str]:
    """A new member with a session, and their address."""
    address = f"bench.{secrets.token_hex(6)}@example.com"
    status, _ = await admin.ask("POST", "invitations", data={"email": address, "role": role})
    assert status == 303, f"inviting answers {status}"
    async with asyncio.timeout(_MAIL_S):
        while (secret := await asyncio.to_thread(_word_to, mails, address)) is None:  # noqa: ASYNC110 - a folder
            await asyncio.sleep(0.05)
    made = Browser(admin.http, admin.cell, admin.key)
    status, _ = await made.ask("POST", f"join/{secret}", data={"name": "Bench Member", "password": PASSWORD})
    assert status == 303, f"joining answers {status}"
    return made, address


def _word_to(folder: Path, address: str) -> str | None:
    for path in sorted(folder.glob("*.eml"), reverse=True)[:20]:
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        if address in str(mail["To"]):
            return _found(r"/join/([0-9a-f]{64})", mail.get_content())
    return None


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found is not None, f"no {pattern} in what came back"
    return found[1]
