"""Signatures that do not hold, or hold for something else than what is read: each is refused for its own reason."""

import base64
import hashlib
from collections.abc import Callable
from copy import deepcopy

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from lxml import etree
from xmlsec import constants

from contracts.identity import Certificate
from control_plane.saml.reasons import Reason
from tests.control_plane.saml import idp
from tests.control_plane.saml.idp import DS, NS, SAML, SAMLP, Element, Says, Signing
from tests.control_plane.saml.world import connection, reason, refusal

PARTS = ["both", "assertion", "response"]


def found(root: Element, path: str) -> Element:
    element = root.find(path, NS)
    assert element is not None, path
    return element


def signature_of(root: Element) -> Element:
    """The assertion's signature."""
    return found(root, "saml:Assertion/ds:Signature")


def made(name: str, *inside: Element, namespace: str = DS) -> Element:
    element = etree.Element(f"{{{namespace}}}{name}")
    element.extend(inside)
    return element


# ---- what is signed, and by whom


def test_nothing_is_signed() -> None:
    assert reason(idp.response(Says())) is Reason.UNSIGNED


def test_only_the_response_is_signed() -> None:
    assert reason(idp.signed(parts="response")) is Reason.UNSIGNED


def test_the_response_is_not_signed_and_has_to_be() -> None:
    wanted = connection(want_response_signed=True)
    assert reason(idp.signed(parts="assertion"), wanted) is Reason.RESPONSE_UNSIGNED


@pytest.mark.parametrize("parts", ["both", "assertion"])
def test_a_signature_was_stripped(parts: str) -> None:
    root = idp.signed(parts=parts)
    found(root, "saml:Assertion").remove(signature_of(root))
    assert reason(root) is Reason.UNSIGNED


@pytest.mark.parametrize("parts", ["both", "assertion"])
@pytest.mark.parametrize(
    "path", ["saml:Assertion/saml:Subject/saml:NameID", ".//saml:AttributeValue", ".//saml:AuthnContextClassRef"]
)
def test_the_assertion_was_changed(parts: str, path: str) -> None:
    root = idp.signed(Says(attributes={"groups": ["staff"]}), parts=parts)
    found(root, path).text = "mallory@customer.example"
    assert reason(root) is Reason.SIGNATURE


def test_the_response_was_changed_around_a_good_assertion() -> None:
    root = idp.signed(parts="both")
    found(root, "samlp:Status").append(made("StatusMessage", namespace=SAMLP))
    assert reason(root) is Reason.SIGNATURE


def test_a_good_assertion_was_put_into_another_response() -> None:
    says = Says()
    root = idp.signed(says)
    other = idp.signed(Says())
    other.replace(found(other, "saml:Assertion"), found(root, "saml:Assertion"))
    assert reason(other) is Reason.SIGNATURE


def test_an_attacker_shows_a_certificate_of_his_own() -> None:
    assert reason(idp.signed(how=Signing(by=idp.signer("attacker")))) is Reason.CERTIFICATE


def test_an_attacker_shows_the_pinned_certificate() -> None:
    how = Signing(by=idp.signer("attacker"), key_info=idp.signer("idp"))
    assert reason(idp.signed(how=how)) is Reason.SIGNATURE


def test_an_attacker_signs_what_another_key_signed_around_it() -> None:
    root = idp.response(Says())
    idp.sign(found(root, "saml:Assertion"), Signing(by=idp.signer("attacker")))
    idp.sign(root)
    assert reason(root) is Reason.CERTIFICATE


def test_the_hint_says_what_to_do() -> None:
    refused = refusal(idp.signed(how=Signing(by=idp.signer("attacker"))))
    assert refused.reason.hint("Okta").endswith("The certificate in Okta was rotated: upload the new one.")


def test_every_certificate_has_ended() -> None:
    old = idp.Signer.new(days=-2)
    ended = connection(certificates=(idp_certificate(old),))
    assert reason(idp.signed(how=Signing(by=old)), ended) is Reason.CERTIFICATE_EXPIRED


def idp_certificate(signer: idp.Signer) -> Certificate:
    return Certificate.of(signer.certificate_der)


# ---- the form of a signature


def empty_value(root: Element) -> None:
    found(signature_of(root), "ds:SignatureValue").text = ""


def blank_value(root: Element) -> None:
    found(signature_of(root), "ds:SignatureValue").text = " \n "


def no_reference(root: Element) -> None:
    info = found(signature_of(root), "ds:SignedInfo")
    info.remove(found(info, "ds:Reference"))


def two_references(root: Element) -> None:
    info = found(signature_of(root), "ds:SignedInfo")
    info.append(deepcopy(found(info, "ds:Reference")))


def several_signed_info(root: Element) -> None:
    signature = signature_of(root)
    signature.insert(0, deepcopy(found(signature, "ds:SignedInfo")))


def no_signed_info(root: Element) -> None:
    signature = signature_of(root)
    signature.remove(found(signature, "ds:SignedInfo"))


def an_object(root: Element) -> None:
    signature_of(root).append(made("Object"))


def two_key_infos(root: Element) -> None:
    signature = signature_of(root)
    signature.append(deepcopy(found(signature, "ds:KeyInfo")))


def hmac_length(root: Element) -> None:
    found(signature_of(root), "ds:SignedInfo/ds:SignatureMethod").append(made("HMACOutputLength"))


def an_empty_digest(root: Element) -> None:
    found(signature_of(root), ".//ds:DigestValue").text = ""


def an_element_in_the_digest(root: Element) -> None:
    found(signature_of(root), ".//ds:DigestValue").append(made("DigestValue"))


def no_transforms(root: Element) -> None:
    reference = found(signature_of(root), ".//ds:Reference")
    reference.remove(found(reference, "ds:Transforms"))


def two_signatures(root: Element) -> None:
    signature = signature_of(root)
    signature.addnext(deepcopy(signature))


def at_the_end(root: Element) -> None:
    found(root, "saml:Assertion").append(signature_of(root))


def in_the_subject(root: Element) -> None:
    found(root, "saml:Assertion/saml:Subject").append(signature_of(root))


@pytest.mark.parametrize(
    "spoil",
    [
        empty_value,
        blank_value,
        no_reference,
        two_references,
        several_signed_info,
        no_signed_info,
        an_object,
        two_key_infos,
        hmac_length,
        an_empty_digest,
        an_element_in_the_digest,
        no_transforms,
        two_signatures,
        at_the_end,
        in_the_subject,
    ],
)
@pytest.mark.parametrize("parts", ["both", "assertion"])
def test_a_signature_of_another_form(spoil: Callable[[Element], None], parts: str) -> None:
    root = idp.signed(parts=parts)
    spoil(root)
    assert reason(root) is Reason.SIGNATURE_FORM


@pytest.mark.parametrize("uri", ["", "#", "#_another", "https://attacker.example/assertion", "#xpointer(/)"])
def test_a_signature_of_something_else(uri: str) -> None:
    root = idp.response(Says())
    inner = found(root, "saml:Assertion")
    idp.sign(inner)
    found(signature_of(root), ".//ds:Reference").set("URI", uri)
    assert reason(root) is Reason.SIGNATURE_FORM


def test_a_signature_without_a_uri() -> None:
    root = idp.signed(parts="assertion")
    del found(signature_of(root), ".//ds:Reference").attrib["URI"]
    assert reason(root) is Reason.SIGNATURE_FORM


def test_an_empty_uri_that_is_truly_signed() -> None:
    root = idp.response(Says())
    idp.sign(found(root, "saml:Assertion"))
    idp.sign(root, Signing(uri=""))
    assert reason(root) is Reason.SIGNATURE_FORM


@pytest.mark.parametrize(
    "algorithm",
    [
        "http://www.w3.org/TR/1999/REC-xslt-19991116",
        "http://www.w3.org/TR/1999/REC-xpath-19991116",
        "http://www.w3.org/2002/06/xmldsig-filter2",
        "http://www.w3.org/2000/09/xmldsig#base64",
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_transform_that_saml_does_not_know(algorithm: str, place: int) -> None:
    root = idp.signed(parts="assertion")
    transform = made("Transform")
    transform.set("Algorithm", algorithm)
    found(signature_of(root), ".//ds:Transforms").insert(place, transform)
    assert reason(root) is Reason.SIGNATURE_FORM


def test_a_stylesheet_inside_a_transform() -> None:
    root = idp.signed(parts="assertion")
    transform = found(signature_of(root), ".//ds:Transform")
    transform.append(made("stylesheet", namespace="http://www.w3.org/1999/XSL/Transform"))
    assert reason(root) is Reason.SIGNATURE_FORM


# ---- algorithms


@pytest.mark.parametrize(
    "how",
    [
        Signing(method=constants.TransformRsaSha1),
        Signing(digest=constants.TransformSha1),
        Signing(method=constants.TransformRsaSha1, digest=constants.TransformSha1),
        Signing(method=constants.TransformRsaSha224),
        Signing(by=idp.signer("ec"), method=constants.TransformEcdsaSha1),
        Signing(canonical=constants.TransformInclC14N),
    ],
    ids=["rsa-sha1", "sha1-digest", "both", "rsa-sha224", "ecdsa-sha1", "inclusive"],
)
def test_an_algorithm_that_is_not_safe(how: Signing) -> None:
    assert reason(idp.signed(how=how)) is Reason.ALGORITHM


@pytest.mark.parametrize(
    "method", [constants.TransformHmacSha256, constants.TransformHmacSha512, constants.TransformHmacSha1]
)
@pytest.mark.parametrize("form", ["pem", "der"])
def test_the_public_certificate_is_no_secret(method: object, form: str) -> None:
    signer = idp.signer("idp")
    secret = signer.certificate_pem if form == "pem" else signer.certificate_der
    assert reason(idp.signed(how=Signing(method=method, hmac=secret))) is Reason.ALGORITHM


def test_an_hmac_called_rsa() -> None:
    how = Signing(method=constants.TransformHmacSha256, hmac=idp.signer("idp").certificate_pem)
    root = idp.signed(parts="assertion", how=how)
    rsa = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
    found(signature_of(root), ".//ds:SignatureMethod").set("Algorithm", rsa)
    assert reason(root) is Reason.SIGNATURE


# ---- signature wrapping (Somorovsky et al.): a good signature, and beside it what an attacker wants read


def forged(element: Element) -> Element:
    """A copy that names another person, under another ID, without a signature."""
    copy = deepcopy(element)
    copy.set("ID", "_forged")
    found(copy, ".//saml:NameID").text = "owner@customer.example"
    for signature in copy.findall(".//ds:Signature", NS):
        parent = signature.getparent()
        assert parent is not None
        parent.remove(signature)
    for inner in copy.findall("saml:Assertion", NS):
        inner.set("ID", "_forged-inner")
    return copy


def without_signature(element: Element) -> Element:
    copy = deepcopy(element)
    copy.remove(found(copy, "ds:Signature"))
    return copy


def around_response(place: Callable[[Element, Element, Element], None]) -> Callable[[Element], Element]:
    def wrap(root: Element) -> Element:
        evil = forged(root)
        signature = deepcopy(found(root, "ds:Signature"))
        evil.insert(1, signature)
        place(evil, signature, without_signature(root))
        return evil

    return wrap


def around_assertion(place: Callable[[Element, Element, Element, Element], None]) -> Callable[[Element], Element]:
    def wrap(root: Element) -> Element:
        root = deepcopy(root)
        good = found(root, "saml:Assertion")
        place(root, good, forged(good), deepcopy(found(good, "ds:Signature")))
        return root

    return wrap


def _xsw4(root: Element, good: Element, evil: Element, signature: Element) -> None:
    root.replace(good, evil)
    evil.append(good)


def _xsw5(root: Element, good: Element, evil: Element, signature: Element) -> None:
    root.replace(good, evil)
    evil.insert(1, signature)
    root.append(without_signature(good))


def _xsw6(root: Element, good: Element, evil: Element, signature: Element) -> None:
    root.replace(good, evil)
    signature.append(without_signature(good))
    evil.insert(1, signature)


def _xsw7(root: Element, good: Element, evil: Element, signature: Element) -> None:
    root.insert(1, made("Extensions", evil, namespace=SAMLP))


def _xsw8(root: Element, good: Element, evil: Element, signature: Element) -> None:
    root.replace(good, evil)
    signature.append(made("Object", without_signature(good)))
    evil.insert(1, signature)


def _in_advice(root: Element, good: Element, evil: Element, signature: Element) -> None:
    root.replace(good, evil)
    evil.insert(2, made("Advice", good, namespace=SAML))


WRAPPINGS = {
    "xsw1": around_response(lambda evil, signature, good: signature.append(good)),
    "xsw2": around_response(lambda evil, signature, good: signature.addprevious(good)),
    "xsw1-object": around_response(lambda evil, signature, good: signature.append(made("Object", good))),
    "response-in-extensions": around_response(
        lambda evil, signature, good: evil.insert(2, made("Extensions", good, namespace=SAMLP))
    ),
    "xsw3": around_assertion(lambda root, good, evil, signature: good.addprevious(evil)),
    "xsw3-behind": around_assertion(lambda root, good, evil, signature: good.addnext(evil)),
    "xsw4": around_assertion(_xsw4),
    "xsw5": around_assertion(_xsw5),
    "xsw6": around_assertion(_xsw6),
    "xsw7": around_assertion(_xsw7),
    "xsw8": around_assertion(_xsw8),
    "advice": around_assertion(_in_advice),
}


def holds_somewhere(root: Element) -> bool:
    """What a careless verifier sees: some signature in the document holds for what its reference names.

    It takes the element of that ID wherever that stands and leaves out the signature in it, as many libraries do;
    libxmlsec leaves out the signature around it too, so it is not fooled by all of these.
    """
    key = x509.load_der_x509_certificate(idp.signer("idp").certificate_der).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    for signature in root.iter(f"{{{DS}}}Signature"):
        info = found(signature, "ds:SignedInfo")
        named = str(found(info, "ds:Reference").get("URI")).removeprefix("#")
        value = base64.b64decode(found(signature, "ds:SignatureValue").text or "")
        try:
            key.verify(value, etree.tostring(info, method="c14n", exclusive=True), PKCS1v15(), SHA256())
        except InvalidSignature:
            continue
        digest = base64.b64decode(found(info, "ds:Reference/ds:DigestValue").text or "")
        if any(hashlib.sha256(canonical(one)).digest() == digest for one in root.iter() if one.get("ID") == named):
            return True
    return False


def canonical(element: Element) -> bytes:
    """What a signature inside it is over."""
    copy = deepcopy(element)
    copy.tail = None
    for signature in copy.findall("ds:Signature", NS):
        copy.remove(signature)
    return etree.tostring(copy, method="c14n", exclusive=True)


CASES = [
    (name, parts)
    for name in WRAPPINGS
    for parts in PARTS
    if parts in {"both", "response"} or not (name.startswith(("xsw1", "xsw2")) or name == "response-in-extensions")
    if parts in {"both", "assertion"} or name.startswith(("xsw1", "xsw2")) or name == "response-in-extensions"
]


@pytest.mark.parametrize(("name", "parts"), CASES)
def test_signature_wrapping(name: str, parts: str) -> None:
    root = WRAPPINGS[name](idp.signed(parts=parts))
    around = name.startswith(("xsw1", "xsw2")) or name == "response-in-extensions"
    assert reason(root) is (Reason.NOT_A_RESPONSE if around else Reason.ASSERTIONS)


@pytest.mark.parametrize(("name", "parts"), [case for case in CASES if case[1] != "both"])
def test_a_careless_verifier_would_believe_these(name: str, parts: str) -> None:
    assert holds_somewhere(WRAPPINGS[name](idp.signed(parts=parts)))


def test_the_careless_verifier_does_verify() -> None:
    root = idp.signed(parts="assertion")
    assert holds_somewhere(root)
    found(root, ".//saml:NameID").text = "mallory@customer.example"
    assert not holds_somewhere(root)


@pytest.mark.parametrize("parts", ["both", "assertion"])
@pytest.mark.parametrize("first", [True, False])
def test_two_elements_of_one_id(parts: str, first: bool) -> None:
    root = idp.signed(parts=parts)
    good = found(root, "saml:Assertion")
    evil = forged(good)
    evil.set("ID", str(good.get("ID")))
    good.addprevious(evil) if first else good.addnext(evil)
    assert reason(root) is Reason.DUPLICATE_ID


@pytest.mark.parametrize("name", ["ID", "Id", "id", "{http://attacker.example}ID"])
def test_an_id_is_taken_by_something_else(name: str) -> None:
    root = idp.signed(parts="assertion")
    good = found(root, "saml:Assertion")
    found(root, "samlp:Status").set(name, str(good.get("ID")))
    assert reason(root) is Reason.DUPLICATE_ID


def test_an_xml_id() -> None:
    root = idp.signed(parts="assertion")
    found(root, "samlp:Status").set("{http://www.w3.org/XML/1998/namespace}id", "_anything")
    assert reason(root) is Reason.DUPLICATE_ID


def test_the_response_has_the_id_of_the_assertion() -> None:
    says = Says(id="_same", assertion_id="_same")
    assert reason(idp.signed(says, parts="assertion")) is Reason.DUPLICATE_ID


def test_two_assertions_both_good() -> None:
    root = idp.response(Says(), idp.assertion(Says()), idp.assertion(Says(name_id="bob@customer.example")))
    for one in root.findall("saml:Assertion", NS):
        idp.sign(one)
    assert reason(root) is Reason.ASSERTIONS


def test_no_assertion() -> None:
    root = idp.response(Says())
    root.remove(found(root, "saml:Assertion"))
    idp.sign(root)
    assert reason(root) is Reason.ASSERTIONS
