"""A PATCH as steps of the directory (RFC 7644 section 3.5.2, and what clients make of it).

A step says one thing in one way, so that the cell need not know the others: objects are taken apart into their
parts, null is a removal, members are named by their ids, and a value without its value is none.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from contracts.directory import MOST_MEMBERS, MOST_STEPS, Path, Step, Tree, Verb
from control_plane.scim.errors import ScimError, bad
from control_plane.scim.grammar import Budget
from control_plane.scim.names import Name, ResourceType, Whole
from control_plane.scim.paths import Target, target
from control_plane.scim.values import Json, read, too_many

_Said = tuple[Verb, Target | Whole | None, Json]
_NOT_REMOVED = frozenset({"active"})  # always true or false: its removal must not switch anybody on


async def steps(kind: ResourceType, body: Json) -> list[Step]:
    """The steps of a request; others have their turn meanwhile. Raises ScimError."""
    operations = _get(body, "operations") if isinstance(body, dict) else None
    if not isinstance(operations, list):
        raise bad("invalidSyntax", "A PATCH has a list of Operations.")
    if len(operations) > MOST_STEPS:
        raise too_many(MOST_STEPS, "operations")
    made, budget = list[Step](), Budget()
    for one in operations:
        for verb, found, value in _said(kind, one, budget):
            made += _at(kind, verb, found, value)
            if len(made) > MOST_STEPS:
                raise too_many(MOST_STEPS, "changes")
            await budget.pause()
    if sum(len(one.value) for one in made if one.path.attribute == "members" and one.value) > MOST_MEMBERS:
        raise too_many(MOST_MEMBERS, "members")
    return made


def _said(kind: ResourceType, operation: Json, budget: Budget) -> Iterator[_Said]:
    """What an operation names and what it says of it, one after the other."""
    word = _get(operation, "op") if isinstance(operation, dict) else None
    try:
        verb = Verb(word.lower() if isinstance(word, str) else "")
    except ValueError:
        raise bad("invalidSyntax", "An operation is add, replace or remove.") from None
    path, value = _get(operation, "path"), _get(operation, "value")
    if isinstance(path, str) and path.strip():
        yield verb, target(kind, path.strip(), budget), value
    elif path is not None and not isinstance(path, str):
        raise bad("invalidPath", "A path is a string.")
    elif verb is Verb.REMOVE:
        raise bad("noTarget", "A removal has a path.")
    else:
        for found, inner in _pathless(kind, value, budget):
            yield verb, found, inner


def _pathless(kind: ResourceType, value: Json, budget: Budget) -> Iterator[tuple[Target | Whole | None, Json]]:
    """Each name of an object is a path; those that are read-only or unknown are passed over."""
    if not isinstance(value, dict):
        raise bad("invalidValue", "Without a path the value is an object of attributes.")
    for key, inner in value.items():
        budget.name()
        try:
            found = target(kind, key, budget)
        except ScimError as error:
            if error.scim_type != "invalidPath":
                raise
            continue
        if not (isinstance(found, Target) and found.name.attribute.settled):
            yield found, inner


def _at(kind: ResourceType, verb: Verb, found: Target | Whole | None, value: Json) -> Iterator[Step]:
    match found:
        case None:
            return
        case Whole(names):
            yield from _whole(kind, verb, names, value)
        case Target() if found.name.attribute.settled:
            raise bad("mutability", f"{found.name.scim} is read-only.")
        case Target(name=name, some=some, part=part) if verb is Verb.REMOVE:
            yield from _removed(name, some, part, value)
        case Target(name=name, some=None, part=None):
            yield from _set(verb, name, value)
        case Target(name=name, some=None, part=Name() as part):
            if name.attribute.many:
                raise bad("invalidPath", f"Say in brackets which of {name.scim} is meant.")
            yield from _part(verb, name, None, part, value)
        case Target(name=name, some=list() as some, part=Name() as part):
            yield from _part(verb, name, some, part, value)
        case Target(name=name, some=list() as some, part=None):
            yield from _set_some(verb, name, some, value)


def _whole(kind: ResourceType, verb: Verb, names: Mapping[str, Name], value: Json) -> Iterator[Step]:
    """A path that is a schema: everything of it, or what the value says."""
    if verb is Verb.REMOVE:
        if names is kind.core:
            raise bad("mutability", "What a resource is cannot be removed.")
        for name in names.values():
            yield from _removed(name, None, None, None)
        return
    if not isinstance(value, dict):
        raise bad("invalidValue", "The value of a schema is an object of attributes.")
    for key, inner in value.items():
        top, _, below = key.lower().partition(".")
        known = names.get(top)
        part = known.parts.get(below) if known is not None and below else None
        if known is not None and not known.attribute.settled and bool(below) is (part is not None):
            yield from _at(kind, verb, Target(known, part=part), inner)


def _set(verb: Verb, name: Name, value: Json) -> Iterator[Step]:
    attribute = name.attribute
    if name.parts and not attribute.many and isinstance(value, dict) and name.own != "manager":
        for key, inner in value.items():
            part = name.parts.get(key.lower())
            if part is not None:
                yield from _part(verb, name, None, part, inner)
        return
    found = read(name, value)
    if found == [] and verb is Verb.ADD:
        return
    if found is not None:
        if name.own == "manager":  # a new one is another one: of the earlier one nothing stays
            yield Step(verb=Verb.REMOVE, path=Path(attribute=name.own))
        yield Step(verb=verb if attribute.many else Verb.REPLACE, path=Path(attribute=name.own), value=found)
    elif verb is Verb.REPLACE and name.own not in _NOT_REMOVED:
        yield from _removed(name, None, None, None)


def _part(verb: Verb, name: Name, some: Tree | None, part: Name, value: Json) -> Iterator[Step]:
    """Nothing is added as nothing, and replaces by removing."""
    found = read(part, value)
    if found is not None:
        yield Step(verb=verb, path=Path(attribute=name.own, some=some, part=part.own), value=found)
    elif verb is Verb.REPLACE:
        yield from _removed(name, some, part, None)


def _set_some(verb: Verb, name: Name, some: Tree, value: Json) -> Iterator[Step]:
    """Parts of the chosen values; those by which they are chosen come last."""
    if name.own == "members":
        # Whoever is named in the brackets is what is added: nothing else of a member can be set.
        found = read(name, _named(some) or value)
        if not found:
            raise bad("invalidPath", "Members are chosen by their value.")
        yield Step(verb=Verb.ADD, path=Path(attribute=name.own), value=found)
        return
    given = value if isinstance(value, dict) else {"value": value}
    parts = [(name.parts[key.lower()], inner) for key, inner in given.items() if key.lower() in name.parts]
    chosen_by = _words(some)
    for part, inner in sorted(parts, key=lambda one: one[0].own in chosen_by):
        yield from _part(verb, name, some, part, inner)


def _removed(name: Name, some: Tree | None, part: Name | None, value: Json) -> Iterator[Step]:
    if (name.attribute.required and part is None) or name.own in _NOT_REMOVED:
        raise bad("mutability", f"{name.scim} cannot be without a value.")
    if name.attribute.many and some is None and part is None and value is not None:
        found = read(name, value)
        if found:
            yield Step(verb=Verb.REMOVE, path=Path(attribute=name.own), value=found)
        return
    if name.own == "members" and some is not None and (named := _named(some)):
        yield Step(verb=Verb.REMOVE, path=Path(attribute=name.own), value=[{"value": one} for one in named])
        return
    whole = part is None or (name.attribute.many and part.own == "value")
    yield Step(
        verb=Verb.REMOVE, path=Path(attribute=name.own, some=some, part="" if whole or part is None else part.own)
    )


def _named(some: Tree) -> list[str]:
    """The ids of a tree that is nothing but `value eq`; empty for any other."""
    match some:
        case ["eq", ["value"], str() as one]:
            return [one]
        case ["or", left, right]:
            found = [_named(left), _named(right)]
            return found[0] + found[1] if all(found) else []
    return []


def _words(some: Tree) -> set[str]:
    """The parts that a tree looks at."""
    match some:
        case ["and" | "or", left, right]:
            return _words(left) | _words(right)
        case ["not", inner]:
            return _words(inner)
    return set(some[1])


def _get(given: dict[str, Any], name: str) -> Json:
    """A value by its name in any case."""
    if name in given:
        return given[name]
    return next((value for key, value in given.items() if key.lower() == name), None)
