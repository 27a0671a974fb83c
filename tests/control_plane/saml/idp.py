"""An identity provider for tests: says anything, signs with anything, and encrypts; small, over lxml and xmlsec."""

import base64
import uuid
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from lxml.builder import ElementMaker
from xmlsec import constants

Element = etree._Element
Transform = Any  # xmlsec gives the type no public name
SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
DS = "http://www.w3.org/2000/09/xmldsig#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
XS, XSI = "http://www.w3.org/2001/XMLSchema", "http://www.w3.org/2001/XMLSchema-instance"
NS = {"saml": SAML, "samlp": SAMLP, "ds": DS, "xenc": XENC}
MAP = {"saml": SAML, "samlp": SAMLP, "xs": XS, "xsi": XSI}

SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
UNSPECIFIED = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"

_A, _P = ElementMaker(namespace=SAML, nsmap=MAP), ElementMaker(namespace=SAMLP, nsmap=MAP)


@dataclass(frozen=True)
class Signer:
    """A private key and its certificate."""

    key_pem: bytes
    certificate_der: bytes

    @classmethod
    def new(cls, *, bits: int = 2048, days: int = 365, curve: ec.EllipticCurve | None = None) -> "Signer":
        key = ec.generate_private_key(curve) if curve else rsa.generate_private_key(65537, bits)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.example")])
        end = datetime.now(UTC) + timedelta(days=days)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(min(datetime.now(UTC), end) - timedelta(days=1))
            .not_valid_after(end)
            .sign(key, hashes.SHA256())
        )
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return cls(pem, certificate.public_bytes(serialization.Encoding.DER))

    @property
    def certificate_pem(self) -> bytes:
        return x509.load_der_x509_certificate(self.certificate_der).public_bytes(serialization.Encoding.PEM)


@cache
def signer(name: str) -> Signer:
    """A signer of that name, made once a process: RSA keys are slow to make."""
    return Signer.new(curve=ec.SECP256R1()) if name.startswith("ec") else Signer.new()


@dataclass(frozen=True)
class Says:
    """What an answer says; times are seconds from now. None leaves a part out."""

    idp: str = "https://idp.example/saml"
    sp: str = "https://eu.cellcast.example/saml/bcdf2345/metadata"
    acs: str = "https://eu.cellcast.example/saml/bcdf2345/acs"
    request_id: str | None = "_request"
    name_id: str | None = "ada@customer.example"
    name_id_format: str | None = EMAIL
    attributes: dict[str, list[str]] = field(default_factory=dict)
    status: str = SUCCESS
    version: str = "2.0"
    assertion_version: str = "2.0"
    issued: float = 0
    not_before: float | None = -60
    not_on_or_after: float | None = 300
    confirmed_until: float | None = 300
    confirmed_from: float | None = None
    session_until: float | None = None
    authenticated: float = 0
    destination: str | None = "="  # the ACS
    recipient: str | None = "="
    response_issuer: str | None = "="
    assertion_issuer: str | None = "="
    confirmed_request: str | None = "="
    audience: str | None = "="
    method: str = BEARER
    confirmations: int = 1
    statements: int = 1
    subject: bool = True
    conditions: bool = True
    id: str = field(default_factory=lambda: f"_{uuid.uuid4().hex}")
    assertion_id: str = field(default_factory=lambda: f"_{uuid.uuid4().hex}")


def clock() -> datetime:
    """The time at the identity provider, and for whoever asks it. A test may let it stand."""
    return datetime.now(UTC)


def moment(seconds: float) -> str:
    return (clock() + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _set(element: Element, **attributes: str | None) -> Element:
    for name, value in attributes.items():
        if value is not None:
            element.set(name, value)
    return element


def _or(value: str | None, usual: str | None) -> str | None:
    return usual if value == "=" else value


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else moment(seconds)


def assertion(says: Says) -> Element:
    """An unsigned assertion."""
    made = _A.Assertion(ID=says.assertion_id, Version=says.assertion_version, IssueInstant=moment(says.issued))
    issuer = _or(says.assertion_issuer, says.idp)
    if issuer is not None:
        made.append(_A.Issuer(issuer))
    if says.subject:
        subject = _A.Subject()
        if says.name_id is not None:
            subject.append(_set(_A.NameID(says.name_id), Format=says.name_id_format))
        for _ in range(says.confirmations):
            data = _set(
                _A.SubjectConfirmationData(),
                NotBefore=_time(says.confirmed_from),
                NotOnOrAfter=_time(says.confirmed_until),
                Recipient=_or(says.recipient, says.acs),
                InResponseTo=_or(says.confirmed_request, says.request_id),
            )
            subject.append(_A.SubjectConfirmation(data, Method=says.method))
        made.append(subject)
    if says.conditions:
        conditions = _set(_A.Conditions(), NotBefore=_time(says.not_before), NotOnOrAfter=_time(says.not_on_or_after))
        audience = _or(says.audience, says.sp)
        if audience is not None:
            conditions.append(_A.AudienceRestriction(_A.Audience(audience)))
        made.append(conditions)
    for _ in range(says.statements):
        context = _A.AuthnContext(
            _A.AuthnContextClassRef("urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport")
        )
        statement = _A.AuthnStatement(context, AuthnInstant=moment(says.authenticated), SessionIndex="_session")
        made.append(_set(statement, SessionNotOnOrAfter=_time(says.session_until)))
    if says.attributes:
        statement = _A.AttributeStatement()
        for name, values in says.attributes.items():
            attribute = _A.Attribute(Name=name)
            for value in values:
                attribute.append(_A.AttributeValue(value, {f"{{{XSI}}}type": "xs:string"}))
            statement.append(attribute)
        made.append(statement)
    return made


def response(says: Says, *inside: Element) -> Element:
    """An unsigned response with an assertion, or with what is given."""
    made = _set(
        _P.Response(ID=says.id, Version=says.version, IssueInstant=moment(says.issued)),
        Destination=_or(says.destination, says.acs),
        InResponseTo=says.request_id,
    )
    issuer = _or(says.response_issuer, says.idp)
    if issuer is not None:
        made.append(_A.Issuer(issuer))
    made.append(_P.Status(_P.StatusCode(Value=says.status)))
    for one in inside or (assertion(says),):
        made.append(one)
    return made


@dataclass(frozen=True)
class Signing:
    """How to sign."""

    by: Signer = field(default_factory=lambda: signer("idp"))
    method: Transform = constants.TransformRsaSha256
    digest: Transform = constants.TransformSha256
    canonical: Transform = constants.TransformExclC14N
    transforms: tuple[Transform, ...] = (constants.TransformEnveloped, constants.TransformExclC14N)
    uri: str | None = None
    key_info: Signer | None = None  # a certificate to show; None: the signer's own
    hmac: bytes | None = None
    prefixes: str | None = None  # InclusiveNamespaces


def sign(element: Element, how: Signing | None = None, *, at: int = 1) -> Element:
    """Sign an element in place; returns its ds:Signature."""
    how = how or Signing()
    signature = xmlsec.template.create(element, how.canonical, how.method, ns="ds")
    uri = f"#{element.get('ID')}" if how.uri is None else how.uri
    reference = xmlsec.template.add_reference(signature, how.digest, uri=uri)
    for transform in how.transforms:
        node = xmlsec.template.add_transform(reference, transform)
        if how.prefixes and transform is constants.TransformExclC14N:
            xmlsec.template.transform_add_c14n_inclusive_namespaces(node, how.prefixes)
    element.insert(at, signature)
    context = xmlsec.SignatureContext()
    if how.hmac is not None:
        context.key = xmlsec.Key.from_binary_data(constants.KeyDataHmac, how.hmac)
    else:
        xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(signature))
        context.key = xmlsec.Key.from_memory(how.by.key_pem, constants.KeyDataFormatPem)
        shown = how.key_info or how.by
        context.key.load_cert_from_memory(shown.certificate_pem, constants.KeyDataFormatCertPem)
    context.register_id(element, "ID", None)
    context.sign(signature)
    return signature


def encrypt(
    root: Element,
    certificate_pem: bytes,
    *,
    cipher: Transform = constants.TransformAes256Gcm,
    transport: Transform = constants.TransformRsaOaep,
    beside: bool = False,
) -> Element:
    """Encrypt the assertion of a response in place; `beside` puts the key behind the data, as some providers do."""
    plain = root.find("saml:Assertion", NS)
    assert plain is not None
    data = xmlsec.template.encrypted_data_create(
        root,
        cipher,
        type=constants.TypeEncElement,
        ns="xenc",
    )
    xmlsec.template.encrypted_data_ensure_cipher_value(data)
    info = xmlsec.template.encrypted_data_ensure_key_info(data, ns="ds")
    key = xmlsec.template.add_encrypted_key(info, transport)
    xmlsec.template.encrypted_data_ensure_cipher_value(key)
    manager = xmlsec.KeysManager()
    manager.add_key(xmlsec.Key.from_memory(certificate_pem, constants.KeyDataFormatCertPem))
    context = xmlsec.EncryptionContext(manager)
    sizes = {constants.TransformAes128Gcm: 128, constants.TransformAes128Cbc: 128}
    context.key = xmlsec.Key.generate(
        constants.KeyDataAes,
        sizes.get(cipher, 256),
        constants.KeyDataTypeSession,
    )
    holder = _A.EncryptedAssertion()
    position = root.index(plain)
    holder.append(context.encrypt_xml(data, plain))
    root.insert(position, holder)
    if beside:
        found = holder.find(".//xenc:EncryptedKey", NS)
        assert found is not None
        data.remove(info)
        holder.append(found)
    return root


def signed(says: Says | None = None, *, parts: str = "both", how: Signing | None = None) -> Element:
    """A usual answer: `parts` is both, assertion or response."""
    root = response(says or Says())
    if parts in {"both", "assertion"}:
        inner = root.find("saml:Assertion", NS)
        assert inner is not None
        sign(inner, how)
    if parts in {"both", "response"}:
        sign(root, how)
    return read_again(root)


def read_again(root: Element) -> Element:
    """The same document, read by lxml: it does not find all by name that libxmlsec put into a tree."""
    return etree.fromstring(etree.tostring(root))


def text(root: Element) -> str:
    """As the form field SAMLResponse holds it."""
    return base64.b64encode(etree.tostring(root)).decode()


def inflated(field: str) -> Element:
    """A message that came by the redirect binding."""
    return etree.fromstring(zlib.decompress(base64.b64decode(field), wbits=-15))
