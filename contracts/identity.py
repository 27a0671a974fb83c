"""A workspace's connection to its identity provider (SAML 2.0), as it travels in the feed `identity/{region}`.

Record kind `sso`, by workspace key. Nothing in it is secret or personal: the provider's addresses and certificates, and
how its words become ours. Names of attributes and groups are the customer's own; they have no `@`, so that no address
of a person comes into the global part with them. Our own keys are a secret of the region and in no feed.
"""

import base64
import binascii
import json
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from contracts.keys import is_key

SSO = "sso"  # the kind of these records in feeds

LARGEST_CERTIFICATE = 8 * 1024  # bytes of DER; usual ones take about 1,000
SMALLEST_RSA = 2048  # bits; what NIST SP 800-131A still allows
WARN_BEFORE = (timedelta(days=30), timedelta(days=7))  # a certificate's end is told ahead this long


class ConnectionRefused(ValueError):
    """A record that is no connection. The text names what is wrong."""


class Binding(StrEnum):
    """How the browser carries our request to the identity provider (SAML bindings, 3.4 and 3.5)."""

    REDIRECT = "redirect"
    POST = "post"


class NameIdFormat(StrEnum):
    """How the identity provider names a person. `transient` is missing: it changes each time and links nobody."""

    PERSISTENT = "persistent"
    EMAIL = "email"
    UNSPECIFIED = "unspecified"

    @property
    def urn(self) -> str:
        """The name in SAML (core, 8.3)."""
        return _FORMATS[self]


_FORMATS = {
    NameIdFormat.PERSISTENT: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
    NameIdFormat.EMAIL: "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
    NameIdFormat.UNSPECIFIED: "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
}


class Vendor(StrEnum):
    """Whose product the identity provider is; it chooses words and presets, never what is checked."""

    OKTA = "okta"
    ENTRA = "entra"
    GOOGLE = "google"
    ONELOGIN = "onelogin"
    JUMPCLOUD = "jumpcloud"
    PING = "ping"
    ADFS = "adfs"
    KEYCLOAK = "keycloak"
    OTHER = "other"


# An owner is made by an owner, never by a group of the identity provider.
Role = Literal["agent", "admin", "auditor"]


def _https(url: str) -> str:
    parts = urlsplit(url)
    local = parts.hostname is not None and (parts.hostname == "localhost" or parts.hostname.endswith(".localhost"))
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise ValueError("the address has to begin with https://")
    if not parts.hostname or parts.username or parts.password or parts.fragment:
        raise ValueError("an address of the form https://host/path")
    return url


def _printable(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("no control characters, and no blanks at its ends")
    return text


def _no_address(text: str) -> str:
    if "@" in _printable(text):
        raise ValueError("no @: a name that is an address could be a person's, and this is kept outside the cell")
    return text


Url = Annotated[str, Field(max_length=2048), AfterValidator(_printable), AfterValidator(_https)]
EntityId = Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(_printable)]  # SAML core, 8.3.6
AttributeName = Annotated[str, Field(max_length=256), AfterValidator(_no_address)]


class _Part(BaseModel):
    """Base of what is in a record: nothing that is not named passes, and nothing is bent into shape."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Certificate(_Part):
    """A certificate that the identity provider signs with. `der` is base64; `not_after` is what stands in it."""

    der: Annotated[str, Field(max_length=LARGEST_CERTIFICATE * 4 // 3 + 4)]
    not_after: AwareDatetime

    @classmethod
    def of(cls, der: bytes) -> Self:
        """From its bytes. Raises ConnectionRefused."""
        try:
            certificate = x509.load_der_x509_certificate(der)
            return cls(der=base64.b64encode(der).decode(), not_after=certificate.not_valid_after_utc)
        except ValueError as error:
            raise ConnectionRefused(f"a certificate that cannot be used: {_words(error)}") from None

    @property
    def pem(self) -> str:
        """The same in PEM."""
        return x509.load_der_x509_certificate(base64.b64decode(self.der)).public_bytes(Encoding.PEM).decode()

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        try:
            certificate = x509.load_der_x509_certificate(base64.b64decode(self.der, validate=True))
            key = certificate.public_key()
        except (ValueError, TypeError, binascii.Error):
            raise ValueError("not a certificate") from None
        strong = isinstance(key, rsa.RSAPublicKey) and key.key_size >= SMALLEST_RSA
        if not strong and not (isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES):
            raise ValueError(f"its key has to be RSA of {SMALLEST_RSA} bits or more, or on a NIST curve")
        if self.not_after != certificate.not_valid_after_utc:
            raise ValueError("not_after is not the certificate's")
        return self


_CURVES = {"secp256r1", "secp384r1", "secp521r1"}


class GroupRole(_Part):
    """Whoever is in the identity provider's `group` has `role` here."""

    group: Annotated[str, Field(min_length=1, max_length=256), AfterValidator(_no_address)]
    role: Role


class Attributes(_Part):
    """Which attribute of an answer is what; empty: none. `roles` are tried in order, the first that fits counts."""

    email: AttributeName = ""
    name: AttributeName = ""
    first_name: AttributeName = ""
    last_name: AttributeName = ""
    groups: AttributeName = ""
    roles: Annotated[tuple[GroupRole, ...], Field(max_length=200)] = ()
    otherwise: Role = "agent"


class Connection(_Part):
    """How a workspace's people sign in at its identity provider.

    One that is not `enabled` serves the admins' test alone; one that is `enforced` is the only way in but for the
    workspace's break-glass owner.
    """

    workspace_id: UUID
    vendor: Vendor = Vendor.OTHER
    sp_entity_id: EntityId
    idp_entity_id: EntityId
    sso_url: Url
    binding: Binding = Binding.REDIRECT
    certificates: Annotated[tuple[Certificate, ...], Field(min_length=1, max_length=8)]
    name_id_format: NameIdFormat = NameIdFormat.UNSPECIFIED
    attributes: Attributes = Attributes()
    enabled: bool = False
    enforced: bool = False
    just_in_time: bool = False
    sign_requests: bool = True
    want_response_signed: bool = False  # besides the assertion, which always has to be
    want_encrypted: bool = False
    force_authn: bool = False

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.sp_entity_id == self.idp_entity_id:
            raise ValueError("both sides have the same entity id")
        if self.enforced and not self.enabled:
            raise ValueError("enforced, but not enabled")
        return self

    def usable(self, now: datetime) -> tuple[Certificate, ...]:
        """The certificates that have not ended."""
        return tuple(one for one in self.certificates if one.not_after > now)

    def expiring(self, now: datetime) -> timedelta | None:
        """How long ahead to warn of: None, 30 days, or 7. Only the last certificate that is left counts."""
        left = max(one.not_after for one in self.certificates) - now
        due = [ahead for ahead in WARN_BEFORE if left <= ahead]
        return min(due, default=None)


def connection_record(connection: Connection) -> dict[str, object]:
    """The record of a connection; its key is the workspace key. What is as usual is left out."""
    written: dict[str, object] = json.loads(connection.model_dump_json(exclude_defaults=True))
    return written


def connection_of(key: str, record: object) -> Connection:
    """Read a connection's record. Raises ConnectionRefused."""
    if not is_key(key):
        raise ConnectionRefused(f"sso {key!r}: not a workspace key")
    try:
        return Connection.model_validate_json(json.dumps(record))
    except (ValidationError, TypeError, ValueError) as error:
        raise ConnectionRefused(f"sso {key}: {_words(error)}") from None


def _words(error: Exception) -> str:
    """What is wrong, without what was given."""
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
    return str(error)
