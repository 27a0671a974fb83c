"""Paths of a PATCH: an attribute, perhaps some of its values, perhaps a part (RFC 7644 section 3.5.2)."""

from dataclasses import dataclass

from contracts.directory import Tree
from control_plane.scim import grammar
from control_plane.scim.errors import ScimError, bad
from control_plane.scim.filters import of_values
from control_plane.scim.grammar import Budget, Values
from control_plane.scim.names import Name, ResourceType, Whole


@dataclass(frozen=True)
class Target:
    """What a path names. `some` chooses among several values; `part` is a part of what is chosen."""

    name: Name
    some: Tree | None = None
    part: Name | None = None


def target(kind: ResourceType, text: str, budget: Budget) -> Target | Whole | None:
    """What a path names; None for what is taken and dropped.

    Raises ScimError: invalidPath, invalidFilter, or tooMany where the request has spent its budget.
    """
    if kind.keeps_not(text):
        return None
    if "[" in text:
        return _with_brackets(kind, text, budget)
    found = kind.find(text)
    if found is None:
        raise _nothing()
    if isinstance(found, Whole):
        return found
    if len(found.path) == 2:
        above = _above(kind, found)
        return Target(above, part=found)
    return Target(found)


def _with_brackets(kind: ResourceType, text: str, budget: Budget) -> Target:
    if kind.find(text.partition("[")[0]) is None:  # nothing is parsed for what is not there
        raise _nothing()
    node = grammar.parse_path(text, budget)
    if not isinstance(node, Values):
        raise _nothing()
    name = kind.find(node.attribute)
    if not isinstance(name, Name) or not name.attribute.many:
        raise bad("invalidPath", "Brackets choose among the values of an attribute with several.")
    word = node.then.attribute if node.then is not None else ""
    part = name.parts.get(word.lower()) if word else None
    if word and part is None:
        raise _nothing()
    return Target(name, of_values(name, node.node), part)


def _above(kind: ResourceType, part: Name) -> Name:
    return next(one for names in (kind.core, kind.extension) for one in names.values() if one.path == part.path[:1])


def _nothing() -> ScimError:
    return bad("invalidPath", "The path names an attribute that is not there.")
