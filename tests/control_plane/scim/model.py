"""A cell in memory: what the contract of the directory means, as plainly as Python says it.

It answers real signed calls, so that what crosses between the processes is what crosses in production.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zlib import crc32

from contracts.directory import (
    DIRECTORY_APPLY,
    DIRECTORY_FIND,
    DIRECTORY_GET,
    DIRECTORY_NOTE,
    Applied,
    Apply,
    By,
    ByLaw,
    Create,
    CredentialRefused,
    Document,
    Erase,
    Find,
    Found,
    Get,
    Item,
    NoTarget,
    NotChangeable,
    Note,
    Patch,
    Replace,
    Step,
    Taken,
    Tree,
    ValueRefused,
    Verb,
    VersionDiffers,
)
from contracts.directory_schema import ATTRIBUTES, MOST_VALUES, Attribute, Resource, Type, fits
from contracts.said import Done
from kit.calls import Answers, Caller
from kit.refusals import NotFound

PERSON, GROUP = Resource.PERSON, Resource.GROUP


@dataclass
class Kept:
    """One person or group."""

    id: UUID
    document: Document
    version: int = 1
    number: int = 0


@dataclass
class Workspace:
    """What one workspace keeps."""

    kept: dict[Resource, dict[UUID, Kept]] = field(default_factory=lambda: {PERSON: {}, GROUP: {}})


@dataclass
class ModelCell:
    """The cell. `credentials` are the digests that count, each with its workspace."""

    credentials: dict[str, UUID] = field(default_factory=dict)
    workspaces: dict[UUID, Workspace] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    asked: list[By] = field(default_factory=list)
    applied: dict[str, Applied] = field(default_factory=dict)
    made: int = 0
    loses: Callable[[], bool] = lambda: False  # whether an answer to a change is lost on its way

    def answer(self, answers: Answers) -> None:
        """Answer calls."""

        @answers.to(DIRECTORY_APPLY)
        async def apply(_: Caller, said: Apply) -> Applied:
            workspace = self._workspace(said)
            if said.request_id not in self.applied:
                self.applied[said.request_id] = self._apply(workspace, said)
            if self.loses():
                raise RuntimeError("lost")
            return self.applied[said.request_id]

        @answers.to(DIRECTORY_FIND)
        async def find(_: Caller, said: Find) -> Found:
            return self._find(self._workspace(said), said)

        @answers.to(DIRECTORY_GET)
        async def get(_: Caller, said: Get) -> Item:
            workspace = self._workspace(said)
            return self._item(workspace, said.resource, _one(workspace, said.resource, said.id), members=said.members)

        @answers.to(DIRECTORY_NOTE)
        async def note(_: Caller, said: Note) -> Done:
            self._workspace(said)
            self.notes.append(said)
            return Done()

    def _workspace(self, said: By) -> Workspace:
        self.asked.append(said)
        if self.credentials.get(said.credential) != said.workspace_id:
            raise CredentialRefused
        return self.workspaces.setdefault(said.workspace_id, Workspace())

    def _apply(self, workspace: Workspace, said: Apply) -> Applied:
        change = said.change
        kept = workspace.kept[change.resource]
        match change:
            case Create(resource=resource, document=document):
                self.made += 1
                made = {**({"active": True} if resource is PERSON else {}), **deepcopy(document)}
                one = Kept(uuid4(), made | {"created_at": _moment(self.made), "changed_at": _moment(self.made)})
                one.number = self.made
                _check(workspace, resource, one.id, made)
                kept[one.id] = one
                return Applied(item=self._item(workspace, resource, one), changed=True)
            case Erase(resource=resource, id=id, expected=expected):
                _expect(_version(workspace, resource, _one(workspace, resource, id)), expected)
                del kept[id]
                for group in workspace.kept[GROUP].values():
                    if any(one["value"] == str(id) for one in group.document.get("members", [])):
                        _drop(group.document, str(id))
                        group.version += 1
                return Applied(item=None, changed=True)
            case Replace(resource=resource, id=id, document=document, expected=expected):
                one = _one(workspace, resource, id)
                stays = {"created_at", "changed_at", *([] if "active" in document else ["active"])}
                fresh = {name: value for name, value in one.document.items() if name in stays} | deepcopy(document)
            case Patch(resource=resource, id=id, steps=steps, expected=expected):
                one = _one(workspace, resource, id)
                fresh = deepcopy(one.document)
                for step in steps:
                    take(resource, fresh, step)
        _expect(_version(workspace, change.resource, one), expected)
        _check(workspace, resource, one.id, fresh)
        changed = fresh != one.document
        if changed:
            self.made += 1
            one.document, one.version = fresh | {"changed_at": _moment(self.made)}, one.version + 1
        return Applied(item=self._item(workspace, resource, one), changed=changed)

    def _find(self, workspace: Workspace, said: Find) -> Found:
        found = [
            one
            for one in workspace.kept[said.resource].values()
            if said.tree is None or fits_tree(said.resource, _whole(workspace, said.resource, one), said.tree)
        ]
        if said.sort_by:
            found.sort(key=lambda one: str(_first(one.document, said.sort_by)).casefold(), reverse=said.descending)
        page = found[said.start - 1 :][: said.count]
        items = [self._item(workspace, said.resource, one, members=said.members) for one in page]
        return Found(total=len(found), items=items)

    def _item(self, workspace: Workspace, resource: Resource, one: Kept, *, members: bool = False) -> Item:
        document = _whole(workspace, resource, one)
        if not members:
            document.pop("members", None)
        return Item(id=one.id, version=_version(workspace, resource, one), document=document)


def take(resource: Resource, document: Document, step: Step) -> None:
    """Apply one step to a document."""
    name, part, some = step.path.attribute, step.path.part, step.path.some
    known = ATTRIBUTES[resource].get(name)
    if known is None:
        raise ValueRefused(attribute=name)
    if known.settled:
        raise NotChangeable(attribute=name)
    if name == "members" and not all(_is_id(one["value"]) for one in step.value or []):
        raise ValueRefused(attribute=name)
    if known.many:
        values = document.setdefault(name, [])
        _take_some(known, values, step) if some is not None or part else _take_all(values, step, name)
        values[:] = [one for one in values if one]
        if not values:
            del document[name]
    elif step.verb is Verb.REMOVE:
        below = document.get(name, {}) if part else document
        below.pop(part or name, None)
        if part and not below:
            document.pop(name, None)
    elif part:
        document.setdefault(name, {})[part] = step.value
    else:
        document[name] = step.value


def _take_all(values: list[Any], step: Step, name: str) -> None:
    """Adding what is there already, the same value of the same type, completes it."""
    match step.verb:
        case Verb.REMOVE if step.value is None:
            values.clear()
        case Verb.REMOVE:
            values[:] = [one for one in values if not any(_is(one, given) for given in step.value)]
        case _:
            before = [] if step.verb is Verb.REPLACE else values[:]
            values[:] = before
            for one in step.value:
                by = {part: one[part] for part in ("value", "type") if part in one}
                same = next((other for other in values if "value" in one and _is(other, by)), None)
                if same is not None:
                    same.update(one)
                elif one not in values:
                    same = dict(one)
                    values.append(same)
                if same is not None:
                    _primary(values, [same], name)


def _take_some(known: Attribute, values: list[Any], step: Step) -> None:
    some, part = step.path.some, step.path.part
    chosen = [one for one in values if some is None or _fits(known.parts or {}, one, some)]
    if step.verb is Verb.REMOVE:
        if some is not None and not chosen:
            raise NoTarget
        for one in chosen:
            if part:
                one.pop(part, None)
            else:
                one.clear()
        return
    if not chosen:
        chosen = [_said_by_eq(some or [])]
        values += chosen
    for one in chosen:
        one[part] = step.value
    _primary(values, chosen, step.path.attribute)


def _is_id(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False


def _is(value: Document, named: Document) -> bool:
    return all(_plain(value.get(part), exact=False) == _plain(said, exact=False) for part, said in named.items())


def _primary(values: list[Any], touched: list[Any], name: str) -> None:
    """Whoever becomes the primary value takes that from the others."""
    primary = [one for one in touched if one.get("primary")]
    if len(primary) > 1:
        raise ValueRefused(attribute=name)
    for other in values:
        if primary and other is not primary[0] and other.get("primary"):
            other["primary"] = False


def _said_by_eq(tree: Tree) -> Document:
    """What a tree of nothing but `eq` describes. Raises NoTarget for any other."""
    match tree:
        case ["eq", [part], value]:
            return {part: value}
        case ["and", left, right]:
            first, second = _said_by_eq(left), _said_by_eq(right)
            if not first.keys() & second.keys():
                return first | second
    raise NoTarget


def _drop(document: Document, member: str) -> None:
    document["members"] = [one for one in document.get("members", []) if one["value"] != member]
    if not document["members"]:
        del document["members"]


def _one(workspace: Workspace, resource: Resource, id: UUID) -> Kept:
    found = workspace.kept[resource].get(id)
    if found is None:
        raise NotFound
    return found


def _version(workspace: Workspace, resource: Resource, one: Kept) -> int:
    """A person's groups are shown and count, though they are not in the document."""
    groups = json.dumps(_whole(workspace, resource, one).get("groups", []))
    return one.version + (crc32(groups.encode()) << 20)


def _expect(version: int, expected: list[int] | None) -> None:
    if expected is not None and version not in expected:
        raise VersionDiffers


def _check(workspace: Workspace, resource: Resource, id: UUID, document: Document) -> None:
    """What a document has to keep."""
    for name, value in document.items():
        known = ATTRIBUTES[resource][name]
        every = value if known.many else [value]
        if not all(fits(known, one) for one in every) or (name != "members" and len(every) > MOST_VALUES):
            raise ValueRefused(attribute=name)
    for name, known in ATTRIBUTES[resource].items():
        if known.required and not document.get(name):
            raise ValueRefused(attribute=name)
    unique = ("user_name", "external_id") if resource is PERSON else ("display_name", "external_id")
    for other in workspace.kept[resource].values():
        for name in unique:
            mine, theirs = document.get(name), other.document.get(name)
            if other.id == id or mine is None or theirs is None:
                continue
            if mine == theirs or (not ATTRIBUTES[resource][name].exact and mine.casefold() == theirs.casefold()):
                raise Taken(attribute=name)
    for one in document.get("members", []):
        if not any(str(person) == one["value"] for person in workspace.kept[PERSON]):
            raise ValueRefused(attribute="members")
    if any(one.get("value", "").endswith("@forbidden.example") for one in document.get("emails", [])):
        raise ByLaw("The domain forbidden.example is not verified.")


def _whole(workspace: Workspace, resource: Resource, one: Kept) -> Document:
    """The document with what is computed."""
    document = {"id": str(one.id), **deepcopy(one.document)}
    if resource is PERSON:
        groups = [
            {"value": str(group.id), "display": group.document["display_name"]}
            for group in workspace.kept[GROUP].values()
            if any(member["value"] == str(one.id) for member in group.document.get("members", []))
        ]
        return document | ({"groups": groups} if groups else {})
    return document


def fits_tree(resource: Resource, document: Document, tree: Tree) -> bool:
    """Whether a tree chooses a document."""
    return _fits(ATTRIBUTES[resource], document, tree)


def _fits(known: Any, document: Document, tree: Tree) -> bool:
    match tree:
        case ["and", left, right]:
            return _fits(known, document, left) and _fits(known, document, right)
        case ["or", left, right]:
            return _fits(known, document, left) or _fits(known, document, right)
        case ["not", inner]:
            return not _fits(known, document, inner)
        case ["some", [name], inner]:
            return any(_fits(known[name].parts, one, inner) for one in document.get(name, []))
        case ["pr", path]:
            return any(one not in (None, "", [], {}) for one in _values(document, path))
    operator, path, value = tree
    exact = _exact(known, path)
    if operator == "ne":
        return not any(_OPERATORS["eq"](_plain(one, exact), _plain(value, exact)) for one in _values(document, path))
    return any(_OPERATORS[operator](_plain(one, exact), _plain(value, exact)) for one in _values(document, path))


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda one, other: bool(one == other),
    "co": lambda one, other: other in one,
    "sw": lambda one, other: bool(one.startswith(other)),
    "ew": lambda one, other: bool(one.endswith(other)),
    "gt": lambda one, other: bool(one > other),
    "ge": lambda one, other: bool(one >= other),
    "lt": lambda one, other: bool(one < other),
    "le": lambda one, other: bool(one <= other),
}


def _exact(known: Any, path: list[str]) -> bool:
    found = known[path[0]]
    for name in path[1:]:
        found = found.parts[name]
    return bool(found.exact or found.type is Type.MOMENT)


def _plain(value: Any, exact: bool) -> Any:
    return value if exact or not isinstance(value, str) else value.casefold()


def _values(document: Document, path: list[str]) -> list[Any]:
    found: list[Any] = [document]
    for name in path:
        below = [one[name] for one in found if isinstance(one, dict) and name in one]
        found = [inner for one in below for inner in (one if isinstance(one, list) else [one])]
    return found


def _first(document: Document, path: tuple[str, ...]) -> Any:
    found = _values(document, list(path))
    return found[0] if found else "\uffff"


def _moment(number: int) -> str:
    return (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number)).isoformat()
