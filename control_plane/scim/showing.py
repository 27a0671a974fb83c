"""A person or group as SCIM shows it: names, references, `meta`, and of all that what was asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from contracts.directory import MOST_MEMBERS, Document, Item
from control_plane.scim.errors import bad
from control_plane.scim.names import ENTERPRISE, GROUPS, USERS, Name, ResourceType, Whole

LONGEST_LIST = 4096  # characters of `attributes`
_META = "meta"
_TOO_MANY = (
    f"A group has more than {MOST_MEMBERS} members. Read groups with excludedAttributes=members, and who is in one "
    'with GET /Users?filter=groups.value eq "ID".'
)

# What is wanted of an attribute: its parts by lower-case names, or None for all of it.
Parts = frozenset[str] | None
Shown = dict[str, Any]  # JSON


@dataclass(frozen=True)
class Projection:
    """What is shown: `only` these attributes if it is given, `without` those. `id` and `schemas` are always there."""

    only: Mapping[str, Parts] | None = None
    without: Mapping[str, Parts] | None = None

    def has(self, own: str) -> bool:
        """Whether anything of an attribute is shown."""
        if self.only is not None and own not in self.only:
            return False
        return self.without is None or own not in self.without or self.without[own] is not None

    def of(self, own: str, value: Any) -> Any:  # JSON
        """The parts of a value that are shown."""
        only = self.only.get(own) if self.only is not None else None
        without = self.without.get(own) if self.without is not None else None
        if only is None and without is None:
            return value
        many = value if isinstance(value, list) else [value]
        cut = [
            {
                key: inner
                for key, inner in one.items()
                if (only is None or key.lower() in only) and (without is None or key.lower() not in without)
            }
            for one in many
        ]
        return cut if isinstance(value, list) else cut[0]


EVERYTHING = Projection()


def projection(kind: ResourceType, attributes: str, excluded: str) -> Projection:
    """What the two lists of names ask for. Names that are not there are passed over. Raises ScimError."""
    if not attributes and not excluded:
        return EVERYTHING
    if len(attributes) > LONGEST_LIST or len(excluded) > LONGEST_LIST:
        raise bad("invalidValue", f"attributes and excludedAttributes have at most {LONGEST_LIST} characters.")
    return _projection(kind.endpoint, attributes, excluded)


@lru_cache(maxsize=256)
def _projection(endpoint: str, attributes: str, excluded: str) -> Projection:
    kind = USERS if endpoint == USERS.endpoint else GROUPS
    return Projection(_named(kind, attributes) if attributes else None, _named(kind, excluded) if excluded else None)


def _named(kind: ResourceType, names: str) -> dict[str, Parts]:
    found: dict[str, Parts] = {}
    for text in names.split(","):
        low = text.strip().lower()
        whole = kind.find(low)
        if isinstance(whole, Whole):
            found |= dict.fromkeys(_META if one.scim == _META else one.own for one in whole.names.values())
            continue
        urn, _, low = low.rpartition(":")
        known = kind.urns.get(urn) if urn else kind.core
        top, _, part = low.partition(".")
        name = (known or {}).get(top)
        if name is None:
            continue
        own = _META if name.scim == _META else name.own
        before = found.get(own, frozenset())
        found[own] = None if not part or before is None else before | {part}
    return found


def shown(kind: ResourceType, item: Item, base: str, wanted: Projection = EVERYTHING) -> Shown:
    """A resource. `base` is the address of the workspace's SCIM. Raises ScimError for more members than are shown."""
    names = _SHOWN[kind.endpoint]
    own = str(item.id)
    schemas = [kind.urn]
    made: Shown = {"schemas": schemas, "id": own}
    more: Shown = {}
    everything = wanted is EVERYTHING
    for key, value in item.document.items():
        name = names.get(key)
        if key == "members" and value is None and wanted.has(key):
            raise bad("tooMany", _TOO_MANY)
        if name is None or value is None or value == [] or not (everything or wanted.has(key)):
            continue
        said = _said(name, value, base)
        if not everything and name.parts:
            said = wanted.of(key, said)
            if not said:
                continue
        (more if key in _EXTENSION else made)[name.scim] = said
    if more:
        schemas.append(ENTERPRISE)
        made[ENTERPRISE] = more
    if everything or wanted.has(_META):
        meta = _meta(kind, item, f"{base}/{kind.endpoint}/{own}")
        made[_META] = meta if everything else wanted.of(_META, meta)
    return made


def location(kind: ResourceType, item: Item, base: str) -> str:
    """The address of a resource."""
    return f"{base}/{kind.endpoint}/{item.id}"


def version(item: Item) -> str:
    """Its entity tag."""
    return f'W/"{item.version}"'


def _meta(kind: ResourceType, item: Item, at: str) -> Shown:
    return {
        "resourceType": kind.name,
        "created": item.document.get("created_at"),
        "lastModified": item.document.get("changed_at"),
        "location": at,
        "version": version(item),
    }


def _said(name: Name, value: Any, base: str) -> Any:  # JSON
    match name.own:
        case "members":
            at = f"{base}/{USERS.endpoint}/"
            return [{**one, "type": USERS.name, "$ref": f"{at}{one['value']}"} for one in value]
        case "groups":
            return [{**one, "type": "direct", "$ref": f"{base}/Groups/{one['value']}"} for one in value]
        case "name" | "manager":
            return _renamed(name, value)
        case "addresses":
            return [_renamed(name, one) for one in value]
    return value


def _renamed(name: Name, value: Document) -> Shown:
    scim = _PART_NAMES[name.own]
    return {scim[key]: inner for key, inner in value.items() if key in scim}


def _by_own(kind: ResourceType) -> dict[str, Name]:
    names = (*kind.core.values(), *kind.extension.values())
    return {one.own: one for one in names if one.path and one.own != "id"}


_SHOWN = {kind.endpoint: _by_own(kind) for kind in (USERS, GROUPS)}
_EXTENSION = frozenset(one.own for one in USERS.extension.values())
_PART_NAMES = {
    one.own: {part.own: part.scim for part in one.parts.values()}
    for kind in (USERS, GROUPS)
    for one in (*kind.core.values(), *kind.extension.values())
    if one.parts and one.path
}
