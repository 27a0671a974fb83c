"""How each vendor's identity provider usually names what it says of a person: what a new connection begins with.

From the vendors' own guides to SAML applications. An admin may change each; where a vendor lets its admins choose the
names freely, these are the ones that our guide asks for.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from contracts.identity import Attributes, NameIdFormat, Vendor

# What people call each product.
NAMES: Mapping[Vendor, str] = {
    Vendor.OKTA: "Okta",
    Vendor.ENTRA: "Microsoft Entra ID",
    Vendor.GOOGLE: "Google Workspace",
    Vendor.ONELOGIN: "OneLogin",
    Vendor.JUMPCLOUD: "JumpCloud",
    Vendor.PING: "Ping Identity",
    Vendor.ADFS: "AD FS",
    Vendor.KEYCLOAK: "Keycloak",
    Vendor.OTHER: "your identity provider",
}

_CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims"
_MICROSOFT = "http://schemas.microsoft.com"
_OID = "urn:oid"  # X.500 attributes (RFC 4519), and e-mail of PKCS #9


@dataclass(frozen=True)
class Preset:
    """Names of attributes. `role` is one that some send instead of groups; mappings may use it in their place."""

    email: str = "email"
    name: str = ""
    first_name: str = "firstName"
    last_name: str = "lastName"
    groups: str = "groups"
    role: str = ""
    name_id_format: NameIdFormat = NameIdFormat.EMAIL

    @property
    def attributes(self) -> Attributes:
        """As a connection keeps them."""
        return Attributes(
            email=self.email,
            name=self.name,
            first_name=self.first_name,
            last_name=self.last_name,
            groups=self.groups,
        )


PRESETS: Mapping[Vendor, Preset] = {
    Vendor.OKTA: Preset(),
    Vendor.ENTRA: Preset(
        email=f"{_CLAIMS}/emailaddress",
        name=f"{_MICROSOFT}/identity/claims/displayname",
        first_name=f"{_CLAIMS}/givenname",
        last_name=f"{_CLAIMS}/surname",
        groups=f"{_MICROSOFT}/ws/2008/06/identity/claims/groups",
        role=f"{_MICROSOFT}/ws/2008/06/identity/claims/role",
    ),
    Vendor.GOOGLE: Preset(),
    Vendor.ONELOGIN: Preset(
        email="User.email", first_name="User.FirstName", last_name="User.LastName", groups="memberOf"
    ),
    Vendor.JUMPCLOUD: Preset(first_name="firstname", last_name="lastname", groups="memberOf"),
    Vendor.PING: Preset(groups="memberOf"),
    Vendor.ADFS: Preset(
        email=f"{_CLAIMS}/emailaddress",
        name=f"{_CLAIMS}/name",
        first_name=f"{_CLAIMS}/givenname",
        last_name=f"{_CLAIMS}/surname",
        groups="http://schemas.xmlsoap.org/claims/Group",
        role=f"{_MICROSOFT}/ws/2008/06/identity/claims/role",
    ),
    Vendor.KEYCLOAK: Preset(
        email=f"{_OID}:1.2.840.113549.1.9.1",
        first_name=f"{_OID}:2.5.4.42",
        last_name=f"{_OID}:2.5.4.4",
        groups="member",
        role="Role",
    ),
    Vendor.OTHER: Preset(name_id_format=NameIdFormat.UNSPECIFIED),
}
