"""Values as clients send them, read into those of documents: leniently where the meaning is plain.

None and the empty string are nothing. A boolean may be a string, a text a number, one value stand without its list,
and `manager` be a bare string. The words of a refusal name the attribute and never the value.
"""

from collections.abc import Mapping
from typing import Any

from contracts.directory import MOST_MEMBERS
from contracts.directory_schema import LONGEST_TEXT, MOST_VALUES, Type
from control_plane.scim.errors import ScimError, bad
from control_plane.scim.names import Name, ResourceType

Json = Any  # what a client sent, until it has been looked at here
_TRUTHS = {"true": True, "false": False}
_ONLY_SAYS_WHICH = frozenset({"type", "primary"})


def read(name: Name, value: Json) -> Json:
    """A value of an attribute; None where it is nothing. Raises ScimError."""
    if value is None or value == "":
        return None
    if not name.attribute.many:
        return _one(name, value)
    items = value if isinstance(value, list) else [value]
    if name.own == "members":
        return _members(name, items)
    if len(items) > MOST_VALUES:
        raise bad("invalidValue", f"{name.scim} has at most {MOST_VALUES} values.")
    found = [one for one in (_one(name, item) for item in items) if one is not None]
    _one_primary(found)
    return found or None


def text(name: str, value: Json) -> str:
    """A text; a number is written as one. Raises ScimError."""
    if not isinstance(value, str):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise bad("invalidValue", f"{name} is a string.")
        return str(value)
    if len(value) > LONGEST_TEXT:
        raise bad("invalidValue", f"{name} has at most {LONGEST_TEXT} characters.")
    if not is_writable(value):
        raise bad("invalidValue", f"{name} holds a character that cannot be stored.")
    return value


def is_writable(value: str) -> bool:
    """Whether a string can be stored and sent: no NUL, no half of a character."""
    if value.isascii():
        return "\0" not in value
    return "\0" not in value and not any("\ud800" <= one <= "\udfff" for one in value)


def truth(name: str, value: Json) -> bool:
    """A boolean, or a string that says one. Raises ScimError."""
    found = _TRUTHS.get(value.lower()) if isinstance(value, str) else value
    if not isinstance(found, bool):
        raise bad("invalidValue", f"{name} is true or false.")
    return found


def is_hollow(name: Name, value: Json) -> bool:
    """Whether one of several values names no part but those that say which it is; a part may be named as empty."""
    return isinstance(value, dict) and not ({key.lower() for key in value} & name.parts.keys()) - _ONLY_SAYS_WHICH


def document(kind: ResourceType, body: Json) -> dict[str, Json]:
    """The document of a person or group that is sent whole; what is read-only or unknown is left out."""
    if not isinstance(body, dict):
        raise bad("invalidSyntax", "The body is a JSON object.")
    made: dict[str, Json] = {}
    _fill(made, kind.core, body)
    for key, value in body.items():
        if ":" not in key:
            continue
        names = kind.urns.get(key.lower())
        if names is not None and isinstance(value, dict):
            _fill(made, names, value)
        else:
            found = kind.find(key)
            if isinstance(found, Name) and len(found.path) == 1:
                _fill(made, {key.lower(): found}, {key: value})
    for name in kind.core.values():
        if name.attribute.required and name.own not in made:
            raise bad("invalidValue", f"{name.scim} is needed.")
    return made


def _fill(made: dict[str, Json], names: Mapping[str, Name], given: dict[str, Json]) -> None:
    for key, value in given.items():
        name = names.get(key.lower())
        if name is None or name.attribute.settled:
            continue
        found = read(name, value)
        if found is not None:
            made[name.own] = found


def _one(name: Name, value: Json) -> Json:
    match name.attribute.type:
        case Type.TRUTH:
            return truth(name.scim, value)
        case Type.PARTS:
            return _parts(name, value)
        case _:
            return text(name.scim, value)


def _parts(name: Name, value: Json) -> dict[str, Json] | None:
    if not isinstance(value, dict):
        if value is None or value == "":
            return None
        if "value" not in name.parts or isinstance(value, list):
            raise bad("invalidValue", f"{name.scim} is an object.")
        return {"value": text(name.scim, value)}
    found: dict[str, Json] = {}
    for key, inner in value.items():
        part = name.parts.get(key.lower())
        got = None if part is None else read(part, inner)
        if part is not None and got is not None:
            found[part.own] = got
    return found if found.keys() - _ONLY_SAYS_WHICH else None


def _members(name: Name, items: list[Json]) -> list[Json]:
    """Who they are alone: what kind of member one is, and its name, the cell knows by itself. An empty list stays."""
    if len(items) > MOST_MEMBERS:
        raise too_many(MOST_MEMBERS, "members")
    found: dict[str, None] = {}
    for item in items:
        one = _parts(name, item)
        if one is None or "value" not in one:
            raise bad("invalidValue", "A member has a value: the id of a user or a group.")
        found[one["value"]] = None
    return [{"value": one} for one in found]


def too_many(most: int, of: str) -> ScimError:
    """More in one request than is taken."""
    return bad("tooMany", f"At most {most} {of} in one request: send them in several.")


def _one_primary(items: list[Json]) -> None:
    """The first that is primary stays so (RFC 7643 section 2.4: no more than one)."""
    seen = False
    for item in items:
        if item.get("primary"):
            if seen:
                item["primary"] = False
            seen = True
