"""A patch: steps on a document, all or none. Whoever calls holds the row's lock; members of groups are `membership.py`.

Adding to an attribute with several values what is there already (the same `value` and `type`) completes it. A value
that becomes the primary one takes that from the others.
"""

import json
from collections.abc import Sequence

from cell.directory import values
from cell.directory.trees import holds, said_by
from contracts.directory import Document, NoTarget, NotChangeable, Step, Tree, Verb
from contracts.directory_schema import ATTRIBUTES, MOST_VALUES, Attribute, Resource, Type


def patched(resource: Resource, document: Document, steps: Sequence[Step]) -> Document:
    """The document after all steps. Raises NoTarget, ValueRefused, NotChangeable, and `document` is as it was."""
    changed: Document = json.loads(json.dumps(document))  # quicker than a deep copy
    for step in steps:
        _take(resource, changed, step)
    for name, one in ATTRIBUTES[resource].items():
        if one.required and name not in changed:
            raise values.refused(name)
    return changed


def _take(resource: Resource, document: Document, step: Step) -> None:
    name = step.path.attribute
    one = values.attribute_of(resource, name)
    if one.settled:
        raise NotChangeable(attribute=name)
    if step.path.part and step.path.part not in (one.parts or {}):
        raise values.refused(name)
    if step.path.some is not None and not one.many:
        raise NoTarget(attribute=name)
    if one.many:
        held = document.get(name, [])
        values.put(document, name, _several(name, one, held, step))
    elif step.path.part:
        document[name] = document.get(name, {})
        _set_part(name, one, document[name], step.path.part, None if step.verb is Verb.REMOVE else step.value)
        values.put(document, name, document[name])
    elif step.verb is Verb.REMOVE:
        document.pop(name, None)
    elif one.type is Type.PARTS and step.value is not None:
        values.put(document, name, {**document.get(name, {}), **values.checked_parts(name, one, step.value)})
    else:
        values.put(document, name, values.checked(name, one, step.value))


def _several(name: str, one: Attribute, held: list[Document], step: Step) -> list[Document]:
    chosen = _chosen(one, held, step.path.some)
    if step.verb is Verb.REMOVE:
        left = _removed(name, one, held, step, chosen)
        return [each for each in left if each]
    if step.path.some is None and not step.path.part:
        left = _put(name, one, [] if step.verb is Verb.REPLACE else held, step.value)
    else:
        left, touched = _changed(name, one, held, step, chosen)
        _one_primary(name, left, touched)
    left = [each for each in left if each]
    if len(left) > MOST_VALUES:
        raise values.refused(name, f"At most {MOST_VALUES} values.")
    return left


def _chosen(one: Attribute, held: list[Document], some: Tree | None) -> list[int]:
    if some is None:
        return list(range(len(held)))
    parts = one.parts or {}
    holds(some, {}, parts)  # a tree that cannot be used is refused even where there is nothing to choose from
    return [at for at, each in enumerate(held) if holds(some, each, parts)]


def _removed(name: str, one: Attribute, held: list[Document], step: Step, chosen: list[int]) -> list[Document]:
    if step.path.some is not None and not chosen:
        raise NoTarget(attribute=name)
    if step.path.part:
        for at in chosen:
            held[at].pop(step.path.part, None)
        return held
    if step.path.some is None and step.value is not None:
        unwanted = values.checked_values(name, one, step.value)
        return [each for each in held if not any(_is(one, each, other) for other in unwanted)]
    return [each for at, each in enumerate(held) if at not in chosen]


def _is(one: Attribute, value: Document, named: Document) -> bool:
    """Whether a value is the one that is named by some of its parts."""
    parts = one.parts or {}
    return all(part in value and values.same_text(parts[part], value[part], said) for part, said in named.items())


def _put(name: str, one: Attribute, held: list[Document], value: object) -> list[Document]:
    """One value after the other: what one took from others stays taken, whatever a later one says of it."""
    for new in values.checked(name, one, value) or []:
        by = {part: new[part] for part in ("value", "type") if part in new}
        same = next((at for at, each in enumerate(held) if "value" in by and _is(one, each, by)), None)
        if same is not None:
            held[same].update(new)
        elif new not in held:
            same = len(held)
            held.append(new)
        if same is not None:
            _one_primary(name, held, [same])
    return held


def _changed(
    name: str, one: Attribute, held: list[Document], step: Step, chosen: list[int]
) -> tuple[list[Document], list[int]]:
    said = said_by(step.path.some)
    if not chosen:
        if said is None:
            raise NoTarget(attribute=name)
        if step.value is None:
            return held, []
        held.append(values.checked_parts(name, one, said))
        chosen = [len(held) - 1]
    for at in chosen:
        if step.path.part:
            _set_part(name, one, held[at], step.path.part, step.value)
        else:
            new = values.checked_parts(name, one, step.value or {})
            held[at] = {**(held[at] if step.verb is Verb.ADD else said or {}), **new}
    return held, chosen


def _set_part(name: str, one: Attribute, parts: Document, part: str, value: object) -> None:
    if value is None:
        parts.pop(part, None)
    else:
        parts.update(values.checked_parts(name, one, {part: value}))


def _one_primary(name: str, held: list[Document], touched: list[int]) -> None:
    """Of the values that are primary, the one that this step touched stays it."""
    primary = [at for at in touched if held[at].get("primary") is True]
    if len(set(primary)) > 1:
        raise values.refused(name, "Only one value can be the primary one.")
    if primary:
        for at, each in enumerate(held):
            if at != primary[0] and each.get("primary") is True:
                each["primary"] = False
