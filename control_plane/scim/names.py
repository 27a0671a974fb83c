"""SCIM's attributes and where their values stand in the directory's documents: one table, compiled once.

Everything else is read off it: schemas, documents in and out, filters, paths, projections.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from contracts.directory_schema import ATTRIBUTES, Attribute, Resource, Type

CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
CORE_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
# Names of the same from drafts, which some clients still send.
_OLD_CORE = ("urn:scim:schemas:core:2.0", "urn:scim:schemas:core:1.0")
_OLD_ENTERPRISE = ("urn:scim:schemas:extension:enterprise:2.0:user", "urn:scim:schemas:extension:enterprise:1.0")
# What the core schema has and we do not keep: taken and dropped, since clients send it unasked.
NOT_KEPT = frozenset({"password", "ims", "photos", "x509certificates", "schemas"})


@dataclass(frozen=True)
class Name:
    """An attribute as SCIM writes it. `path` is where documents have it; `parts` are below it, by lower case."""

    scim: str
    path: tuple[str, ...]
    attribute: Attribute
    parts: Mapping[str, "Name"] = field(default_factory=dict)
    fixed: str = ""  # what every value has here

    @property
    def own(self) -> str:
        """What it is called in documents, below whatever holds it."""
        return self.path[-1]


@dataclass(frozen=True)
class Whole:
    """A path that names a whole schema: everything of it."""

    names: Mapping[str, Name]


@dataclass(frozen=True)
class ResourceType:
    """Users or groups."""

    resource: Resource
    name: str
    endpoint: str
    urn: str
    core: Mapping[str, Name]
    extension: Mapping[str, Name]
    urns: Mapping[str, Mapping[str, Name]]  # by lower case, old ones too

    def find(self, text: str) -> Name | Whole | None:
        """The attribute of a path without brackets, such as `emails.value`; None where there is none."""
        low = text.lower()
        found = self.core.get(low)
        if found is not None:
            return found
        names = self.core
        if low.startswith("urn:"):
            whole = self.urns.get(low)
            if whole is not None:
                return Whole(whole)
            urn, _, low = low.rpartition(":")
            if urn not in self.urns:
                return None
            names = self.urns[urn]
        top, _, below = low.partition(".")
        found = names.get(top)
        return found.parts.get(below) if below and found is not None else found

    def keeps_not(self, text: str) -> bool:
        """Whether it is an attribute that is taken and dropped."""
        low = text.lower()
        if low.startswith("urn:"):
            urn, _, low = low.rpartition(":")
            if self.urns.get(urn) is not self.core:
                return False
        return low.partition(".")[0].partition("[")[0] in NOT_KEPT


_VALUES = {"value": "value", "display": "display", "type": "type", "primary": "primary"}
_ADDRESS = {
    "formatted": "formatted",
    "streetAddress": "street",
    "locality": "locality",
    "region": "region",
    "postalCode": "postal_code",
    "country": "country",
    "type": "type",
    "primary": "primary",
}
_NAME = {
    "formatted": "formatted",
    "familyName": "family",
    "givenName": "given",
    "middleName": "middle",
    "honorificPrefix": "prefix",
    "honorificSuffix": "suffix",
}
_MEMBER = {"value": "value", "display": "display", "type": "type"}
_PARTS: Mapping[str, Mapping[str, str]] = {
    "name": _NAME,
    "emails": _VALUES,
    "phones": _VALUES,
    "addresses": _ADDRESS,
    "roles": _VALUES,
    "entitlements": _VALUES,
    "groups": _MEMBER,
    "members": _MEMBER,
    "manager": {"value": "value", "displayName": "display"},
}
_FIXED: Mapping[tuple[str, ...], str] = {("members", "type"): "User", ("groups", "type"): "direct"}
_USER = {
    "id": "id",
    "externalId": "external_id",
    "userName": "user_name",
    "name": "name",
    "displayName": "display_name",
    "nickName": "nick_name",
    "profileUrl": "profile_url",
    "title": "title",
    "userType": "user_type",
    "preferredLanguage": "language",
    "locale": "locale",
    "timezone": "timezone",
    "active": "active",
    "emails": "emails",
    "phoneNumbers": "phones",
    "addresses": "addresses",
    "groups": "groups",
    "roles": "roles",
    "entitlements": "entitlements",
}
_ENTERPRISE = {
    "employeeNumber": "employee_number",
    "costCenter": "cost_center",
    "organization": "organization",
    "division": "division",
    "department": "department",
    "manager": "manager",
}
_GROUP = {"id": "id", "externalId": "external_id", "displayName": "display_name", "members": "members"}


def _names(resource: Resource, named: Mapping[str, str]) -> dict[str, Name]:
    return {scim.lower(): _name(ATTRIBUTES[resource], scim, own, ()) for scim, own in named.items()}


def _name(below: Mapping[str, Attribute], scim: str, own: str, above: tuple[str, ...]) -> Name:
    attribute, path = below[own], (*above, own)
    parts = attribute.parts or {}
    named = _PARTS[own].items() if parts else ()
    below_it = {one.lower(): _name(parts, one, inner, path) for one, inner in named}
    return Name(scim, path, attribute, below_it, _FIXED.get(path, ""))


def _meta(resource: Resource) -> Name:
    """`meta` is no attribute of documents; two of its parts are, and one follows from the kind of resource."""
    known = ATTRIBUTES[resource]
    kept = {"created": "created_at", "lastModified": "changed_at"}
    parts = {scim.lower(): Name(scim, (own,), known[own]) for scim, own in kept.items()}
    parts["resourcetype"] = Name("resourceType", (), Attribute(exact=True, settled=True))
    return Name("meta", (), Attribute(Type.PARTS, settled=True), parts)


def _type(resource: Resource, name: str, urn: str, core: Mapping[str, str], more: Mapping[str, str]) -> ResourceType:
    names = {**_names(resource, core), "meta": _meta(resource)}
    extension = _names(resource, more)
    urns: dict[str, Mapping[str, Name]] = dict.fromkeys((urn.lower(), *_OLD_CORE), names)
    if more:
        urns |= dict.fromkeys((ENTERPRISE.lower(), *_OLD_ENTERPRISE), extension)
    return ResourceType(resource, name, f"{name}s", urn, names, extension, urns)


USERS = _type(Resource.PERSON, "User", CORE_USER, _USER, _ENTERPRISE)
GROUPS = _type(Resource.GROUP, "Group", CORE_GROUP, _GROUP, {})
RESOURCE_TYPES: Mapping[str, ResourceType] = {one.endpoint: one for one in (USERS, GROUPS)}


def scim_name(own: str) -> str:
    """What SCIM calls an attribute of documents; what it has no name for stays as it is."""
    return _SCIM.get(own, own)


_SCIM = {own: scim for named in (_USER, _ENTERPRISE, _GROUP) for scim, own in named.items()}
