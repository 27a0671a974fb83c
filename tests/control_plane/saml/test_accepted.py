"""Good answers in the shapes in which vendors send them: each is believed, and says what it says."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from lxml import etree
from xmlsec import constants

from contracts.identity import Attributes, GroupRole, Vendor
from contracts.presets import PRESETS
from control_plane.saml.mapping import Mapped
from control_plane.saml.question import Assertion
from control_plane.saml.reasons import Reason
from control_plane.saml.verifying import verify
from tests.control_plane.saml import idp
from tests.control_plane.saml.idp import EMAIL, NS, PERSISTENT, SAML, UNSPECIFIED, Element, Says, Signing
from tests.control_plane.saml.world import ask, certificate, connection, our_keys, question, reason

PEM = our_keys().certificate_pem.encode()


def issued_in_fractions(root: Element) -> None:
    """Okta, Entra ID and AD FS write milliseconds."""
    for one in root.iter():
        for name in ("IssueInstant", "NotBefore", "NotOnOrAfter", "AuthnInstant"):
            if one.get(name):
                one.set(name, str(one.get(name)).replace("Z", ".123Z"))


def with_formats(root: Element) -> None:
    """Keycloak and AD FS name the kind of each attribute's name, and a friendly one."""
    for one in root.iter(f"{{{SAML}}}Attribute"):
        one.set("NameFormat", "urn:oasis:names:tc:SAML:2.0:attrname-format:basic")
        one.set("FriendlyName", "friendly")
    for issuer in root.iter(f"{{{SAML}}}Issuer"):
        issuer.set("Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:entity")


def with_once_only(root: Element) -> None:
    """OneTimeUse is a condition that we keep anyway."""
    conditions = root.find(".//saml:Conditions", NS)
    assert conditions is not None
    etree.SubElement(conditions, f"{{{SAML}}}OneTimeUse")


def with_several_audiences(root: Element) -> None:
    restriction = root.find(".//saml:AudienceRestriction", NS)
    assert restriction is not None
    etree.SubElement(restriction, f"{{{SAML}}}Audience").text = "urn:another"


def as_is(root: Element) -> None:
    pass


@dataclass(frozen=True)
class Shape:
    """How a vendor answers, as far as our tests know."""

    vendor: Vendor
    parts: str
    name_id_format: str | None
    change: Callable[[Element], None]
    how: Signing
    encrypted: bool = False


SHAPES = [
    Shape(Vendor.OKTA, "both", UNSPECIFIED, issued_in_fractions, Signing(prefixes="xs")),
    Shape(Vendor.OKTA, "both", EMAIL, issued_in_fractions, Signing(prefixes="xs"), encrypted=True),
    Shape(Vendor.ENTRA, "assertion", PERSISTENT, issued_in_fractions, Signing()),
    Shape(Vendor.GOOGLE, "both", EMAIL, issued_in_fractions, Signing()),
    Shape(Vendor.ONELOGIN, "assertion", EMAIL, as_is, Signing(method=constants.TransformRsaSha512)),
    Shape(Vendor.JUMPCLOUD, "both", UNSPECIFIED, with_formats, Signing()),
    Shape(Vendor.PING, "assertion", None, with_several_audiences, Signing(digest=constants.TransformSha512)),
    Shape(Vendor.ADFS, "assertion", UNSPECIFIED, with_formats, Signing()),
    Shape(Vendor.ADFS, "assertion", UNSPECIFIED, with_formats, Signing(), encrypted=True),
    Shape(Vendor.KEYCLOAK, "both", PERSISTENT, with_once_only, Signing(digest=constants.TransformSha384)),
    Shape(Vendor.KEYCLOAK, "both", EMAIL, with_once_only, Signing(), encrypted=True),
]


def answered(shape: Shape) -> Element:
    """As the vendor's product would answer, with its own names of attributes."""
    preset = PRESETS[shape.vendor]
    said = {preset.email: ["ada@customer.example"], preset.groups: ["everyone", "support"]}
    said |= {preset.name: ["Ada Lovelace"]} if preset.name else {}
    said |= {preset.first_name: ["Ada"], preset.last_name: ["Lovelace"]}
    root = idp.response(Says(name_id_format=shape.name_id_format, attributes=said))
    shape.change(root)
    inner = root.find("saml:Assertion", NS)
    assert inner is not None
    idp.sign(inner, shape.how)
    if shape.encrypted:
        root = idp.encrypt(idp.read_again(root), PEM)
    if shape.parts == "both":
        idp.sign(root, shape.how)
    return root


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape.vendor}-{shape.parts}-{shape.encrypted}")
def test_a_vendors_answer_is_believed(shape: Shape) -> None:
    rules = {"roles": (GroupRole(group="support", role="admin"),), "otherwise": "auditor"}
    names = Attributes.model_validate({**PRESETS[shape.vendor].attributes.model_dump(), **rules})
    ours = connection(vendor=shape.vendor, attributes=names, want_encrypted=shape.encrypted)
    believed = ask(answered(shape), ours)
    told = Mapped(ours, believed)
    assert (told.email, told.name, told.role) == ("ada@customer.example", "Ada Lovelace", "admin")
    assert told.groups == ("everyone", "support") and believed.name_id == "ada@customer.example"


def test_every_vendor_has_a_preset_and_a_shape() -> None:
    assert set(PRESETS) == set(Vendor)
    assert {one.vendor for one in SHAPES} == set(Vendor) - {Vendor.OTHER}


def test_other_prefixes_and_a_default_namespace() -> None:
    text = etree.tostring(idp.response(Says())).decode()
    text = text.replace("samlp:", "saml2p:").replace("xmlns:samlp", "xmlns:saml2p")
    text = text.replace("<saml:", "<").replace("</saml:", "</").replace("xmlns:saml=", "xmlns=")
    root = etree.fromstring(text)
    inner = root.find("saml:Assertion", NS)
    assert inner is not None and "saml" not in inner.nsmap
    idp.sign(inner)
    idp.sign(root)
    assert ask(root).name_id == "ada@customer.example"


@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize(
    "cipher",
    [
        constants.TransformAes128Gcm,
        constants.TransformAes256Gcm,
        constants.TransformAes128Cbc,
        constants.TransformAes256Cbc,
    ],
    ids=["128-gcm", "256-gcm", "128-cbc", "256-cbc"],
)
def test_ciphers(cipher: object, beside: bool) -> None:
    sealed = idp.encrypt(idp.signed(parts="assertion"), PEM, cipher=cipher, beside=beside)
    assert ask(sealed).name_id == "ada@customer.example"


def test_the_key_that_we_announce_next_decrypts_already() -> None:
    sealed = idp.encrypt(idp.signed(parts="assertion"), our_keys(1).certificate_pem.encode())
    assert reason(sealed) is Reason.DECRYPTION
    assert verify(question(idp.text(sealed)), [our_keys(0), our_keys(1)]).name_id == "ada@customer.example"


def test_either_of_two_certificates_while_one_is_changed() -> None:
    both = connection(certificates=(certificate("idp"), certificate("new")))
    for name in ("idp", "new"):
        assert ask(idp.signed(how=Signing(by=idp.signer(name))), both).name_id == "ada@customer.example"


def test_elliptic_curves() -> None:
    ours = connection(certificates=(certificate("ec"),))
    how = Signing(by=idp.signer("ec"), method=constants.TransformEcdsaSha256)
    assert ask(idp.signed(how=how), ours).name_id == "ada@customer.example"


# ---- encrypted and wrong


def test_an_encrypted_assertion_that_is_not_signed() -> None:
    assert reason(idp.encrypt(idp.response(Says()), PEM)) is Reason.UNSIGNED


def test_a_signed_response_around_an_encrypted_assertion_that_is_not() -> None:
    sealed = idp.encrypt(idp.response(Says()), PEM)
    idp.sign(sealed)
    assert reason(sealed) is Reason.UNSIGNED


def test_a_plain_and_an_encrypted_assertion() -> None:
    root = idp.signed(parts="assertion")
    inner = root.find("saml:Assertion", NS)
    assert inner is not None
    plain = etree.fromstring(etree.tostring(inner))
    plain.set("ID", "_other")
    sealed = idp.encrypt(root, PEM)
    sealed.append(plain)
    assert reason(sealed) is Reason.ASSERTIONS


def test_an_encrypted_assertion_that_says_the_wrong_thing() -> None:
    for says, why in ((Says(audience="urn:x"), Reason.AUDIENCE), (Says(not_on_or_after=-31), Reason.EXPIRED)):
        assert reason(idp.encrypt(idp.signed(says, parts="assertion"), PEM)) is why


def test_two_assertions_are_encrypted_as_one() -> None:
    """What comes out of the encryption is looked at like what arrives."""
    root = idp.signed(parts="assertion")
    inner = root.find("saml:Assertion", NS)
    assert inner is not None
    advice = etree.SubElement(inner, f"{{{SAML}}}Advice")
    other = etree.fromstring(etree.tostring(idp.assertion(Says(name_id="owner@customer.example"))))
    advice.append(other)
    assert reason(idp.encrypt(root, PEM)) is Reason.ASSERTIONS


def test_a_key_transport_that_leaks() -> None:
    sealed = idp.encrypt(idp.signed(parts="assertion"), PEM, transport=constants.TransformRsaPkcs1)
    assert reason(sealed) is Reason.ENCRYPTION_ALGORITHM


def test_a_cipher_of_old() -> None:
    sealed = idp.read_again(idp.encrypt(idp.signed(parts="assertion"), PEM))
    method = sealed.find(".//xenc:EncryptedData/xenc:EncryptionMethod", NS)
    assert method is not None
    method.set("Algorithm", "http://www.w3.org/2001/04/xmlenc#tripledes-cbc")
    assert reason(sealed) is Reason.ENCRYPTION_ALGORITHM


def test_what_cannot_be_used_of_an_answer_is_left_out() -> None:
    names = Attributes(email="mail", name="name", groups="groups")
    said = {"mail": ["nobody", "ada@customer.example"], "name": ["x" * 500], "groups": ["g" * 301, "staff"]}
    ours = connection(attributes=names)
    told = Mapped(ours, ask(idp.signed(Says(attributes=said)), ours))
    assert (told.email, told.name, told.groups, told.role) == ("ada@customer.example", "x" * 120, ("staff",), None)


def test_the_name_is_an_address_where_the_provider_says_so() -> None:
    assert Mapped(connection(), _believed(EMAIL)).email == "ada@customer.example"
    assert Mapped(connection(), _believed(UNSPECIFIED)).email == ""


def _believed(name_id_format: str) -> Assertion:
    return ask(idp.signed(Says(name_id_format=name_id_format)))
