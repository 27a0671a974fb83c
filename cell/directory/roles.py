"""Roles that groups give. Of several the one that reaches furthest wins: admin, then auditor, then agent.

Whoever leaves the last group that gave them a role is an agent; whoever was in none keeps what they have. Owners are
made and unmade by owners alone.
"""

from collections.abc import Sequence
from uuid import UUID

from cell.actors import Actor
from cell.audit import direct as audit
from cell.audit.acts import Act, Target
from cell.directory import queries, statements
from cell.directory.doing import Heavier
from cell.people import service as people
from cell.people.permissions import Role
from cell.resources import Cell
from cell.sessions.ending import sign_out_many
from kit.database import Writing
from kit.direct import DirectWriting
from kit.refusals import Kind, Refusal

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
    cell: Cell, tx: DirectWriting, slow: Writing | None, by: Actor, acts: list[Act], moved: Sequence[UUID]
) -> None:
    """Give these people the roles that their groups say now. What is for the log goes to `acts`.

    Raises Heavier where sessions or tokens end with a role and `slow` is not there.
    """
    if not moved:
        return
    await tx.rows(statements.LOCK_PEOPLE, tx.workspace_id, moved)
    found = await tx.rows(statements.ROLES, tx.workspace_id, moved)
    if slow is None and any(one["holds"] or one["seen"] for one in found):
        raise Heavier
    alone = [one for one in found if not one["holds"]]
    if slow is not None:
        for one in found:
            if one["holds"]:
                await people.change_role(slow, cell.redis, by, one["id"], Role(one["wanted"]))
        await sign_out_many(slow, cell.redis, [one["id"] for one in alone if one["seen"]])
        await slow.flush()
    if alone:
        ids, wanted = [one["id"] for one in alone], [one["wanted"] for one in alone]
        await tx.row(statements.GIVE_ROLES, tx.workspace_id, ids, wanted)
    for one in alone:
        about = Target("person", one["id"], one["id"], {"name": one["name"], "email": one["email"]})
        acts.append(Act("person.role", about, {"from": one["role"], "to": one["wanted"]}))
