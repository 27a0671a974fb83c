"""A person or group as SCIM shows it: names, references, `meta`, and of all that what was asked for."""

from collections.abc import Callable, Mapping
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
    own = str(item.id)
    schemas = [kind.urn]
    made: Shown = {"schemas": schemas, "id": own}
    more: Shown = {}
    everything = wanted is EVERYTHING
    shows = _SHOWN[kind.endpoint]
    for key, value in item.document.items():
        show = shows.get(key)
        if show is None or not (everything or wanted.has(key)):
            continue
        if not value and (value is None or value == []):
            if key == "members" and value is None:
                raise bad("tooMany", _TOO_MANY)
            continue
        said = value if show.say is None else show.say(value, base)
        if not everything and show.has_parts:
            said = wanted.of(key, said)
            if not said:
                continue
        (more if show.is_more else made)[show.scim] = said
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


def _said_members(value: Any, base: str) -> Any:  # JSON
    at = f"{base}/{USERS.endpoint}/"
    return [{**one, "type": USERS.name, "$ref": f"{at}{one['value']}"} for one in value]


def _said_groups(value: Any, base: str) -> Any:  # JSON
    return [{**one, "type": "direct", "$ref": f"{base}/{GROUPS.endpoint}/{one['value']}"} for one in value]


def _renaming(name: Name) -> Callable[[Any, str], Any]:
    """How a value is said whose parts are called otherwise in SCIM."""
    scim = {part.own: part.scim for part in name.parts.values()}

    def renamed(value: Document) -> Shown:
        return {scim[key]: inner for key, inner in value.items() if key in scim}

    if name.own == "addresses":
        return lambda value, base: [renamed(one) for one in value]
    return lambda value, base: renamed(value)


@dataclass(frozen=True)
class _Show:
    """How one attribute is shown: its name, whether in the extension, and what says it in other words."""

    scim: str
    is_more: bool
    has_parts: bool
    say: Callable[[Any, str], Any] | None


def _shows(kind: ResourceType) -> dict[str, _Show]:
    others = {"members": _said_members, "groups": _said_groups}
    found = {}
    for names in (kind.core, kind.extension):
        for one in names.values():
            if not one.path or one.own == "id":
                continue
            say = _renaming(one) if one.own in ("name", "manager", "addresses") else others.get(one.own)
            found[one.own] = _Show(one.scim, names is kind.extension, bool(one.parts), say)
    return found


_SHOWN = {kind.endpoint: _shows(kind) for kind in (USERS, GROUPS)}
