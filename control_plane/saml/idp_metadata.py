"""Reads an identity provider's metadata (SAML metadata, 2.4) as an admin pasted it or as it was fetched.

Its own signature is not looked at: nothing here says whose it ought to be, and an admin vouches for the document.
"""

import asyncio
import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from pydantic import TypeAdapter, ValidationError

from contracts.identity import Binding, Certificate, ConnectionRefused, Url
from contracts.signing_in import LARGEST_METADATA, IdpFacts, MetadataRefused
from control_plane.saml.content import moment
from control_plane.saml.signature_form import SIGNING
from control_plane.saml.xml import (
    DS,
    MD,
    SAMLP,
    CommentFound,
    DoctypeFound,
    Element,
    NotXml,
    TooDeep,
    children,
    everywhere,
    parse,
    tag,
    text_of,
)

MOST_CERTIFICATES = 8
MOST_ELEMENTS = 30_000  # in 512 kB
_ALGORITHMS = "urn:oasis:names:tc:SAML:metadata:algsupport"
_BINDINGS = {
    "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect": Binding.REDIRECT,
    "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST": Binding.POST,
}
_WEAK = (hashes.SHA1, hashes.MD5)
_URL: TypeAdapter[str] = TypeAdapter(Url)


async def read_elsewhere(document: bytes) -> IdpFacts:
    """`read`, off the event loop. Raises MetadataRefused."""
    return await asyncio.to_thread(read, document)


def read(document: bytes, now: datetime | None = None) -> IdpFacts:
    """What the document says. Raises MetadataRefused with words for the admin."""
    now = now or datetime.now(UTC)
    root = _parsed(document)
    entity = _entity(root, now)
    role = _role(entity)
    _not_expired(role, now)
    entity_id = (entity.get("entityID") or "").strip()
    if not 0 < len(entity_id) <= 1024 or not entity_id.isprintable():
        raise MetadataRefused("The identity provider has no usable entity ID in it.")
    _algorithms(entity)
    binding, url = _sign_on(role)
    return IdpFacts(
        entity_id=entity_id,
        sso_url=url,
        binding=binding,
        certificates=_certificates(role, now),
        wants_signed_requests=role.get("WantAuthnRequestsSigned") in {"true", "1"},
    )


def _parsed(document: bytes) -> Element:
    if len(document) > LARGEST_METADATA:
        raise MetadataRefused(f"The document is larger than {LARGEST_METADATA // 1024} kB.")
    try:
        return parse(document.strip().removeprefix(b"\xef\xbb\xbf"), most_elements=MOST_ELEMENTS, comments=True)
    except (NotXml, CommentFound):
        raise MetadataRefused("This is not XML. Use the metadata file itself, not the page that shows it.") from None
    except DoctypeFound:
        raise MetadataRefused("The document has a document type or entities, which metadata never has.") from None
    except TooDeep:
        raise MetadataRefused("The document has too many parts for the metadata of one identity provider.") from None


def _entity(root: Element, now: datetime) -> Element:
    """The one identity provider; a document may list others, such as service providers."""
    if root.tag not in {tag(MD, "EntityDescriptor"), tag(MD, "EntitiesDescriptor")}:
        raise MetadataRefused("This is XML, but no SAML 2.0 metadata. Download the metadata from your application.")
    entities = everywhere(root, MD, "EntityDescriptor")
    found = [one for one in entities if children(one, MD, "IDPSSODescriptor")]
    if not found and any(children(one, MD, "SPSSODescriptor") for one in entities):
        raise MetadataRefused("This is the metadata of a service provider, perhaps our own. Use your provider's.")
    if not found:
        raise MetadataRefused("There is no identity provider in this metadata.")
    if len(found) > 1:
        raise MetadataRefused(
            f"There are {len(found)} identity providers in this metadata. Use a document with yours alone."
        )
    for one in (found[0], *found[0].iterancestors()):
        _not_expired(one, now)
    return found[0]


def _not_expired(part: Element, now: datetime) -> None:
    until = part.get("validUntil")
    if until is None:
        return
    ends = moment(until) or _with_offset(until)
    if ends is None or ends <= now:
        day = f" on {ends.date()}" if ends else ""
        raise MetadataRefused(f"This metadata expired{day}. Download it again from your identity provider.")


def _with_offset(text: str) -> datetime | None:
    """Metadata of some products has times with an offset, which answers may not have."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read if read.tzinfo is not None else None


def _role(entity: Element) -> Element:
    roles = children(entity, MD, "IDPSSODescriptor")
    speaking = [one for one in roles if SAMLP in (one.get("protocolSupportEnumeration") or "").split()]
    if len(speaking) != 1:
        raise MetadataRefused("The identity provider does not speak SAML 2.0. Choose SAML 2.0 for the application.")
    return speaking[0]


def _sign_on(role: Element) -> tuple[Binding, str]:
    """Where to ask: by redirect if that can be, else by a form."""
    offered: dict[Binding, str] = {}
    for one in children(role, MD, "SingleSignOnService"):
        binding = _BINDINGS.get(one.get("Binding") or "")
        if binding is not None:
            offered.setdefault(binding, (one.get("Location") or "").strip())
    if not offered:
        raise MetadataRefused("It offers no sign-in by HTTP-Redirect or HTTP-POST. Switch one of them on.")
    binding = Binding.REDIRECT if Binding.REDIRECT in offered else Binding.POST
    try:
        return binding, _URL.validate_python(offered[binding])
    except ValidationError:
        raise MetadataRefused("The sign-in address in it does not begin with https://, or is no address.") from None


def _algorithms(entity: Element) -> None:
    """Where it lists how it signs, one way has to be safe."""
    listed = {one.get("Algorithm") for one in everywhere(entity, _ALGORITHMS, "SigningMethod")}
    if listed and not listed & SIGNING:
        raise MetadataRefused("It signs by SHA-1 alone, which is not safe. Choose RSA-SHA256 in your provider.")


def _certificates(role: Element, now: datetime) -> tuple[str, ...]:
    """Those that may have signed an answer, the one that ends last first. Raises MetadataRefused where none is left."""
    shown = [
        text
        for key in children(role, MD, "KeyDescriptor")
        if key.get("use", "signing") == "signing"
        for text in everywhere(key, DS, "X509Certificate")
    ]
    if not shown:
        raise MetadataRefused("There is no signing certificate in it. Download the metadata once more, in full.")
    usable: dict[str, datetime] = {}
    reasons: list[str] = []
    for one in shown:
        try:
            certificate = _certificate("".join(text_of(one).split()), now)
        except _Unusable as why:
            reasons.append(str(why))
            continue
        usable[certificate.der] = certificate.not_after
    if not usable:
        raise MetadataRefused(f"Its signing certificate cannot be used: {_first(reasons)}")
    return tuple(sorted(usable, key=lambda der: usable[der], reverse=True)[:MOST_CERTIFICATES])


class _Unusable(Exception):
    """Why a certificate cannot be used, as the end of a sentence, and what to do."""


def _certificate(text: str, now: datetime) -> Certificate:
    try:
        der = base64.b64decode(text, validate=True)
        found = x509.load_der_x509_certificate(der)
        weak = isinstance(found.signature_hash_algorithm, _WEAK)
    except (ValueError, TypeError, binascii.Error, x509.UnsupportedGeneralNameType):
        raise _Unusable("it cannot be read. Download the metadata again.") from None
    except Exception:  # cryptography names no base of what it raises for algorithms that it does not know
        raise _Unusable("it is of a kind that is not known here. Make one with an RSA key in your provider.") from None
    if found.not_valid_after_utc <= now:
        raise _Unusable(f"it ended on {found.not_valid_after_utc.date()}. Make a new one in your provider.")
    if weak:
        raise _Unusable("it is signed by SHA-1 or MD5. Make a new one, with SHA-256, in your provider.")
    try:
        return Certificate.of(der)
    except ConnectionRefused:
        raise _Unusable("its key is too weak. Make a new one, with RSA of 2,048 bits, in your provider.") from None


def _first(reasons: Sequence[str]) -> str:
    return reasons[0] if reasons else ""
