"""A PATCH as steps of the directory (RFC 7644 section 3.5.2, and what clients make of it).

A step says one thing in one way, so that the cell need not know the others: objects are taken apart into their
parts, null is a removal, members are named by their ids, and a value without its value is none. What says neither
which values it means nor that there are none is refused: it must not take away what is there.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from contracts.directory import MOST_MEMBERS, MOST_STEPS, Path, Step, Tree, Verb
from control_plane.scim.errors import ScimError, bad
from control_plane.scim.grammar import Budget
from control_plane.scim.names import Name, ResourceType, Whole
from control_plane.scim.paths import Target, target
from control_plane.scim.values import Json, is_hollow, read, too_many

_Said = tuple[Verb, Target | Whole | None, Json]
_NOT_REMOVED = frozenset({"active"})  # always true or false: its removal must not switch anybody on
_ALL: Json = object()  # the value of a removal that has none: all that its path chooses


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
    path, value = _get(operation, "path"), _get(operation, "value", _ALL if verb is Verb.REMOVE else None)
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
        case Target(name=name, some=None, part=Name()) if name.attribute.many:
            raise bad("invalidPath", f"Say in brackets which of {name.scim} is meant.")
        case Target(name=name, some=list() as some, part=part) if name.own == "members":
            yield _chosen_members(verb, name, some, part, value)
        case Target(name=name, some=some, part=part) if verb is Verb.REMOVE:
            yield from _removed(name, some, part, value)
        case Target(name=name, some=None, part=None):
            yield from _set(verb, name, value)
        case Target(name=name, some=None, part=Name() as part):
            yield from _part(verb, name, None, part, value)
        case Target(name=name, some=list() as some, part=Name() as part):
            yield from _part(verb, name, some, part, _out_of_list(value))
        case Target(name=name, some=list() as some, part=None):
            yield from _set_some(verb, name, some, _out_of_list(value))


def _whole(kind: ResourceType, verb: Verb, names: Mapping[str, Name], value: Json) -> Iterator[Step]:
    """A path that is a schema: everything of it, or what the value says."""
    if verb is Verb.REMOVE:
        if names is kind.core:
            raise bad("mutability", "What a resource is cannot be removed.")
        for name in names.values():
            yield from _removed(name, None, None, _ALL)
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
    found = _several(name, value) if attribute.many else read(name, value)
    if found == [] and verb is Verb.ADD:
        return
    if found is not None:
        if name.own == "manager":  # a new one is another one: of the earlier one nothing stays
            yield Step(verb=Verb.REMOVE, path=Path(attribute=name.own))
        yield Step(verb=verb if attribute.many else Verb.REPLACE, path=Path(attribute=name.own), value=found)
    elif verb is Verb.REPLACE and name.own == "members":
        raise bad("invalidValue", "The members are a list: an empty one where nobody stays.")
    elif verb is Verb.REPLACE and name.own not in _NOT_REMOVED:
        yield from _removed(name, None, None, _ALL)


def _part(verb: Verb, name: Name, some: Tree | None, part: Name, value: Json) -> Iterator[Step]:
    """Nothing is added as nothing, and replaces by removing."""
    found = read(part, value)
    if found is not None:
        yield Step(verb=verb, path=Path(attribute=name.own, some=some, part=part.own), value=found)
    elif verb is Verb.REPLACE:
        yield from _removed(name, some, part, _ALL)


def _set_some(verb: Verb, name: Name, some: Tree, value: Json) -> Iterator[Step]:
    """Parts of the chosen values; those by which they are chosen come last."""
    if value is None or value == "":
        if verb is Verb.REPLACE:
            yield from _removed(name, some, None, _ALL)
        return
    given = value if isinstance(value, dict) else {"value": value}
    parts = [(name.parts[key.lower()], inner) for key, inner in given.items() if key.lower() in name.parts]
    if not parts:
        raise bad("invalidValue", f"The value names nothing that {name.scim} has.")
    chosen_by = _words(some)
    for part, inner in sorted(parts, key=lambda one: one[0].own in chosen_by):
        yield from _part(verb, name, some, part, inner)


def _chosen_members(verb: Verb, name: Name, some: Tree, part: Name | None, value: Json) -> Step:
    """Whoever is named in the brackets comes or goes: what a member is cannot be changed (RFC 7643 section 4.2)."""
    if part is not None and part.own != "value":
        raise bad("mutability", f"{part.scim} of a member cannot be changed.")
    named = _named(some)
    if not named:
        raise bad("noTarget", "Members are chosen by their value alone.")
    if verb is not Verb.REMOVE:
        said = read(name, value)
        if not said and verb is Verb.REPLACE:
            raise bad("invalidValue", "To let a member go, remove it.")
        if said and {one["value"] for one in said} != set(named):
            raise bad("mutability", "A member cannot become another one: remove the one, and add the other.")
        verb = Verb.ADD
    return Step(verb=verb, path=Path(attribute=name.own), value=[{"value": one} for one in named])


def _removed(name: Name, some: Tree | None, part: Name | None, value: Json) -> Iterator[Step]:
    if (name.attribute.required and part is None) or name.own in _NOT_REMOVED:
        raise bad("mutability", f"{name.scim} cannot be without a value.")
    if name.own == "members" and (value is None or value == ""):
        raise bad("invalidValue", "Name the members to remove. A removal of all of them has no value.")
    if name.attribute.many and some is None and value is not None and value is not _ALL:
        found = _several(name, value)
        if found:
            yield Step(verb=Verb.REMOVE, path=Path(attribute=name.own), value=found)
        return
    whole = part is None or (name.attribute.many and part.own == "value")
    yield Step(
        verb=Verb.REMOVE, path=Path(attribute=name.own, some=some, part="" if whole or part is None else part.own)
    )


def _several(name: Name, value: Json) -> Json:
    """The values of an attribute with several; none is passed over that might have been meant. Raises ScimError."""
    if name.own != "members" and any(is_hollow(name, one) for one in (value if isinstance(value, list) else [value])):
        raise bad("invalidValue", f"One of {name.scim} has nothing but what says which it is.")
    return read(name, value)


def _out_of_list(value: Json) -> Json:
    """What brackets choose is one value; clients may wrap it into a list all the same, but nothing they do not wrap."""
    return value[0] if isinstance(value, list) and len(value) == 1 and value[0] not in (None, "") else value


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


def _get(given: dict[str, Any], name: str, otherwise: Json = None) -> Json:
    """A value by its name in any case; `otherwise` where there is none of that name."""
    if name in given:
        return given[name]
    return next((value for key, value in given.items() if key.lower() == name), otherwise)
