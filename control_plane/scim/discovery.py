"""What the service says of itself: configuration, kinds of resources, schemas (RFC 7643 sections 5 to 7)."""

from functools import cache
from typing import Any

from contracts.directory import PAGE
from contracts.directory_schema import Type
from control_plane.scim.names import ENTERPRISE, GROUPS, USERS, Name, ResourceType

Document = dict[str, Any]  # JSON

_SCHEMAS = "urn:ietf:params:scim:schemas:core:2.0:"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
_TYPES = {Type.TEXT: "string", Type.TRUTH: "boolean", Type.MOMENT: "dateTime", Type.PARTS: "complex"}
_WORDS = {
    "userName": "What the person is called at the identity provider, and where mail goes; unique, in any letter case",
    "externalId": "What the identity provider calls it; unique",
    "active": "Whether the person may use the workspace",
    "emails": "Addresses of the person; mail goes to the user name",
    "groups": "The groups that the person is a member of",
    "members": "The people who are members",
    "manager": "The person's manager",
}


def configuration(base: str) -> Document:
    """/ServiceProviderConfig."""
    return {
        "schemas": [f"{_SCHEMAS}ServiceProviderConfig"],
        "documentationUri": "https://www.rfc-editor.org/rfc/rfc7644",
        "patch": {"supported": True},
        "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": True, "maxResults": PAGE},
        "changePassword": {"supported": False},
        "sort": {"supported": True},
        "etag": {"supported": True},
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "Provisioning token",
                "description": "A token from the workspace's settings, sent as Authorization: Bearer",
                "primary": True,
            }
        ],
        "meta": _meta("ServiceProviderConfig", f"{base}/ServiceProviderConfig"),
    }


def resource_types(base: str) -> list[Document]:
    """/ResourceTypes."""
    return [_resource_type(one, base) for one in (USERS, GROUPS)]


def schemas(base: str) -> list[Document]:
    """/Schemas."""
    return [{**one, "meta": _meta("Schema", f"{base}/Schemas/{one['id']}")} for one in _schemas()]


def listed(documents: list[Document]) -> Document:
    """All of them, as a list."""
    return {
        "schemas": [LIST],
        "totalResults": len(documents),
        "startIndex": 1,
        "itemsPerPage": len(documents),
        "Resources": documents,
    }


def _resource_type(kind: ResourceType, base: str) -> Document:
    said: Document = {
        "schemas": [f"{_SCHEMAS}ResourceType"],
        "id": kind.name,
        "name": kind.name,
        "endpoint": f"/{kind.endpoint}",
        "description": "People of the workspace" if kind is USERS else "Groups, which can give roles",
        "schema": kind.urn,
        "meta": _meta("ResourceType", f"{base}/ResourceTypes/{kind.name}"),
    }
    if kind.extension:
        said["schemaExtensions"] = [{"schema": ENTERPRISE, "required": False}]
    return said


@cache
def _schemas() -> tuple[Document, ...]:
    return (
        _schema(USERS.urn, "User", "A person", USERS.core),
        _schema(GROUPS.urn, "Group", "A group", GROUPS.core),
        _schema(ENTERPRISE, "EnterpriseUser", "A person at work", USERS.extension),
    )


def _schema(urn: str, name: str, words: str, names: Any) -> Document:  # any mapping of names
    # What every resource has (RFC 7643 section 3.1) is in no schema of its own, but for what clients set.
    own = [one for one in names.values() if one.scim not in {"id", "meta"}]
    return {
        "schemas": [f"{_SCHEMAS}Schema"],
        "id": urn,
        "name": name,
        "description": words,
        "attributes": [_attribute(one) for one in own],
    }


def _attribute(name: Name) -> Document:
    attribute = name.attribute
    said: Document = {
        "name": name.scim,
        "type": _TYPES[attribute.type],
        "multiValued": attribute.many,
        "description": _WORDS.get(name.scim, name.scim),
        # A person is always active or not.
        "required": attribute.required or name.own == "active",
        "mutability": "readOnly" if attribute.settled else "readWrite",
        "returned": "default",
    }
    if attribute.type is Type.TEXT:
        said |= {"caseExact": attribute.exact, "uniqueness": "server" if attribute.unique else "none"}
    if name.own == "profile_url":
        said |= {"type": "reference", "referenceTypes": ["external"]}
    if name.parts:
        said["subAttributes"] = _parts(name)
    return said


def _parts(name: Name) -> list[Document]:
    if name.own == "members":
        return _member()
    parts = [_attribute(one) for one in name.parts.values()]
    return [*parts, _reference("Group", "readOnly")] if name.own == "groups" else parts


def _member() -> list[Document]:
    """A member is added or removed, and never becomes another one (RFC 7643 section 8.7.1)."""
    value, _, kind = (_attribute(one) for one in GROUPS.core["members"].parts.values())
    parts = [value, {**kind, "canonicalValues": [USERS.name]}]
    return [*({**one, "mutability": "immutable"} for one in parts), _reference(USERS.name, "immutable")]


def _reference(to: str, mutability: str) -> Document:
    return {
        "name": "$ref",
        "type": "reference",
        "referenceTypes": [to],
        "multiValued": False,
        "description": "Its address",
        "required": False,
        "caseExact": True,
        "mutability": mutability,
        "returned": "default",
        "uniqueness": "none",
    }


def _meta(kind: str, at: str) -> Document:
    return {"resourceType": kind, "location": at}
