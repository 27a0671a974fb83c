"""What an admin brings of the identity provider: metadata by address or as a file, or its parts by hand."""

import base64
import binascii
import re
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from cell.resources import Cell
from cell.sso import connections
from cell.sso.vendors import GUIDES
from contracts.identity import (
    Attributes,
    Binding,
    Certificate,
    Connection,
    ConnectionRefused,
    Vendor,
    connection_of,
    connection_record,
)
from contracts.signing_in import LARGEST_METADATA, SAML_METADATA, IdpFacts, Metadata, MetadataRefused
from kit.database import now
from kit.marking import N_
from kit.refusals import Kind, Refusal

MOST_CERTIFICATES = 8
_ANY_KEY = "bcdfghjk"  # a record is read together with a workspace's key, which is not part of it
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)


class NotUsable(Refusal):
    """What was brought makes no connection; the detail says what is wrong."""

    kind = Kind.INVALID
    title = "This cannot be used"
    detail = "Check it against the page of your identity provider."


class NameIsAddress(NotUsable):
    """A name of a group or an attribute that might be a person's address, and would leave the cell."""

    title = "A name with @ cannot be used here"
    detail = (
        "It could be somebody's address, and this setting is kept outside your region too. Have your identity provider "
        "send the group's name or ID instead, under another attribute if need be, and enter that."
    )


class NameUnseen(NotUsable):
    """A name with signs that nobody sees: it would fit nothing, and nobody would find out why."""

    title = "A name has a sign in it that cannot be seen"
    detail = "That happens when it is copied from elsewhere. Type it by hand; a usual blank between two words is fine."


class OtherProvider(Refusal):
    """A certificate was to be added, and the metadata is another identity provider's."""

    kind = Kind.CONFLICT
    title = "This metadata is of another identity provider"
    detail = "Its entity ID is not the one of your connection. To change to another provider, set it up anew."


class Brought(BaseModel):
    """One of three: an address, a document, or the parts."""

    url: Annotated[str, Field(max_length=2048)] = ""
    document: str = ""
    entity_id: Annotated[str, Field(max_length=1024)] = ""
    sso_url: Annotated[str, Field(max_length=2048)] = ""
    certificates: Annotated[str, Field(max_length=200_000)] = ""
    binding: Binding = Binding.REDIRECT


async def read(cell: Cell, workspace_id: UUID, brought: Brought) -> IdpFacts:
    """What it says. Raises MetadataRefused, NotUsable, PeerUnavailable."""
    if brought.entity_id or brought.sso_url or brought.certificates:
        return _by_hand(brought)
    if not brought.url.strip() and not brought.document.strip():
        raise NotUsable(N_("Paste the address of the metadata, or choose the file."))
    if len(brought.document) > LARGEST_METADATA:
        raise MetadataRefused(N_("It is larger than 512 KB: the metadata of one identity provider takes a few."))
    calls, provisioning = connections.provisioning(cell)
    asked = Metadata(workspace_id=workspace_id, url=brought.url.strip(), document=brought.document)
    return await calls.call(provisioning, SAML_METADATA, asked)


def connected(
    before: Connection | None, facts: IdpFacts, vendor: Vendor, workspace_id: UUID, sp_entity_id: str
) -> Connection:
    """The connection to that identity provider; presets of another product replace what was set for the one before.

    Raises NotUsable.
    """
    guide = GUIDES[vendor]
    new = Connection.model_construct(
        workspace_id=workspace_id,
        vendor=vendor,
        sp_entity_id=sp_entity_id,
        idp_entity_id=facts.entity_id,
        sso_url=facts.sso_url,
        binding=facts.binding,
        certificates=usable(facts.certificates),
        name_id_format=guide.name_id_format,
        attributes=guide.attributes,
    )
    if before is None:
        return checked(new)
    replaced = ["sp_entity_id", "idp_entity_id", "sso_url", "binding", "certificates"]
    if before.vendor is not vendor:
        replaced += ["vendor", "name_id_format", "attributes"]
    return checked(before.model_copy(update={name: getattr(new, name) for name in replaced}))


def with_certificates(before: Connection, facts: IdpFacts) -> Connection:
    """The connection with the certificates of newer metadata besides its own. Raises OtherProvider, NotUsable."""
    if facts.entity_id != before.idp_entity_id:
        raise OtherProvider
    known = {one.der for one in before.certificates}
    new = [one for one in usable(facts.certificates) if one.der not in known]
    if not new:
        raise NotUsable(N_("Its certificates are in the list already."))
    # Those that have ended make room.
    kept = (*before.usable(now()), *new)
    if len(kept) > MOST_CERTIFICATES:
        raise NotUsable(N_("A connection holds eight certificates. Remove one that is no longer used first."))
    return checked(before.model_copy(update={"certificates": kept}))


def checked(made: Connection) -> Connection:
    """The connection as everybody will read it from its record. Raises NotUsable."""
    for name in _names(made.attributes):
        if "@" in name:
            raise NameIsAddress
        if not name.isprintable():
            raise NameUnseen
    try:
        return connection_of(_ANY_KEY, connection_record(made))
    except ConnectionRefused as error:
        raise NotUsable(str(error).partition(": ")[2]) from None


def usable(certificates: tuple[str, ...]) -> tuple[Certificate, ...]:
    """Certificates that can be believed now, of base64 of DER. Raises NotUsable where there is none."""
    moment, found = now(), []
    for text in certificates:
        try:
            found.append(Certificate.of(base64.b64decode(text)))
        except (ConnectionRefused, binascii.Error) as error:
            reason = str(error)
    valid = tuple(one for one in found if one.not_after > moment)
    if not valid:
        raise NotUsable(reason if not found else N_("Every certificate in it has ended."))
    return valid[:MOST_CERTIFICATES]


def _names(attributes: Attributes) -> list[str]:
    """What a customer calls things: attributes, and groups."""
    found = [attributes.email, attributes.name, attributes.first_name, attributes.last_name, attributes.groups]
    return [*found, *(one.group for one in attributes.roles)]


def _by_hand(brought: Brought) -> IdpFacts:
    blocks = _PEM.findall(brought.certificates) or [brought.certificates]
    bare = tuple("".join(block.split()) for block in blocks if block.strip())
    if not (brought.entity_id.strip() and brought.sso_url.strip() and bare):
        raise NotUsable(N_("Fill in the entity ID, the address and a certificate."))
    return IdpFacts(
        entity_id=brought.entity_id.strip(),
        sso_url=brought.sso_url.strip(),
        binding=brought.binding,
        certificates=bare[:MOST_CERTIFICATES],
        wants_signed_requests=False,
    )
