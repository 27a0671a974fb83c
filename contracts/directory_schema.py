"""What a directory may hold of a person or a group: attributes, their parts, and how their values are compared.

One table for both sides. Whoever speaks a protocol with an identity provider maps its names to these; the cell stores,
changes and searches documents by them, and knows no protocol. Which values a document may have is `fits`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto

LONGEST_TEXT = 1024  # characters of a value
MOST_VALUES = 100  # of an attribute with several, but for a group's members


class Resource(StrEnum):
    """What a directory holds."""

    PERSON = "person"
    GROUP = "group"


class Type(Enum):
    """What a value is in JSON."""

    TEXT = auto()  # a string
    TRUTH = auto()  # true or false
    MOMENT = auto()  # a string, ISO 8601
    PARTS = auto()  # an object of the attribute's parts


@dataclass(frozen=True)
class Attribute:
    """One attribute. `exact`: its letter case counts. `settled`: the directory's own, nobody sets it from outside."""

    type: Type = Type.TEXT
    many: bool = False
    exact: bool = False
    settled: bool = False
    required: bool = False
    unique: bool = False  # nobody else of the workspace has the same
    parts: Mapping[str, "Attribute"] | None = None


_TEXT, _TRUTH = Attribute(), Attribute(Type.TRUTH)
_EXACT = Attribute(exact=True)
_MOMENT = Attribute(Type.MOMENT, settled=True)


def _several(**more: Attribute) -> Attribute:
    """Values that each have a type, such as "work", and of which one may be primary."""
    parts = {"value": _TEXT, "display": _TEXT, "type": _TEXT, "primary": _TRUTH, **more}
    return Attribute(Type.PARTS, many=True, parts=parts)


_ADDRESS = ("formatted", "street", "locality", "region", "postal_code", "country")
_NAME = ("formatted", "family", "given", "middle", "prefix", "suffix")
_COMMON = {
    "id": Attribute(exact=True, settled=True),
    "external_id": Attribute(exact=True, unique=True),
    "created_at": _MOMENT,
    "changed_at": _MOMENT,
}

PERSON: Mapping[str, Attribute] = {
    **_COMMON,
    "user_name": Attribute(required=True, unique=True),
    "name": Attribute(Type.PARTS, parts=dict.fromkeys(_NAME, _TEXT)),
    "display_name": _TEXT,
    "nick_name": _TEXT,
    "profile_url": _EXACT,
    "title": _TEXT,
    "user_type": _TEXT,
    "language": _TEXT,
    "locale": _TEXT,
    "timezone": _TEXT,
    "active": _TRUTH,
    "emails": _several(),
    "phones": _several(),
    "addresses": Attribute(
        Type.PARTS, many=True, parts={**dict.fromkeys(_ADDRESS, _TEXT), "type": _TEXT, "primary": _TRUTH}
    ),
    "roles": _several(),
    "entitlements": _several(),
    "groups": Attribute(Type.PARTS, many=True, settled=True, parts={"value": _EXACT, "display": _TEXT, "type": _TEXT}),
    "employee_number": _TEXT,
    "cost_center": _TEXT,
    "organization": _TEXT,
    "division": _TEXT,
    "department": _TEXT,
    "manager": Attribute(Type.PARTS, parts={"value": _EXACT, "display": _TEXT}),
}

GROUP: Mapping[str, Attribute] = {
    **_COMMON,
    "display_name": Attribute(required=True, unique=True),
    "members": Attribute(Type.PARTS, many=True, parts={"value": _EXACT, "display": _TEXT, "type": _TEXT}),
}

ATTRIBUTES: Mapping[Resource, Mapping[str, Attribute]] = {Resource.PERSON: PERSON, Resource.GROUP: GROUP}


def attribute(resource: Resource, path: tuple[str, ...]) -> Attribute | None:
    """The attribute at a path such as ("emails", "value"); None where there is none."""
    found, below = None, ATTRIBUTES[resource]
    for name in path:
        found = below.get(name)
        if found is None:
            return None
        below = found.parts or {}
    return found


def fits(one: Attribute, value: object) -> bool:
    """Whether a value, or one of several, is of the attribute's type and within its bounds."""
    match one.type:
        case Type.TRUTH:
            return isinstance(value, bool)
        case Type.PARTS:
            parts = one.parts or {}
            return isinstance(value, dict) and all(
                name in parts and fits(parts[name], inner) for name, inner in value.items()
            )
        case _:
            return isinstance(value, str) and len(value) <= LONGEST_TEXT and "\0" not in value
