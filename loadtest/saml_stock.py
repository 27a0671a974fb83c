"""pysaml2 as it is installed and documented, with the program xmlsec1, as somebody who believes answers."""

import logging
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding
from saml2 import BINDING_HTTP_POST
from saml2.client import Saml2Client
from saml2.config import SPConfig

from loadtest.saml_idp import Idp

_IDP, _SP, _ACS = "https://idp.example/saml", "https://sp.example/metadata", "https://sp.example/acs"
_METADATA = """<md:EntityDescriptor entityID="{idp}" xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"
 xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><md:IDPSSODescriptor
 protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor use="signing"><ds:KeyInfo>
<ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{idp}/sso"/>
</md:IDPSSODescriptor></md:EntityDescriptor>"""


class Stock:
    """A client for one identity provider, made once: that alone takes a tenth of a second."""

    def __init__(self, folder: Path, program: str) -> None:
        logging.getLogger("saml2").setLevel(logging.CRITICAL)
        self._idp = Idp.new(_IDP)
        lines = self._idp.certificate.public_bytes(Encoding.PEM).decode().strip().splitlines()[1:-1]
        metadata = folder / "idp.xml"
        metadata.write_text(_METADATA.format(idp=_IDP, certificate="".join(lines)))
        self._client = Saml2Client(
            config=SPConfig().load(
                {
                    "entityid": _SP,
                    "xmlsec_binary": program,
                    "delete_tmpfiles": True,
                    "accepted_time_diff": 30,
                    "only_use_keys_in_metadata": True,
                    "allow_unknown_attributes": True,
                    "metadata": {"local": [str(metadata)]},
                    "service": {
                        "sp": {
                            "endpoints": {"assertion_consumer_service": [(_ACS, BINDING_HTTP_POST)]},
                            "want_assertions_signed": True,
                            "want_response_signed": True,
                            "allow_unsolicited": False,
                        }
                    },
                }
            )
        )

    def answers(self, number: int) -> list[tuple[str, str]]:
        """So many answers, each with the request that it is to."""
        requests = [f"_request-{one}" for one in range(number)]
        return [(self._idp.answer(sp=_SP, acs=_ACS, request=one), one) for one in requests]

    def believe(self, answer: str, request: str) -> str:
        """Whom it names."""
        believed = self._client.parse_authn_request_response(
            answer, BINDING_HTTP_POST, {request: "/"}, conv_info={"entity_id": _SP}
        )
        return str(believed.name_id.text)
