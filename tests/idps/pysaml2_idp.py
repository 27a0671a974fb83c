"""pysaml2's own identity provider on the web: `python -m tests.idps.pysaml2_idp FOLDER`. Not for the Internet."""

import base64
import json
import sys
from html import escape
from pathlib import Path
from typing import Any

import saml2.metadata
import xmlsec
from aiohttp import web
from lxml import etree
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.authn_context import PASSWORDPROTECTEDTRANSPORT
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAMEID_FORMAT_EMAILADDRESS, NameID
from saml2.server import Server
from saml2.sigver import CryptoBackend
from xmlsec import constants

# It would call the program to see what that can do.
saml2.metadata.algorithm_support_in_metadata = lambda _: []


class InProcess(CryptoBackend):  # type: ignore[misc]  # the package has no types
    """Signs and encrypts here, where pysaml2 would call a program; the words of both are its own."""

    def sign_statement(self, statement: str, node_name: str, key_file: str, node_id: str) -> str:
        root = etree.fromstring(_bytes(statement))
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_file(key_file, constants.KeyDataFormatPem)
        signed = _by_id(root, node_id)
        context.register_id(signed, "ID", None)
        context.sign(_signature(signed))
        return etree.tostring(root).decode()

    def validate_signature(
        self, signedtext: str | bytes, cert_file: str, cert_type: str, node_name: str, node_id: str
    ) -> bool:
        root = etree.fromstring(_bytes(signedtext))
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_file(cert_file, constants.KeyDataFormatCertPem)
        signed = _by_id(root, node_id)
        context.register_id(signed, "ID", None)
        try:
            context.verify(_signature(signed))
        except xmlsec.Error:
            return False
        return True

    def encrypt_assertion(
        self, statement: Any, enc_key: str, template: str, key_type: str, node_xpath: str | None
    ) -> str:
        root = etree.fromstring(_bytes(str(statement)))
        plain = root.xpath(node_xpath or "//*[local-name()='EncryptedAssertion']/*[local-name()='Assertion']")[0]
        data = xmlsec.template.encrypted_data_create(
            root, constants.TransformAes256Gcm, type=constants.TypeEncElement, ns="xenc"
        )
        xmlsec.template.encrypted_data_ensure_cipher_value(data)
        info = xmlsec.template.encrypted_data_ensure_key_info(data, ns="ds")
        key = xmlsec.template.add_encrypted_key(info, constants.TransformRsaOaep)
        xmlsec.template.encrypted_data_ensure_cipher_value(key)
        manager = xmlsec.KeysManager()
        manager.add_key(xmlsec.Key.from_file(enc_key, constants.KeyDataFormatCertPem))
        context = xmlsec.EncryptionContext(manager)
        context.key = xmlsec.Key.generate(constants.KeyDataAes, 256, constants.KeyDataTypeSession)
        context.encrypt_xml(data, plain)
        return etree.tostring(root).decode()


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def _by_id(root: etree._Element, name: str) -> etree._Element:
    return next(one for one in root.iter() if one.get("ID") == name)


def _signature(signed: etree._Element) -> etree._Element:
    return next(one for one in signed if etree.QName(one).localname == "Signature")


class Provider:
    """One identity provider for one service provider."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.asked = json.loads((folder / "config.json").read_text())
        self._server: Any = None

    def _config(self, **more: Any) -> IdPConfig:
        sso = f"{self.asked['url']}/sso"
        bindings = (BINDING_HTTP_REDIRECT, BINDING_HTTP_POST)
        return IdPConfig().load(
            {
                "entityid": f"{self.asked['url']}/metadata",
                "service": {
                    "idp": {
                        "endpoints": {"single_sign_on_service": [(sso, binding) for binding in bindings]},
                        "want_authn_requests_signed": True,
                        "name_id_format": [NAMEID_FORMAT_EMAILADDRESS],
                        "policy": {"default": {"name_form": "urn:oasis:names:tc:SAML:2.0:attrname-format:basic"}},
                        "sign_response": True,
                        "sign_assertion": True,
                    }
                },
                "key_file": str(self._folder / "idp.key"),
                "cert_file": str(self._folder / "idp.crt"),
                "xmlsec_binary": sys.executable,  # it has to exist, and is never called
                **more,
            }
        )

    async def metadata(self, _: web.Request) -> web.Response:
        return web.Response(text=str(entity_descriptor(self._config())), content_type="application/samlmetadata+xml")

    async def trust(self, request: web.Request) -> web.Response:
        file = self._folder / "sp.xml"
        file.write_bytes(await request.read())
        self._server = Server(config=self._config(metadata={"local": [str(file)]}))
        self._server.sec.crypto = InProcess()
        return web.Response()

    async def ask(self, request: web.Request) -> web.Response:
        """Believe the request, as far as its signature goes, and ask who is there."""
        sent = dict(request.query) if request.method == "GET" else dict(await request.post())
        binding = BINDING_HTTP_REDIRECT if request.method == "GET" else BINDING_HTTP_POST
        signature = {"sigalg": sent.get("SigAlg"), "signature": sent.get("Signature")} if "Signature" in sent else {}
        asked = self._server.parse_authn_request(sent["SAMLRequest"], binding, **signature)
        message = asked.message
        fields = {"id": message.id, "acs": message.assertion_consumer_service_url, "sp": message.issuer.text}
        return _page(_form("/login", fields, _WHO))

    async def answer(self, request: web.Request) -> web.Response:
        """Say who it is."""
        sent = await request.post()
        person = self.asked["people"][str(sent["user"])]
        answer = self._server.create_authn_response(
            {name: value for name, value in person.items() if name != "email"} | {"mail": person["email"]},
            str(sent["id"]),
            str(sent["acs"]),
            str(sent["sp"]),
            name_id=NameID(format=NAMEID_FORMAT_EMAILADDRESS, text=person["email"]),
            authn={"class_ref": PASSWORDPROTECTEDTRANSPORT},
            sign_response=True,
            sign_assertion=True,
            encrypt_assertion=self.asked["encrypts"],
            encrypt_assertion_self_contained=True,
            sign_alg="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            digest_alg="http://www.w3.org/2001/04/xmlenc#sha256",
        )
        field = base64.b64encode(str(answer).encode()).decode()
        return _page(_form(str(sent["acs"]), {"SAMLResponse": field}, "<button>Continue</button>") + _SEND)


_WHO = '<label>User name <input name="user" value="" autofocus></label> <button>Sign in</button>'
_SEND = "<script>document.forms[0].submit()</script>"


def _form(action: str, fields: dict[str, str], more: str) -> str:
    hidden = "".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in fields.items())
    return f'<form method="post" action="{escape(action)}">{hidden}{more}</form>'


def _page(body: str) -> web.Response:
    head = '<!doctype html><html lang="en"><title>Identity provider</title><link rel="icon" href="data:,">'
    return web.Response(text=f"{head}{body}</html>", content_type="text/html")


def main() -> None:
    provider = Provider(Path(sys.argv[1]))
    app = web.Application()
    app.router.add_get("/metadata", provider.metadata)
    app.router.add_post("/sp", provider.trust)
    app.router.add_get("/sso", provider.ask)
    app.router.add_post("/sso", provider.ask)
    app.router.add_post("/login", provider.answer)
    web.run_app(app, host="127.0.0.1", port=provider.asked["port"], print=None)


if __name__ == "__main__":
    main()
