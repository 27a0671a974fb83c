"""Somebody who comes to work: signs in through the company's identity provider, looks at the library, and leaves."""

import re
import secrets
import time
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from functools import cache
from http.cookies import SimpleCookie
from typing import Any, ClassVar
from urllib.parse import parse_qs, urljoin, urlsplit

from gevent.event import AsyncResult
from locust import between, task
from locust.contrib.fasthttp import FastResponse

from loadtest.people.visitor import Visitor
from loadtest.saml_idp import Idp

IDP_URL = "https://idp.localhost"  # nobody is asked there: its answers are signed here
SET_UP_WITHIN_S = 60.0
REDIRECTS = 5


class Commuter(Visitor):
    """One person of a workspace whose admin has connected an identity provider; the first to come does that."""

    wait_time = between(20, 60)
    _providers: ClassVar[dict[str, "AsyncResult[Idp]"]] = {}

    def on_start(self) -> None:
        """The workspace has a provider, or gets one."""
        self._jars: dict[str, dict[str, str]] = {}
        key = self.workspace.key
        if key not in Commuter._providers:
            Commuter._providers[key] = AsyncResult()
            try:
                Commuter._providers[key].set(self._connected())
            except BaseException as error:
                Commuter._providers.pop(key).set_exception(error)  # whoever comes next tries again
                raise
        idp = Commuter._providers[key].get(timeout=SET_UP_WITHIN_S)
        assert idp is not None, "an answer holds a provider or an error"
        self._idp: Idp = idp
        domain = self.workspace.admin.email.partition("@")[2]  # a workspace takes people of its verified domains
        self._email = f"load.{secrets.token_hex(6)}@{domain}"

    @task
    def arrive(self) -> None:
        """From the sign-in page to the library, each request that a browser makes."""
        self._jars, begun = {}, time.monotonic()
        self._open("sso: page", "GET", f"{self.pages}/sign-in", expect=(200,))
        form = {"next": f"{self.pages}/library"}
        self._through_the_provider(self._idp, self._email, f"{self.pages}/sign-in/sso", form)
        self.waited("signed in", time.monotonic() - begun)

    def _connected(self) -> Idp:
        """Set single sign-on up as an admin does, by its pages."""
        idp, login = _idp(), self.workspace.admin
        self._open(
            "sso: admin", "POST", f"{self.pages}/sign-in", data={"email": login.email, "password": login.password}
        )
        certificate = b64encode(idp.certificate_der).decode()
        about = {"entity_id": idp.entity_id, "sso_url": f"{IDP_URL}/sso", "certificates": certificate}
        self._save("provider", {"vendor": "other", "sure": "true", **about})
        self._save("mapping", {"just_in_time": "true", "sign_requests": "true"})
        self._through_the_provider(idp, login.email, f"{self.pages}/sso/test", {})
        self._save("enable", {})
        return idp

    def _save(self, path: str, form: Mapping[str, str]) -> None:
        shown = self._open("sso: admin", "GET", f"{self.pages}/sso/provider", expect=(200,)).text or ""
        version = _found(r'name="version" value="(\d+)"', shown)
        self._open("sso: admin", "POST", f"{self.pages}/sso/{path}", data={"version": version, **form})

    def _through_the_provider(self, idp: Idp, email: str, leaving: str, form: Mapping[str, str]) -> None:
        """From the button to the provider, and with its answer back to a page."""
        left = self._open("sso: leave", "POST", leaving, expect=(200,), data=dict(form))
        assert left.headers is not None
        go = str(left.headers["Refresh"]).partition("url=")[2]
        asked = self.location(self._open("sso: ask", "GET", go, expect=(302, 303)))
        request = zlib.decompress(b64decode(parse_qs(urlsplit(asked).query)["SAMLRequest"][0]), wbits=-15).decode()
        acs = _found(r'\bAssertionConsumerServiceURL="([^"]+)"', request)
        signed = idp.answer(
            sp=_found(r"Issuer[^>]*>([^<]+)<", request),
            acs=acs,
            request=_found(r'\bID="([^"]+)"', request),
            email=email,
        )
        back = self._open("sso: answer", "POST", acs, origin=IDP_URL, expect=(303,), data={"SAMLResponse": signed})
        url = urljoin(acs, self.location(back))
        for _ in range(REDIRECTS):
            page = self._open("sso: come in", "GET", url, expect=(200, 302, 303))
            if page.status_code == 200:
                return
            url = urljoin(url, self.location(page))

    def _open(
        self,
        step: str,
        method: str,
        url: str,
        *,
        origin: str = "",
        expect: tuple[int, ...] = (200, 302, 303),
        **sent: Any,  # data, as locust takes it
    ) -> FastResponse:
        """Ask as a browser does: cookies by host, and where a form comes from."""
        host = urlsplit(url).netloc
        jar = self._jars.setdefault(host, {})
        headers = {"Accept": "text/html", "Cookie": "; ".join(f"{name}={value}" for name, value in jar.items())}
        if method == "POST":
            headers["Origin"] = origin or "{0.scheme}://{0.netloc}".format(urlsplit(url))
        answer = self.ask(step, method, url, expect=expect, headers=headers, **sent)
        given = None if answer.headers is None else answer.headers.get("Set-Cookie")
        for line in [given] if isinstance(given, str) else given or []:
            jar.update({name: morsel.value for name, morsel in SimpleCookie(line).items()})
        return answer


@cache
def _idp() -> Idp:
    """The provider of this process's workspaces; a key takes a tenth of a second to make."""
    return Idp.new(f"{IDP_URL}/{secrets.token_hex(8)}")


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found is not None, f"no {pattern} in what came back"
    return found[1]
