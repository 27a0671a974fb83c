"""What of an answer may stand in the sign-in log: decoded, bounded, and without what could be used again.

It is made of any answer, believed or not, so it never raises; signatures and encrypted parts are named, not copied.
"""

import base64
import binascii
import hashlib

from contracts.signing_in import MOST_ATTRIBUTES, Answer
from control_plane.saml.xml import DS, SAML, SAMLP, XENC, Element, everywhere, tag

LONGEST = 300  # characters of a text


def summarise(root: Element) -> Answer:
    """What the document says, unproved."""
    conditions, data = _first(root, SAML, "Conditions"), _first(root, SAML, "SubjectConfirmationData")
    name_id = _first(root, SAML, "NameID")
    return Answer(
        issuer=_text(_first(root, SAML, "Issuer")),
        destination=_attribute(root, "Destination"),
        issued_at=_attribute(root, "IssueInstant"),
        status=tuple(_attribute(one, "Value").rpartition(":")[2] for one in _some(root, SAMLP, "StatusCode")),
        status_message=_text(_first(root, SAMLP, "StatusMessage")),
        name_id=_text(name_id),
        name_id_format=_attribute(name_id, "Format"),
        audiences=tuple(_text(one) for one in _some(root, SAML, "Audience")),
        recipient=_attribute(data, "Recipient"),
        not_before=_attribute(conditions, "NotBefore"),
        not_on_or_after=_attribute(conditions, "NotOnOrAfter"),
        attributes=tuple(
            (_attribute(one, "Name"), tuple(_text(value) for value in _some(one, SAML, "AttributeValue")))
            for one in _some(root, SAML, "Attribute")
        ),
        signed=tuple(_parent(one) for one in _some(root, DS, "Signature")),
        algorithms=tuple(
            _attribute(one, "Algorithm")
            for name in ("SignatureMethod", "DigestMethod")
            for one in _some(root, DS, name)
        ),
        certificates=tuple(_fingerprint(one) for one in _some(root, DS, "X509Certificate")),
        encrypted=_first(root, XENC, "EncryptedData") is not None,
    )


def _some(root: Element, namespace: str, name: str) -> list[Element]:
    return everywhere(root, namespace, name)[:MOST_ATTRIBUTES]


def _first(root: Element, namespace: str, name: str) -> Element | None:
    return next(root.iter(tag(namespace, name)), None)


def _text(element: Element | None) -> str:
    """All its text, as a person would read it."""
    return "" if element is None else "".join(element.itertext()).strip()[:LONGEST]


def _attribute(element: Element | None, name: str) -> str:
    return "" if element is None else (element.get(name) or "")[:LONGEST]


def _parent(signature: Element) -> str:
    parent = signature.getparent()
    return "" if parent is None else str(parent.tag).rpartition("}")[2][:LONGEST]


def _fingerprint(element: Element) -> str:
    try:
        return hashlib.sha256(base64.b64decode("".join(_words(element)), validate=True)).hexdigest()
    except (binascii.Error, ValueError):
        return ""


def _words(element: Element) -> list[str]:
    return (element.text or "").split()
