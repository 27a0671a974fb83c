"""Metadata as vendors write it, and what is refused with words by which an admin can mend it."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from contracts.identity import Binding
from contracts.signing_in import LARGEST_METADATA, IdpFacts, MetadataRefused
from control_plane.saml import idp_metadata, sp_metadata
from control_plane.saml.schema import follows_schema
from control_plane.saml.signatures import VerifyingKey
from control_plane.saml.sp_metadata import Site
from control_plane.saml.xml import parse
from tests.control_plane.saml import idp
from tests.control_plane.saml.world import connection, our_keys

NOW = datetime.now(UTC)
POST, REDIRECT, SOAP, ARTIFACT = (
    f"urn:oasis:names:tc:SAML:2.0:bindings:{name}" for name in ("HTTP-POST", "HTTP-Redirect", "SOAP", "HTTP-Artifact")
)


def key(der: bytes | None = None, use: str = 'use="signing"') -> str:
    shown = base64.b64encode(der or idp.signer("idp").certificate_der).decode()
    lines = "\n".join(shown[at : at + 64] for at in range(0, len(shown), 64))
    return (
        f"<md:KeyDescriptor {use}><ds:KeyInfo><ds:X509Data><ds:X509Certificate>\n{lines}\n</ds:X509Certificate>"
        "</ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
    )


def service(binding: str = REDIRECT, url: str = "https://idp.example/sso") -> str:
    return f'<md:SingleSignOnService Binding="{binding}" Location="{url}"/>'


def entity(
    *inside: str, entity_id: str = "https://idp.example/saml", about: str = "", role: str = "", extensions: str = ""
) -> str:
    parts = "".join(inside or (key(), service()))
    return (
        f'<md:EntityDescriptor entityID="{entity_id}" {about} xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" '
        f'xmlns:ds="http://www.w3.org/2000/09/xmldsig#">{extensions}<md:IDPSSODescriptor {role} '
        f'protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">{parts}</md:IDPSSODescriptor>'
        "</md:EntityDescriptor>"
    )


def many(*entities: str, about: str = "") -> str:
    named = f'{about} xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"'
    return f"<md:EntitiesDescriptor {named}>{''.join(entities)}</md:EntitiesDescriptor>"


def read(document: str) -> IdpFacts:
    return idp_metadata.read(document.encode())


def words(document: str | bytes) -> str:
    with pytest.raises(MetadataRefused) as refused:
        idp_metadata.read(document.encode() if isinstance(document, str) else document)
    assert refused.value.detail.endswith(".")
    return refused.value.detail


def sha1_signed() -> bytes:
    """A certificate as old products made them. Signing by SHA-1 is not offered any more: the bytes are changed."""
    der = idp.signer("idp").certificate_der
    sha256, sha1 = bytes.fromhex("06092a864886f70d01010b"), bytes.fromhex("06092a864886f70d010105")
    assert der.count(sha256) == 2
    return der.replace(sha256, sha1)


def weak() -> bytes:
    made = rsa.generate_private_key(65537, 1024)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "weak")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(made.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=30))
        .sign(made, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.DER)


def test_what_an_identity_provider_says() -> None:
    found = read(entity(role='WantAuthnRequestsSigned="true"'))
    assert (found.entity_id, found.sso_url) == ("https://idp.example/saml", "https://idp.example/sso")
    assert (found.binding, found.wants_signed_requests) == (Binding.REDIRECT, True)
    assert found.certificates == (base64.b64encode(idp.signer("idp").certificate_der).decode(),)


def test_redirect_is_preferred_and_a_form_is_the_second_choice() -> None:
    assert read(entity(key(), service(POST), service(REDIRECT))).binding is Binding.REDIRECT
    found = read(entity(key(), service(SOAP), service(POST, "https://idp.example/post")))
    assert (found.binding, found.sso_url) == (Binding.POST, "https://idp.example/post")


def test_a_key_without_a_use_signs_too_and_one_for_encryption_does_not() -> None:
    new = idp.signer("new").certificate_der
    found = read(entity(key(use=""), key(new, 'use="encryption"'), service()))
    assert len(found.certificates) == 1


def test_two_certificates_while_one_is_changed_and_one_that_ended() -> None:
    new, old = idp.Signer.new(days=900), idp.Signer.new(days=-2)
    found = read(entity(key(old.certificate_der), key(), key(new.certificate_der), key(), service()))
    assert found.certificates[0] == base64.b64encode(new.certificate_der).decode() and len(found.certificates) == 2


def test_a_list_with_one_identity_provider_and_service_providers() -> None:
    sp = sp_metadata.metadata(Site("https://x.example"), "bcdf2345", None, [our_keys()], signed=False).decode()
    assert read(many(entity(), sp)).entity_id == "https://idp.example/saml"
    assert read(many(many(entity()))).entity_id == "https://idp.example/saml"


def test_comments_and_a_byte_order_mark_are_taken() -> None:
    text = "\ufeff<?xml version='1.0' encoding='UTF-8'?><!-- by AD FS -->" + entity(key(), "<!-- x -->", service())
    assert read(text).binding is Binding.REDIRECT


@pytest.mark.parametrize("left", [timedelta(days=1), timedelta(minutes=1)])
def test_metadata_that_has_not_expired(left: timedelta) -> None:
    until = datetime.now(UTC) + left
    assert read(entity(about=f'validUntil="{until:%Y-%m-%dT%H:%M:%S}.000Z"')).binding is Binding.REDIRECT
    assert read(entity(about=f'validUntil="{until:%Y-%m-%dT%H:%M:%S}+00:00"')).binding is Binding.REDIRECT


def test_expired_metadata() -> None:
    gone = f'validUntil="{NOW - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"'
    for document in (entity(about=gone), entity(role=gone), many(entity(), about=gone)):
        assert words(document).startswith("This metadata expired on ")
    assert "expired" in words(entity(about='validUntil="soon"'))


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("", "not XML"),
        ("<html><body>Sign in</body></html>", "no SAML 2.0 metadata"),
        ("<html><br></html>", "not XML"),
        ("{}", "not XML"),
        ('<!DOCTYPE x [<!ENTITY a "b">]>' + entity(), "document type"),
        (many(), "no identity provider"),
        (many(entity(), entity(entity_id="https://two.example")), "2 identity providers"),
        (entity(service()), "no signing certificate"),
        (entity(key(use='use="encryption"'), service()), "no signing certificate"),
        (entity(key()), "HTTP-Redirect or HTTP-POST"),
        (entity(key(), service(ARTIFACT), service(SOAP)), "HTTP-Redirect or HTTP-POST"),
        (entity(key(), service(url="http://idp.example/sso")), "https://"),
        (entity(key(), service(url="javascript:alert(1)")), "https://"),
        (entity(key(), service(url="/sso")), "https://"),
        (entity(entity_id=" "), "entity ID"),
        (entity(entity_id="x" * 1025), "entity ID"),
        (entity().replace("SAML:2.0:protocol", "SAML:1.1:protocol"), "SAML 2.0"),
        (entity(key(b"not a certificate"), service()), "cannot be read"),
        (entity(key(idp.Signer.new(days=-3).certificate_der), service()), "it ended on"),
        (entity(key(weak()), service()), "too weak"),
        (entity(key(sha1_signed()), service()), "SHA-1"),
        ("<a>" * 200 + "</a>" * 200, "too many parts"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_what_is_refused(document: str, said: str) -> None:
    assert said in words(document)


def test_our_own_metadata_is_told_apart() -> None:
    ours = sp_metadata.metadata(Site("https://x.example"), "bcdf2345", None, [our_keys()], signed=False)
    assert "service provider" in words(ours)


def test_a_provider_that_signs_by_sha1_alone() -> None:
    listed = (
        '<md:Extensions xmlns:alg="urn:oasis:names:tc:SAML:metadata:algsupport">'
        '<alg:SigningMethod Algorithm="http://www.w3.org/2000/09/xmldsig#rsa-sha1"/>{}</md:Extensions>'
    )
    assert "SHA-1" in words(entity(extensions=listed.format("")))
    safe = '<alg:SigningMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>'
    assert read(entity(extensions=listed.format(safe))).binding is Binding.REDIRECT


def test_50_megabytes() -> None:
    assert "larger than 512 kB" in words(b"<a>" + b" " * 50_000_000)
    assert len(entity()) < LARGEST_METADATA


# ---- ours


@pytest.mark.parametrize("signed", [False, True])
def test_our_metadata_follows_the_schema_and_names_every_key(signed: bool) -> None:
    pairs = [our_keys(0), our_keys(1)]
    root = parse(sp_metadata.metadata(Site("https://x.example"), "bcdf2345", connection(), pairs, signed=signed))
    assert follows_schema(root)
    assert root.get("entityID") == connection().sp_entity_id
    descriptors = root.findall(".//md:KeyDescriptor", {"md": "urn:oasis:names:tc:SAML:2.0:metadata"})
    assert [one.get("use") for one in descriptors] == ["signing", "signing", "encryption", "encryption"]
    assert VerifyingKey(pairs[0].certificate_pem).verifies(root) is signed


def test_facts_for_typing_in() -> None:
    facts = sp_metadata.facts(Site("https://x.example"), "bcdf2345", None, [our_keys(0), our_keys(1)])
    assert facts.entity_id == facts.metadata_url == "https://x.example/saml/bcdf2345/metadata"
    assert facts.acs_url == "https://x.example/saml/bcdf2345/acs"
    assert [one.pem for one in facts.certificates] == [our_keys(0).certificate_pem, our_keys(1).certificate_pem]
    assert all(one.not_after > NOW for one in facts.certificates)
