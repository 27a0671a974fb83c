"""Roles that groups give. Of several the one that reaches furthest wins: admin, then auditor, then agent.

Whoever leaves the last group that gave them a role is an agent; whoever was in none keeps what they have. Owners are
made and unmade by owners alone.
"""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from cell.actors import Actor
from cell.audit import direct as audit
from cell.audit.acts import Act, Target
from cell.directory import queries, statements
from cell.directory.doing import Heavier
from cell.people import powers
from cell.people.permissions import Role, allowed
from cell.resources import Cell
from cell.sessions.ending import sign_out_many
from cell.workspaces import service as workspaces
from kit.database import Writing
from kit.direct import DirectWriting, Row
from kit.refusals import Kind, Refusal

MOST_NAMED = 500  # people of one change whose new role has an entry of its own in the audit log
OF_AN_ENTRY = 100  # people whom an entry names by their ids where they are more
LINKABLE = (Role.ADMIN, Role.AUDITOR, Role.AGENT)  # the first that fits is given


class NotLinkable(Refusal):
    """A role that no group gives."""

    kind = Kind.INVALID
    title = "A group cannot give this role"
    detail = "Owners are made by owners. Choose another role."


async def link(tx: Writing, cell: Cell, by: Actor, group_id: UUID, role: Role | None) -> None:
    """Have a group give a role from now on, or none. Raises NotFound, NotLinkable."""
    if role is not None and role not in LINKABLE:
        raise NotLinkable
    await workspaces.get_locked(tx)  # before any row: other acts upon members begin with it
    group = await tx.one(queries.group(group_id).with_for_update())  # nobody joins or leaves meanwhile
    if group.role == role:
        return
    earlier, group.role = group.role or "", None if role is None else role.value
    await tx.flush()
    direct = await tx.direct()
    members = [one["member_id"] for one in await direct.rows(statements.MEMBERS, tx.workspace_id, group_id)]
    details: dict[str, str | int | bool | list[str]] = {"from": earlier, "to": group.role or ""}
    acts = [Act("group.role", Target("group", group_id), {"group": str(group.document["display_name"]), **details})]
    await settle(cell, direct, tx, by, acts, members)
    await audit.append(direct, by, acts)


async def settle(
    cell: Cell,
    tx: DirectWriting,
    slow: Writing | None,
    by: Actor,
    acts: list[Act],
    moved: Sequence[UUID],
    *,
    rehearsal: bool = False,
) -> None:
    """Give these people the roles that their groups say now. What is for the log goes to `acts`.

    A rehearsal ends nothing that they have: that happens outside the transaction.

    Raises Heavier where sessions or tokens end with a role and `slow` is not there.
    """
    if not moved:
        return
    await tx.rows(statements.LOCK_PEOPLE, tx.workspace_id, moved)
    found = await tx.rows(statements.ROLES, tx.workspace_id, moved)
    if not found:
        return
    if not rehearsal and slow is None and any(one["holds"] or one["seen"] for one in found):
        raise Heavier
    if slow is not None and not rehearsal:
        await sign_out_many(slow, cell.redis, [one["id"] for one in found if one["seen"] or one["holds"]])
        await slow.flush()
        acts += await powers.end(tx, {one["id"]: allowed(one["wanted"]) for one in found if one["holds"]})
    ids, wanted = [one["id"] for one in found], [one["wanted"] for one in found]
    await tx.row(statements.GIVE_ROLES, tx.workspace_id, ids, wanted)
    acts += _named(found) if len(found) <= MOST_NAMED else _counted(tx.workspace_id, found)


def _named(found: Sequence[Row]) -> list[Act]:
    """An entry for each person, with who that is."""
    return [
        Act(
            "person.role",
            Target("person", one["id"], one["id"], {"name": one["name"], "email": one["email"]}),
            {"from": one["role"], "to": one["wanted"]},
        )
        for one in found
    ]


def _counted(workspace_id: UUID, found: Sequence[Row]) -> list[Act]:
    """An entry for every so many people, by their ids: sealing a name for each of 100,000 takes ten seconds."""
    about, changes = Target("workspace", workspace_id), defaultdict[tuple[str, str], list[str]](list)
    for one in found:
        changes[one["role"], one["wanted"]].append(str(one["id"]))
    return [
        Act("people.role", about, {"from": earlier, "to": later, "people": ids[start : start + OF_AN_ENTRY]})
        for (earlier, later), ids in changes.items()
        for start in range(0, len(ids), OF_AN_ENTRY)
    ]
