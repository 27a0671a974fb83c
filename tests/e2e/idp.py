"""An identity provider that runs beside the stack: metadata, a page on which one chooses who one is, signed answers.

It reads our metadata and encrypts for us where it is told to; tests/control_plane/saml/idp.py makes what it says.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import escape

import aiohttp
from aiohttp import web
from cryptography import x509
from lxml import etree

from kit.localhost import connector
from kit.ports import free_port
from tests.control_plane.saml import idp
from tests.control_plane.saml.idp import NS, Says, Signer

_METADATA = """<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity}">
<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data>
<X509Certificate>{certificate}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>
<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{sso}"/>
</IDPSSODescriptor></EntityDescriptor>"""

_PEOPLE = """<!doctype html><html lang="en"><title>Who are you?</title><link rel="icon" href="data:,">
<h1>Who are you?</h1>{buttons}</html>"""

_ANSWER = """<!doctype html><html lang="en"><title>On</title><link rel="icon" href="data:,">
<form method="post" action="{acs}"><input type="hidden" name="SAMLResponse" value="{answer}">
<input type="hidden" name="RelayState" value=""></form><script>document.forms[0].submit()</script></html>"""


@dataclass
class Person:
    """Somebody whom the provider knows."""

    name_id: str
    attributes: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class Provider:
    """The identity provider. `at_once`: who comes in without being asked; `encrypts`: assertions are encrypted."""

    url: str
    signer: Signer
    people: list[Person] = field(default_factory=list)
    at_once: Person | None = None
    encrypts: bool = False
    requests: int = 0

    @property
    def entity_id(self) -> str:
        return f"{self.url}/entity"

    @property
    def metadata_url(self) -> str:
        return f"{self.url}/metadata"

    async def metadata(self, request: web.Request) -> web.Response:
        """What an admin gives us the address of."""
        pem = self.signer.certificate_pem.decode()
        bare = "".join(line for line in pem.splitlines() if "---" not in line)
        text = _METADATA.format(entity=self.entity_id, certificate=bare, sso=f"{self.url}/sso")
        return web.Response(text=text, content_type="application/samlmetadata+xml")

    async def sso(self, request: web.Request) -> web.Response:
        """Where we send people: they say who they are."""
        self.requests += 1
        asked = request.query["SAMLRequest"]
        if self.at_once is not None:
            return await self._answer(asked, self.at_once)
        buttons = "".join(
            f'<form method="post" action="/chosen"><input type="hidden" name="asked" value="{escape(asked)}">'
            f'<button name="who" value="{number}">{escape(one.name_id)}</button></form>'
            for number, one in enumerate(self.people)
        )
        return web.Response(text=_PEOPLE.format(buttons=buttons), content_type="text/html")

    async def chosen(self, request: web.Request) -> web.Response:
        """Who somebody is."""
        form = await request.post()
        return await self._answer(str(form["asked"]), self.people[int(str(form["who"]))])

    async def _answer(self, asked: str, person: Person) -> web.Response:
        root = idp.inflated(asked)
        acs, issuer = root.get("AssertionConsumerServiceURL"), root.find("saml:Issuer", NS)
        assert acs is not None and issuer is not None and issuer.text is not None
        says = Says(
            idp=self.entity_id,
            sp=issuer.text,
            acs=acs,
            request_id=root.get("ID"),
            name_id=person.name_id,
            name_id_format=idp.EMAIL,
            attributes=person.attributes,
        )
        how = idp.Signing(by=self.signer)
        answer = idp.signed(says, how=how, parts="assertion")
        if self.encrypts:
            answer = idp.encrypt(answer, await _encryption_certificate(issuer.text))
        text = idp.text(answer)
        return web.Response(text=_ANSWER.format(acs=escape(acs), answer=text), content_type="text/html")


async def _encryption_certificate(metadata_url: str) -> bytes:
    """Ours, from our metadata, as PEM."""
    async with aiohttp.ClientSession(connector=connector()) as http, http.get(metadata_url) as answer:
        root = etree.fromstring(await answer.read())
    names = {"md": "urn:oasis:names:tc:SAML:2.0:metadata", "ds": "http://www.w3.org/2000/09/xmldsig#"}
    found = root.findall(".//md:KeyDescriptor//ds:X509Certificate", names)
    der = "".join((found[-1].text or "").split())
    pem = f"-----BEGIN CERTIFICATE-----\n{der}\n-----END CERTIFICATE-----\n".encode()
    x509.load_pem_x509_certificate(pem)
    return pem


@asynccontextmanager
async def running(name: str) -> AsyncIterator[Provider]:
    """A provider that answers at `{name}.localhost`, until the block ends."""
    port = free_port()
    provider = Provider(f"http://{name}.localhost:{port}", Signer.new())
    app = web.Application()
    app.router.add_get("/metadata", provider.metadata)
    app.router.add_get("/sso", provider.sso)
    app.router.add_post("/chosen", provider.chosen)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield provider
    finally:
        await runner.cleanup()
