"""What an identity provider may do to a group, and to who is in it."""

import json
from uuid import UUID, uuid4

from cell.audit.acts import Act, Target
from cell.directory import membership, roles, statements, values
from cell.directory.doing import Doing
from cell.directory.patching import patched
from contracts.directory import Create, Document, Erase, Patch, Replace
from contracts.directory_schema import Resource

_SHOWN = 3  # ids that a refusal names


async def create(doing: Doing, change: Create) -> bytes:
    """A new group, with who is in it."""
    document = values.taken(Resource.GROUP, change.document)
    members = membership.of_document(change.document.get("members"))
    await doing.load(statements.LOAD_CALLER)
    group_id = uuid4()
    answer = await doing.note(
        statements.CREATE_GROUP, group_id, document["display_name"], *_columns(document), result="changed"
    )
    await _move(doing, group_id, members)
    doing.acts.append(Act("group.create", _target(group_id), {"group": document["display_name"]}))
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
    if not moved and after == before:
        return await doing.unchanged(change.id, before["display_name"])
    answer = await doing.note(
        statements.CHANGE_GROUP, change.id, after["display_name"], *_columns(after), result="changed"
    )
    if row["role"] is not None:
        await roles.settle(doing.cell, doing.tx, doing.slow, doing.by, doing.acts, moved)
    if after["display_name"] != before["display_name"]:
        details = {"from": before["display_name"], "to": after["display_name"]}
        doing.acts.append(Act("group.rename", _target(change.id), dict(details)))
    return answer


async def erase(doing: Doing, change: Erase) -> bytes:
    """A group is gone, and what it gave with it."""
    row = await doing.load(statements.LOAD_GROUP, change.id)
    doing.expect(change.expected, row["version"])
    name = json.loads(row["document"])["display_name"]
    left = await doing.tx.rows(statements.ALL_OTHERS_GO, doing.workspace_id, change.id, [])
    await doing.tx.row(statements.ERASE_GROUP, doing.workspace_id, change.id)
    answer = await doing.note(statements.NOTE_GONE, change.id, name, result="changed")
    if row["role"] is not None:
        moved = [one["member_id"] for one in left]
        await roles.settle(doing.cell, doing.tx, doing.slow, doing.by, doing.acts, moved)
    doing.acts.append(Act("group.remove", _target(change.id), {"group": name}))
    return answer


async def _move(doing: Doing, group_id: UUID, members: membership.Change) -> list[UUID]:
    """Who really came or went. Raises ValueRefused for somebody whom nobody knows."""
    if members.nothing:
        return []
    tx, workspace_id = doing.tx, doing.workspace_id
    moved = []
    if members.come:
        come = list(members.come)
        known = {one["id"] for one in await tx.rows(statements.KNOWN, workspace_id, come)}
        unknown = sorted(str(one) for one in members.come - known)
        if unknown:
            named = ", ".join(unknown[:_SHOWN]) + (", ..." if len(unknown) > _SHOWN else "")
            raise values.refused("members", f"There is no person with this id: {named}")
        moved += await tx.rows(statements.COME, workspace_id, group_id, come)
    if members.anew:
        moved += await tx.rows(statements.ALL_OTHERS_GO, workspace_id, group_id, list(members.come))
    elif members.go:
        moved += await tx.rows(statements.GO, workspace_id, group_id, list(members.go))
    return [one["member_id"] for one in moved]


def _columns(document: Document) -> tuple[object, ...]:
    return (
        values.key(document, "display_name"),
        values.key(document, "external_id"),
        json.dumps(document, ensure_ascii=False),
    )


def _target(group_id: UUID) -> Target:
    return Target("group", group_id)
