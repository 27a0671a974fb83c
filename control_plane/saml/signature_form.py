"""The form that a signature must have (SAML core, 5.4) and the algorithms that count: SHA-2 with RSA or ECDSA."""

import binascii
from base64 import b64decode

from control_plane.saml.reasons import Reason, Refused
from control_plane.saml.xml import DS, Element, child, children, tag

_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
CANONICAL = frozenset({_EXCLUSIVE, f"{_EXCLUSIVE}WithComments"})  # there are no comments: both are the same here
SIGNING = frozenset(f"{_MORE}{family}-sha{bits}" for family in ("rsa", "ecdsa") for bits in (256, 384, 512))
DIGESTS = frozenset(
    {"http://www.w3.org/2001/04/xmlenc#sha256", f"{_MORE}sha384", "http://www.w3.org/2001/04/xmlenc#sha512"}
)


def check_form(signed: Element) -> None:
    """The signature of `signed` covers exactly that element, by safe algorithms. Raises Refused."""
    signature = _one(signed, "Signature")
    _only(signature, "SignedInfo", "SignatureValue", "KeyInfo")
    info = _one(signature, "SignedInfo")
    _only(info, "CanonicalizationMethod", "SignatureMethod", "Reference")
    _filled(_one(signature, "SignatureValue"))
    if len(children(signature, DS, "KeyInfo")) > 1:
        raise Refused(Reason.SIGNATURE_FORM, "several KeyInfo")
    _allowed(_one(info, "CanonicalizationMethod"), CANONICAL)
    method = _one(info, "SignatureMethod")
    _allowed(method, SIGNING)
    if len(method):
        raise Refused(Reason.SIGNATURE_FORM, "parameters of the signature method")
    _reference(_one(info, "Reference"), signed)


def _reference(reference: Element, signed: Element) -> None:
    if not signed.get("ID") or reference.get("URI") != f"#{signed.get('ID')}":
        raise Refused(Reason.SIGNATURE_FORM, "it refers to another element than its own")
    _only(reference, "Transforms", "DigestMethod", "DigestValue")
    transforms = _one(reference, "Transforms")
    _only(transforms, "Transform")
    names = [one.get("Algorithm") for one in transforms]
    if not names or names[0] != ENVELOPED or not set(names[1:]) <= CANONICAL or len(names) > 2:
        raise Refused(Reason.SIGNATURE_FORM, "transforms")
    for one in transforms:
        if any(below.tag != tag(_EXCLUSIVE, "InclusiveNamespaces") or len(below) for below in one):
            raise Refused(Reason.SIGNATURE_FORM, "parameters of a transform")
    _allowed(_one(reference, "DigestMethod"), DIGESTS)
    _filled(_one(reference, "DigestValue"))


def _one(parent: Element, name: str) -> Element:
    found = child(parent, DS, name)
    if found is None:
        raise Refused(Reason.SIGNATURE_FORM, f"not exactly one {name}")
    return found


def _only(parent: Element, *names: str) -> None:
    """Nothing but these may stand in it: no ds:Object, no second SignedInfo under another name."""
    if any(one.tag not in {tag(DS, name) for name in names} for one in parent):
        raise Refused(Reason.SIGNATURE_FORM, "an element that does not belong there")


def _allowed(method: Element, algorithms: frozenset[str]) -> None:
    if method.get("Algorithm") not in algorithms:
        raise Refused(Reason.ALGORITHM)


def _filled(element: Element) -> None:
    try:
        if len(element) or not b64decode("".join((element.text or "").split()), validate=True):
            raise ValueError
    except (binascii.Error, ValueError):
        raise Refused(Reason.SIGNATURE_FORM, "an empty value") from None
