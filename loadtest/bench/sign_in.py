"""How long signing in through an identity provider takes, in a whole deployment: every request that a browser makes."""

import asyncio
import re
import time
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from http.cookies import SimpleCookie
from statistics import quantiles
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit
from uuid import UUID, uuid4

import aiohttp
import asyncpg

from kit.localhost import connector
from loadtest.bench.deployment import deployment
from loadtest.bench.figures import Unmeasurable, figure
from loadtest.saml_idp import Idp

SIGN_INS, WARM = 60, 5
DOMAIN = "customer.example"  # of the people whom the identity provider vouches for
_PAGE = {"Accept": "text/html"}
_VERIFIED = """INSERT INTO domains
  (workspace_id, id, domain, token, added_by, added_at, found, seen, verified_at, crowded)
  VALUES ($1, $2, $3, '', $2, now(), true, '{}', now(), false) ON CONFLICT DO NOTHING"""


@figure("saml.sign_in_p95_s", unit="s", target=1.5, better="lower")
def sign_in_p95_s() -> float:
    """From asking for the sign-in page to the library of somebody new, with an identity provider that answers at once.

    One after the other: cell, provisioning, answer, hand-over, code, session, library; pictures and scripts apart.
    """
    return quantiles(asyncio.run(_sign_ins()), n=20)[-1]


async def _sign_ins() -> list[float]:
    here = deployment()
    workspace = here.workspace("eu")
    base = f"{here.cell_url(workspace['cell'])}/w/{workspace['key']}"
    idp = Idp.new(f"https://idp.localhost/{uuid4()}")
    await _verify(here.facts["cells"][workspace["cell"]]["dsn"], UUID(workspace["id"]))
    async with aiohttp.ClientSession(connector=connector(), cookie_jar=aiohttp.DummyCookieJar()) as http:
        await _connect(Browser(http), base, workspace["admin"], idp)
        took = []
        for _ in range(WARM + SIGN_INS):
            browser, begun = Browser(http), time.perf_counter()
            await browser.get(f"{base}/sign-in")
            page = await _through(browser, base, "sign-in/sso", {"next": f"{base}/library"}, idp)
            if page.status != 200 or not page.url.endswith("/library"):
                raise Unmeasurable(f"{page.url} answers {page.status}")
            took.append(time.perf_counter() - begun)
    return took[WARM:]


async def _verify(dsn: str, workspace_id: UUID) -> None:
    """The workspace has proved its domain: name servers are no part of this."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute("SELECT open_write($1, NULL)", workspace_id)
            await connection.execute(_VERIFIED, workspace_id, uuid4(), DOMAIN)
    finally:
        await connection.close()


async def _connect(admin: "Browser", base: str, login: Mapping[str, str], idp: Idp) -> None:
    """Set single sign-on up as an admin does, by its pages."""
    await admin.post(f"{base}/sign-in", {"email": login["email"], "password": login["password"]})
    certificate = b64encode(idp.certificate_der).decode()
    parts = {"entity_id": idp.entity_id, "sso_url": "https://idp.localhost/sso", "certificates": certificate}
    await _save(admin, base, "provider", {"vendor": "other", "sure": "true", **parts})
    await _save(admin, base, "mapping", {"just_in_time": "true", "sign_requests": "true"})
    await _through(admin, base, "sso/test", {}, idp)
    await _save(admin, base, "enable", {})


async def _save(admin: "Browser", base: str, path: str, form: Mapping[str, str]) -> None:
    shown = await admin.get(f"{base}/sso/provider")
    version = re.search(r'name="version" value="(\d+)"', shown.text)
    if version is None:
        raise Unmeasurable(f"the pages of single sign-on answer {shown.status}")
    answer = await admin.post(f"{base}/sso/{path}", {"version": version[1], **form})
    if answer.status != 200:
        raise Unmeasurable(f"{path} answers {answer.status}")


async def _through(browser: "Browser", base: str, path: str, form: Mapping[str, str], idp: Idp) -> "Page":
    """From the button through the identity provider to where it leads."""
    leaving = await browser.post(f"{base}/{path}", form)
    go = leaving.refresh
    if go is None:
        raise Unmeasurable(f"{path} answers {leaving.status}")
    asked = (await browser.get(go, follow=False)).location or ""
    request = zlib.decompress(b64decode(parse_qs(urlsplit(asked).query)["SAMLRequest"][0]), wbits=-15).decode()
    about = {name: _attribute(request, name) for name in ("ID", "AssertionConsumerServiceURL")}
    sp = re.search(r"Issuer[^>]*>([^<]+)<", request)
    acs = about["AssertionConsumerServiceURL"]
    answer = idp.answer(sp=sp[1] if sp else "", acs=acs, request=about["ID"])
    return await browser.post(acs, {"SAMLResponse": answer}, origin="https://idp.localhost")


def _attribute(text: str, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]+)"', text)
    if found is None:
        raise Unmeasurable(f"the request names no {name}")
    return found[1]


class Page:
    """What came back in the end."""

    def __init__(self, url: str, status: int, headers: Mapping[str, str], text: str) -> None:
        self.url, self.status, self.text = url, status, text
        self.location = urljoin(url, headers["Location"]) if "Location" in headers else None
        self.refresh = headers["Refresh"].partition("url=")[2] if "Refresh" in headers else None


class Browser:
    """Keeps cookies by host, also those that want https, and follows redirects; over connections of others."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http
        self._cookies: dict[str, dict[str, str]] = {}

    async def get(self, url: str, *, follow: bool = True) -> Page:
        """Open an address."""
        return await self._ask("GET", url, None, "", follow)

    async def post(self, url: str, form: Mapping[str, str], *, origin: str = "") -> Page:
        """Send a form from a page of the same host, or of `origin`."""
        own = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        return await self._ask("POST", url, dict(form), origin or own, follow=True)

    async def _ask(self, method: str, url: str, form: dict[str, str] | None, origin: str, follow: bool) -> Page:
        while True:
            jar = self._cookies.setdefault(urlsplit(url).netloc, {})
            headers: dict[str, Any] = {**_PAGE, "Cookie": "; ".join(f"{name}={value}" for name, value in jar.items())}
            if origin:
                headers["Origin"] = origin
            async with self._http.request(method, url, data=form, headers=headers, allow_redirects=False) as answer:
                for line in answer.headers.getall("Set-Cookie", []):
                    jar.update({name: morsel.value for name, morsel in SimpleCookie(line).items()})
                page = Page(url, answer.status, answer.headers, await answer.text())
            if page.location is None or not follow:
                return page
            method, url, form, origin = "GET", page.location, None, ""
