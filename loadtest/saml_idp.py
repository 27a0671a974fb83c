"""A small identity provider for load tests: answers signed in both places, made ahead of time, and its certificate."""

import base64
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from xmlsec import constants

_NAMES = (
    'xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" '
    'xmlns:ds="http://www.w3.org/2000/09/xmldsig#"'
)
_SIGNATURE = """<ds:Signature><ds:SignedInfo>
<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>
<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>
<ds:Reference URI="#{id}"><ds:Transforms>
<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>
<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms>
<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference></ds:SignedInfo>
<ds:SignatureValue/><ds:KeyInfo><ds:X509Data><ds:X509Certificate/></ds:X509Data></ds:KeyInfo></ds:Signature>"""
_ANSWER = """<samlp:Response {names} ID="{response}" Version="2.0" IssueInstant="{now}" Destination="{acs}"
 InResponseTo="{request}"><saml:Issuer>{idp}</saml:Issuer>{sign_response}<samlp:Status>
<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>
<saml:Assertion ID="{assertion}" Version="2.0" IssueInstant="{now}"><saml:Issuer>{idp}</saml:Issuer>{sign_assertion}
<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">{email}</saml:NameID>
<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData
 NotOnOrAfter="{until}" Recipient="{acs}" InResponseTo="{request}"/></saml:SubjectConfirmation></saml:Subject>
<saml:Conditions NotBefore="{before}" NotOnOrAfter="{until}"><saml:AudienceRestriction>
<saml:Audience>{sp}</saml:Audience></saml:AudienceRestriction></saml:Conditions>
<saml:AuthnStatement AuthnInstant="{now}" SessionIndex="{assertion}"><saml:AuthnContext><saml:AuthnContextClassRef>
urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext>
</saml:AuthnStatement><saml:AttributeStatement>{attributes}</saml:AttributeStatement></saml:Assertion></samlp:Response>"""
_GROUPS = 10  # of one person


@dataclass(frozen=True)
class Idp:
    """One, with its key."""

    entity_id: str
    key_pem: bytes
    certificate: x509.Certificate

    @classmethod
    def new(cls, entity_id: str) -> "Idp":
        """With a key of the usual size."""
        key = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=365))
            .sign(key, hashes.SHA256())
        )
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return cls(entity_id, pem, certificate)

    @property
    def certificate_der(self) -> bytes:
        """The certificate's bytes."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    def answer(self, *, sp: str, acs: str, request: str, email: str | None = None) -> str:
        """The field SAMLResponse of an answer to that request: response and assertion are signed.

        Of whom it speaks: `email`, or somebody new.
        """
        now = datetime.now(UTC)
        assertion, response = (f"_{secrets.token_hex(16)}" for _ in range(2))
        groups = "".join(f"<saml:AttributeValue>group-{number}</saml:AttributeValue>" for number in range(_GROUPS))
        text = _ANSWER.format(
            names=_NAMES,
            response=response,
            assertion=assertion,
            request=request,
            idp=self.entity_id,
            sp=sp,
            acs=acs,
            email=email or f"{secrets.token_hex(6)}@customer.example",
            now=_moment(now),
            before=_moment(now - timedelta(seconds=30)),
            until=_moment(now + timedelta(minutes=5)),
            attributes=f'<saml:Attribute Name="groups">{groups}</saml:Attribute>',
            sign_response=_SIGNATURE.format(id=response),
            sign_assertion=_SIGNATURE.format(id=assertion),
        )
        root = etree.fromstring(text)
        inner = root[3]
        for part in (inner, root):  # the inner one first: the outer signature is over it too
            context = xmlsec.SignatureContext()
            context.key = xmlsec.Key.from_memory(self.key_pem, constants.KeyDataFormatPem)
            pem = self.certificate.public_bytes(serialization.Encoding.PEM)
            context.key.load_cert_from_memory(pem, constants.KeyDataFormatCertPem)
            context.register_id(part, "ID", None)
            context.sign(part[1])
        return base64.b64encode(etree.tostring(root)).decode()


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
