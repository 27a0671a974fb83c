"""The shape of a tree: what it says but for the values, which become parameters. A shape's statement is made once."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from cell.directory import trees
from cell.directory.values import KEYS
from cell.people.service import normalised
from contracts.directory import DEEPEST_TREE, FilterRefused, Tree, ValueRefused
from contracts.directory_schema import ATTRIBUTES, Attribute, Resource

Shape = tuple[Any, ...]  # hashable; a leaf is (verb, attribute, part, number of its value)
NEVER: Shape = ("never",)

IDS = {("id", ""), ("members", "value"), ("groups", "value")}
INDEXED = IDS | {(one, "") for one in KEYS} | {("emails", "value")}  # those that equal something are found by an index
MOST_SEARCHED = 30  # terms of one filter for which each document of the workspace is looked at
_PATTERNS = {"co": "%{}%", "sw": "{}%", "ew": "%{}"}
_UNPLAIN = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})  # LIKE's own signs


@dataclass
class Values:
    """The values of a tree, numbered."""

    found: list[object] = field(default_factory=list)
    searched: int = 0  # terms for which each document is looked at

    def search(self) -> None:
        """One more term that no index answers. Raises FilterRefused."""
        self.searched += 1
        if self.searched > MOST_SEARCHED:
            raise FilterRefused(
                f"A filter has at most {MOST_SEARCHED} terms other than userName, externalId, displayName, id, "
                "emails, members or groups with eq."
            )

    def add(self, value: object) -> int:
        """Keep a value; its number."""
        self.found.append(value)
        return len(self.found) - 1


def shape(resource: Resource, tree: Tree, values: Values, depth: int = 0, within: str = "") -> Shape:
    """The shape of a tree. Raises FilterRefused for one that says nothing about the resource."""
    if depth > DEEPEST_TREE:
        raise FilterRefused(f"A filter is at most {DEEPEST_TREE} levels deep.")
    match tree:
        case ["and" | "or" as both, list() as left, list() as right]:
            first = shape(resource, left, values, depth + 1, within)
            return (both, first, shape(resource, right, values, depth + 1, within))
        case ["not", list() as inner]:
            return ("not", shape(resource, inner, values, depth + 1, within))
        case ["some", [str() as name], list() as inner] if not within:
            one = ATTRIBUTES[resource].get(name)
            if one is not None and one.parts is not None:
                return ("some", name, shape(resource, inner, values, depth + 1, name))
        case ["pr", list() as path]:
            values.search()
            return ("pr", *path_of(resource, path, within))
        case [str() as verb, list() as path, wanted] if verb in trees.COMPARISONS:
            return _leaf(resource, verb, path_of(resource, path, within, valued=True), wanted, values)
    raise FilterRefused


def path_of(resource: Resource, path: list[object], within: str = "", *, valued: bool = False) -> tuple[str, str]:
    """An attribute and its part; `valued`: what has parts is compared by the one that is called `value`."""
    match [within, *path] if within else path:
        case [str() as name]:
            part = ""
        case [str() as name, str() as part]:
            pass
        case _:
            raise FilterRefused
    one = ATTRIBUTES[resource].get(name)
    if one is None or (part and part not in (one.parts or {})):
        raise FilterRefused("It names what is not there.", attribute=name)
    if valued and one.parts is not None and not part:
        if "value" not in one.parts:
            raise FilterRefused("It has to name a part of this.", attribute=name)
        part = "value"
    return name, part


def attribute(resource: Resource, name: str, part: str) -> Attribute:
    """The attribute or part that a path names."""
    one = ATTRIBUTES[resource][name]
    return one.parts[part] if part and one.parts is not None else one


def _leaf(resource: Resource, verb: str, path: tuple[str, str], wanted: object, values: Values) -> Shape:
    one = attribute(resource, *path)
    try:
        wanted = trees.operand(verb, one, wanted)
    except ValueRefused as refusal:
        raise FilterRefused(refusal.detail, attribute=path[0]) from None
    if wanted is None:  # what equals nothing is not there
        return ("not", ("pr", *path)) if verb == "eq" else ("pr", *path)
    if verb != "eq" or path not in INDEXED:
        values.search()
    if verb == "ne":
        counted = Values(values.found)
        return ("not", _leaf(resource, "eq", path, wanted, counted))
    if path in IDS and verb == "eq":
        try:
            return ("eq", *path, values.add(UUID(str(wanted))))
        except ValueError:
            return NEVER
    if isinstance(wanted, str):
        if not one.exact:
            by_column = path[0] in KEYS or path == ("emails", "value")
            wanted = normalised(wanted) if by_column and verb == "eq" else wanted.lower()
        if verb in _PATTERNS:
            return ("like", *path, values.add(_PATTERNS[verb].format(wanted.translate(_UNPLAIN))))
    return (verb, *path, values.add(wanted))
