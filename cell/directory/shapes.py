"""The shape of a tree: what it says but for the values, which become parameters. A shape's statement is made once."""

from dataclasses import dataclass, field
from functools import reduce
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


def apart(wanted: Shape) -> Shape:
    """The same where what an index finds among members, beside an OR with what others find, is a search of its own.

    As one condition of two it has no index, and the other none either: every row of the workspace would be read.
    """
    match wanted:
        case ("and", left, right):
            return ("and", apart(left), apart(right))
        case ("not", inner):
            return ("not", apart(inner))
        case ("or", _, _):
            every = _either(wanted)
            if all(map(_indexed, every)):
                alone = [one for one in every if _among_members(one)]
                others = [one for one in every if one not in alone]
                together = [reduce(lambda left, right: ("or", left, right), others)] if others else []
                return ("any", *alone, *together) if alone else wanted
    return wanted


def _either(wanted: Shape) -> list[Shape]:
    """What stands beside one another in an OR, however it is put together."""
    return [*_either(wanted[1]), *_either(wanted[2])] if wanted[0] == "or" else [wanted]


def _indexed(wanted: Shape) -> bool:
    """Whether an index finds what has the shape."""
    match wanted:
        case ("and", left, right):
            return _indexed(left) or _indexed(right)
        case ("or", left, right):
            return _indexed(left) and _indexed(right)
        case ("some", "emails", inner):
            return bool(by_address(inner))
        case ("some", _, inner):
            return _indexed(inner)
        case ("eq", name, part, _):
            return (name, part) in INDEXED
    return wanted == NEVER


def _among_members(wanted: Shape) -> bool:
    """Whether the shape is looked for among members, or groups, somewhere in it."""
    if wanted[0] in ("and", "or", "not"):
        return any(_among_members(one) for one in wanted[1:])
    return wanted[1:2] in (("members",), ("groups",))


def by_address(wanted: Shape) -> list[int]:
    """The numbers of addresses that a value has to have, whatever else it has to have."""
    match wanted:
        case ("eq", "emails", "value", number):
            return [number]
        case ("and", left, right):
            return [*by_address(left), *by_address(right)]
    return []
