"""What an identity provider may do to a group, and to who is in it."""

import json
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from cell.audit.acts import Act, Details, Target
from cell.directory import membership, roles, statements, values
from cell.directory.doing import Doing
from cell.directory.patching import patched
from contracts.directory import Create, Document, Erase, Patch, Replace
from contracts.directory_schema import Resource
from kit.direct import Row

_SHOWN = 3  # ids that a refusal names
_NAMED = 20  # ids that an entry of the audit log names


async def create(doing: Doing, change: Create) -> bytes:
    """A new group, with who is in it."""
    document = values.taken(Resource.GROUP, change.document)
    members = membership.of_document(change.document.get("members"))
    await doing.load(statements.LOAD_CALLER)
    group_id = uuid4()
    detail = _detail(sorted(document), len(members.come), 0)
    answer = await doing.note(
        statements.CREATE_GROUP,
        group_id,
        document["display_name"],
        *_columns(document),
        result="changed",
        detail=detail,
    )
    moved = await _move(doing, group_id, members)
    details = {"group": document["display_name"], "members": len(moved.came)}
    doing.acts.append(Act("group.create", _target(group_id), details))
    return answer


async def change(doing: Doing, change: Replace | Patch) -> bytes:
    """Change a group. Who is in it already and who is not is found out row by row, never by reading all."""
    row = await doing.load(statements.LOAD_GROUP, change.id)
    doing.expect(change.expected, row["version"])
    before = json.loads(row["document"])
    if isinstance(change, Patch):
        own = [step for step in change.steps if step.path.attribute != "members"]
        after = patched(Resource.GROUP, before, own)
        members = membership.of_steps([step for step in change.steps if step.path.attribute == "members"])
    else:
        after = values.taken(Resource.GROUP, change.document)
        members = membership.of_document(change.document.get("members"))
    moved = await _move(doing, change.id, members)
    changed = values.differing(before, after)
    if not moved.people and not changed:
        return await doing.unchanged(change.id, before["display_name"])
    _tell(doing, change.id, before, after, moved)
    if row["role"] is not None:
        await _settle(doing, moved.people)
    # Last, since with it the audit log's end is locked.
    return await doing.note(
        statements.CHANGE_GROUP,
        change.id,
        after["display_name"],
        *_columns(after),
        result="changed",
        detail=_detail(changed, len(moved.came), len(moved.went)),
    )


async def erase(doing: Doing, change: Erase) -> bytes:
    """A group is gone, and what it gave with it."""
    row = await doing.load(statements.LOAD_GROUP, change.id)
    doing.expect(change.expected, row["version"])
    name = json.loads(row["document"])["display_name"]
    left = await doing.tx.rows(statements.ALL_OTHERS_GO, doing.workspace_id, change.id, [])
    await doing.tx.row(statements.ERASE_GROUP, doing.workspace_id, change.id)
    detail = _detail([], 0, len(left))
    answer = await doing.note(statements.NOTE_GONE, change.id, name, result="changed", detail=detail)
    if row["role"] is not None:
        await _settle(doing, [one["member_id"] for one in left])
    doing.acts.append(Act("group.remove", _target(change.id), {"group": name, "members": len(left)}))
    return answer


@dataclass(frozen=True)
class _Moved:
    """Who really came or went."""

    came: list[UUID] = field(default_factory=list)
    went: list[UUID] = field(default_factory=list)

    @property
    def people(self) -> list[UUID]:
        return [*self.came, *self.went]


async def _move(doing: Doing, group_id: UUID, members: membership.Change) -> _Moved:
    """Raises ValueRefused for somebody whom nobody knows."""
    if members.nothing:
        return _Moved()
    tx, workspace_id = doing.tx, doing.workspace_id
    came, went = list[Row](), list[Row]()
    if members.come:
        come = list(members.come)
        known = {one["id"] for one in await tx.rows(statements.KNOWN, workspace_id, come)}
        unknown = sorted(str(one) for one in members.come - known)
        if unknown:
            named = ", ".join(unknown[:_SHOWN]) + (", ..." if len(unknown) > _SHOWN else "")
            raise values.refused("members", f"There is no person with this id: {named}")
        came = await tx.rows(statements.COME, workspace_id, group_id, come)
    if members.anew:
        went = await tx.rows(statements.ALL_OTHERS_GO, workspace_id, group_id, list(members.come))
    elif members.go:
        went = await tx.rows(statements.GO, workspace_id, group_id, list(members.go))
    return _Moved([one["member_id"] for one in came], [one["member_id"] for one in went])


async def _settle(doing: Doing, moved: list[UUID]) -> None:
    await roles.settle(doing.cell, doing.tx, doing.slow, doing.by, doing.acts, moved, rehearsal=doing.rehearsal)


def _tell(doing: Doing, group_id: UUID, before: Document, after: Document, moved: _Moved) -> None:
    """What the audit log is to say of a change; who it was as well, where they are few."""
    name = after["display_name"]
    if moved.people:
        details: Details = {"group": name, "added": len(moved.came), "removed": len(moved.went)}
        if len(moved.people) <= _NAMED:
            details["people"] = [str(one) for one in moved.people]
        doing.acts.append(Act("group.members", _target(group_id), details))
    if name != before["display_name"]:
        doing.acts.append(Act("group.rename", _target(group_id), {"from": before["display_name"], "to": name}))
    others = [one for one in values.differing(before, after) if one != "display_name"]
    if others:
        doing.acts.append(Act("group.change", _target(group_id), {"group": name, "attributes": others}))


def _detail(attributes: list[str], came: int, went: int) -> str:
    """What a line of the provisioning log says was changed."""
    counts = [f"members +{came} -{went}"] if came or went else []
    return ", ".join([*attributes, *counts])


def _columns(document: Document) -> tuple[object, ...]:
    return (
        values.key(document, "display_name"),
        values.key(document, "external_id"),
        values.stored(document),
    )


def _target(group_id: UUID) -> Target:
    return Target("group", group_id)
