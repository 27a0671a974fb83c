"""The shape that an answer must have before anything in it is believed: one Response, one assertion in its one place.

Signature wrapping (Somorovsky et al., "On Breaking SAML", USENIX Security 2012) needs a second assertion, a second
response, a signature in an odd place or two elements of one ID. None of these passes here, so what the signature covers
and what is read can only be the same element.
"""

from dataclasses import dataclass

from control_plane.saml.reasons import Reason, Refused
from control_plane.saml.xml import DS, SAML, SAMLP, XENC, Element, children, everywhere, tag

_XML_ID = "{http://www.w3.org/XML/1998/namespace}id"


@dataclass(frozen=True)
class Shape:
    """The parts of an answer. `assertion` is None while it is encrypted, `encrypted` None when it never was."""

    response: Element
    assertion: Element | None
    encrypted: Element | None

    @property
    def signed(self) -> list[Element]:
        """The elements that carry a signature."""
        parts = [self.response] if self.assertion is None else [self.response, self.assertion]
        return [one for one in parts if children(one, DS, "Signature")]


def shape_of(root: Element, *, decrypted: bool = False) -> Shape:
    """The parts of a Response, as it arrived or, `decrypted`, with the assertion in what held it. Raises Refused."""
    if root.tag != tag(SAMLP, "Response") or len(everywhere(root, SAMLP, "Response")) != 1:
        raise Refused(Reason.NOT_A_RESPONSE)
    _unique_ids(root)
    plain, encrypted = everywhere(root, SAML, "Assertion"), everywhere(root, SAML, "EncryptedAssertion")
    outer = encrypted or plain
    if len(plain) > 1 or len(outer) != 1 or outer[0].getparent() is not root:
        # An answer that says no may have no assertion: its status is looked at next, and names the reason.
        if plain or encrypted or not _says_no(root):
            raise Refused(Reason.ASSERTIONS, f"{len(plain)} plain, {len(encrypted)} encrypted")
        raise Refused(Reason.STATUS)
    if encrypted and plain and not (decrypted and plain[0].getparent() is encrypted[0]):
        raise Refused(Reason.ASSERTIONS, "one plain, one encrypted")
    found = Shape(root, plain[0] if plain else None, encrypted[0] if encrypted else None)
    _versions(found)
    _encrypted_parts(found)
    _signatures(found)
    return found


def _unique_ids(root: Element) -> None:
    """No two attributes that any reader could take for an ID have the same value."""
    seen: set[str] = set()
    for element in root.iter():
        for name, value in element.attrib.items():
            if name == _XML_ID:  # libxml2 takes it for an ID by itself
                raise Refused(Reason.DUPLICATE_ID, "xml:id")
            if str(name).rpartition("}")[2].lower() == "id":
                if value in seen:
                    raise Refused(Reason.DUPLICATE_ID)
                seen.add(str(value))


def _says_no(root: Element) -> bool:
    codes = everywhere(root, SAMLP, "StatusCode")
    return bool(codes) and codes[0].get("Value") != SUCCESS


SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"


def _versions(found: Shape) -> None:
    for one in (found.response, found.assertion):
        if one is not None and one.get("Version") != "2.0":
            raise Refused(Reason.VERSION)
        if one is not None and not one.get("ID"):
            raise Refused(Reason.SCHEMA, "an ID is missing")


def _encrypted_parts(found: Shape) -> None:
    """Only a whole assertion may be encrypted, and as one part."""
    inside = [] if found.encrypted is None else children(found.encrypted, XENC, "EncryptedData")
    still = found.encrypted is not None and found.assertion is None
    if len(inside) != int(still) or len(everywhere(found.response, XENC, "EncryptedData")) != len(inside):
        raise Refused(Reason.ASSERTIONS, "encrypted parts in odd places")


def _signatures(found: Shape) -> None:
    """Signatures stand in the response and the assertion, once each, behind the issuer, and nowhere else."""
    for signature in everywhere(found.response, DS, "Signature"):
        parent = signature.getparent()
        if parent is None or (parent is not found.response and parent is not found.assertion):
            raise Refused(Reason.SIGNATURE_FORM, "a signature in an odd place")
        before = signature.getprevious()
        if len(children(parent, DS, "Signature")) != 1 or before is None or before.tag != tag(SAML, "Issuer"):
            raise Refused(Reason.SIGNATURE_FORM, "not one signature behind the issuer")
