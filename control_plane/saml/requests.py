"""Our question to an identity provider, and how the browser carries it there (SAML bindings, 3.4 and 3.5)."""

import base64
import zlib
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from contracts.identity import Connection, NameIdFormat
from control_plane.saml import signatures
from control_plane.saml.keys import KeyPair
from control_plane.saml.xml import SAML, SAMLP, Element, document, made

RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
HTTP_POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"


def authn_request(connection: Connection, acs_url: str, request_id: str, *, force: bool) -> Element:
    """Asks who sits at the browser; `force` has them prove it anew. No RelayState goes with it: we keep our own."""
    attributes = {
        "ID": request_id,
        "Version": "2.0",
        "IssueInstant": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "Destination": connection.sso_url,
        "ProtocolBinding": HTTP_POST,
        "AssertionConsumerServiceURL": acs_url,
    }
    if force:
        attributes["ForceAuthn"] = "true"
    policy = {"AllowCreate": "true"}
    if connection.name_id_format is not NameIdFormat.UNSPECIFIED:
        policy["Format"] = connection.name_id_format.urn
    issuer = made(SAML, "Issuer", None, connection.sp_entity_id)
    return made(SAMLP, "AuthnRequest", attributes, issuer, made(SAMLP, "NameIDPolicy", policy))


def redirect_url(connection: Connection, request: Element, key: KeyPair) -> str:
    """The redirect binding: the request is deflated into the address, and signed there where the connection says so."""
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(document(request)) + packer.flush()
    query = urlencode({"SAMLRequest": base64.b64encode(packed).decode()}, quote_via=quote, safe="")
    if connection.sign_requests:
        # What is signed is the query as it is sent, octet by octet (bindings, 3.4.4.1).
        query += f"&SigAlg={quote(RSA_SHA256, safe='')}"
        query += f"&Signature={quote(base64.b64encode(key.sign(query.encode())).decode(), safe='')}"
    return f"{connection.sso_url}{'&' if '?' in connection.sso_url else '?'}{query}"


def post_field(connection: Connection, request: Element, key: KeyPair) -> str:
    """The POST binding: the value of the form's field SAMLRequest, signed inside where the connection says so."""
    if connection.sign_requests:
        signatures.sign(request, key)
    return base64.b64encode(document(request)).decode()
