"""Groups: who is in them, without reading them; the roles that they give."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cell.audit.models import AuditEntry
from cell.directory import doing, roles
from cell.directory.models import Membership
from cell.invitations.models import Invitation
from cell.people import queries as people
from cell.people import service
from cell.people.models import Person
from cell.people.permissions import Role
from cell.sessions import ending, kinds
from cell.sessions.store import Sessions
from cell.tokens import service as tokens
from cell.tokens.models import ApiToken
from contracts.directory import Replace, Taken, ValueRefused, VersionDiffers
from contracts.directory_schema import Resource
from kit.database import Writing, now
from kit.direct import DirectWriting
from kit.refusals import NotFound
from tests.cell.directory.idp import Idp, kept, step
from tests.cell.world import World


async def role_of(idp: Idp, person_id: UUID) -> str:
    async with idp.cell.database.reading(idp.workspace.id) as tx:
        return (await tx.one(people.by_id(person_id))).role


async def link(idp: Idp, group_id: UUID, role: Role | None) -> None:
    async with idp.cell.database.writing(idp.workspace.id) as tx:
        await roles.link(tx, idp.cell, service.actor_of(idp.workspace.owner), group_id, role)


def value(one: UUID) -> dict[str, str]:
    return {"value": str(one)}


async def test_a_group_with_members(idp: Idp) -> None:
    ada, ben = await idp.create("ada"), await idp.create("ben")
    group = await idp.create_group("Support", ada.id, ben.id)
    assert "members" not in group.document and group.document["display_name"] == "Support"
    assert await idp.members(group.id) == {str(ada.id), str(ben.id)}
    assert (await idp.get(group.id, Resource.GROUP, members=False)).document.get("members") is None
    assert (await idp.get(ada.id)).document["groups"] == [
        {"value": str(group.id), "display": "Support", "type": "direct"}
    ]
    with pytest.raises(Taken) as refused:
        await idp.create_group("SUPPORT")
    assert refused.value.facts == {"attribute": "display_name"}


async def test_members_come_and_go_in_the_order_of_steps(idp: Idp) -> None:
    a, b, c = [(await idp.create()).id for _ in range(3)]
    group = (await idp.create_group("Team", a)).id
    await idp.patch_group(group, step("add", "members", [value(b)]), step("remove", "members", [value(a)]))
    assert await idp.members(group) == {str(b)}
    await idp.patch_group(group, step("remove", "members"), step("add", "members", [value(c), value(a)]))
    assert await idp.members(group) == {str(a), str(c)}
    await idp.patch_group(group, step("remove", "members", some=["eq", ["value"], str(a)]))
    assert await idp.members(group) == {str(c)}
    await idp.patch_group(group, step("replace", "members", [value(a), value(b)]))
    assert await idp.members(group) == {str(a), str(b)}
    await idp.patch_group(group, step("replace", "members", []))
    assert await idp.members(group) == set()


@pytest.mark.parametrize("verb", ["add", "replace", "remove"])
async def test_the_value_of_no_member_in_particular_is_refused_and_nobody_goes(idp: Idp, verb: str) -> None:
    a, b = [(await idp.create()).id for _ in range(2)]
    group = (await idp.create_group("Team", a, b)).id
    for said in (None, str(a), [value(a)]):
        with pytest.raises(ValueRefused, match="Say which member"):
            await idp.patch_group(group, step(verb, "members", said, part="value"))
    assert await idp.members(group) == {str(a), str(b)}


async def test_a_member_becomes_nobody_else(idp: Idp) -> None:
    a, b = [(await idp.create()).id for _ in range(2)]
    group = (await idp.create_group("Team", a)).id
    for said, part in ((str(b), "value"), (value(b), ""), ([value(a), value(b)], "")):
        for verb in ("add", "replace"):
            with pytest.raises(ValueRefused, match="cannot become another"):
                await idp.patch_group(group, step(verb, "members", said, some=["eq", ["value"], str(a)], part=part))
    assert await idp.members(group) == {str(a)}
    await idp.patch_group(group, step("replace", "members", str(a), some=["eq", ["value"], str(a)], part="value"))
    await idp.patch_group(group, step("remove", "members", some=["eq", ["value"], str(a)], part="value"))
    assert await idp.members(group) == set()


async def test_adding_who_is_there_and_removing_who_is_not_changes_nothing(idp: Idp) -> None:
    a, b = [(await idp.create()).id for _ in range(2)]
    group = await idp.create_group("Team", a)
    again = await idp.patch_group(group.id, step("add", "members", [value(a)]))
    absent = await idp.patch_group(group.id, step("remove", "members", [value(b), value(uuid4())]))
    assert not again.changed and not absent.changed
    assert kept(absent).version == 1


async def test_somebody_unknown_is_named_and_nobody_is_added(idp: Idp) -> None:
    ada, nobody = await idp.create(), uuid4()
    group = await idp.create_group("Team")
    with pytest.raises(ValueRefused, match=str(nobody)):
        await idp.patch_group(group.id, step("add", "members", [value(ada.id), value(nobody)]))
    assert await idp.members(group.id) == set()
    for wrong in ("not an id", 7, None):
        with pytest.raises(ValueRefused):
            await idp.patch_group(group.id, step("add", "members", [{"value": wrong}]))


async def test_replacing_a_group_replaces_who_is_in_it(idp: Idp) -> None:
    a, b = [(await idp.create()).id for _ in range(2)]
    group = await idp.create_group("Team", a, external_id="1")
    document = {"display_name": "Crew", "members": [value(b)]}
    change = Replace(resource=Resource.GROUP, id=group.id, document=document)
    assert kept(await idp.apply(change)).document["display_name"] == "Crew"
    assert await idp.members(group.id) == {str(b)}
    assert "external_id" not in (await idp.get(group.id, Resource.GROUP)).document


async def test_a_group_has_versions_too(idp: Idp) -> None:
    ada = await idp.create()
    group = await idp.create_group("Team")
    await idp.patch_group(group.id, step("add", "members", [value(ada.id)]), expected=1)
    with pytest.raises(VersionDiffers):
        await idp.patch_group(group.id, step("replace", "display_name", "Crew"), expected=1)


async def test_one_more_in_a_large_group_touches_one_row_of_it(world: World, idp: Idp) -> None:
    group, ada = await idp.create_group("Everybody"), await idp.create()
    async with world.cell.database.writing(idp.workspace.id) as tx:
        direct = await tx.direct()
        await direct.row(
            "INSERT INTO directory_members (workspace_id, group_id, member_id)"
            " SELECT $1, $2, gen_random_uuid() FROM generate_series(1, 100000)",
            idp.workspace.id,
            group.id,
        )
    async with world.cell.database.writing(idp.workspace.id) as tx:
        before = await _xids(tx, group.id)
    await idp.patch_group(group.id, step("add", "members", [value(ada.id)]))
    async with world.cell.database.writing(idp.workspace.id) as tx:
        after = await _xids(tx, group.id)
    assert sum(after.values()) == 100_001
    assert sum(count - before.get(xid, 0) for xid, count in after.items()) == 1 and len(after) == len(before) + 1


async def _xids(tx: Writing, group_id: UUID) -> dict[str, int]:
    """How many rows of the group each transaction wrote."""
    direct = await tx.direct()
    found = await direct.rows(
        "SELECT xmin::text AS by, count(*) AS rows FROM directory_members WHERE workspace_id = $1 AND group_id = $2"
        " GROUP BY 1",
        direct.workspace_id,
        group_id,
    )
    return {row["by"]: row["rows"] for row in found}


async def test_roles_follow_groups_and_the_one_that_reaches_furthest_wins(idp: Idp) -> None:
    ada = await idp.create()
    admins, auditors = await idp.create_group("Admins"), await idp.create_group("Auditors")
    await link(idp, admins.id, Role.ADMIN)
    await link(idp, auditors.id, Role.AUDITOR)
    assert await role_of(idp, ada.id) == "agent"
    await idp.patch_group(auditors.id, step("add", "members", [value(ada.id)]))
    assert await role_of(idp, ada.id) == "auditor"
    await idp.patch_group(admins.id, step("add", "members", [value(ada.id)]))
    assert await role_of(idp, ada.id) == "admin"
    await idp.patch_group(admins.id, step("remove", "members"))
    assert await role_of(idp, ada.id) == "auditor"
    await idp.erase(auditors.id, Resource.GROUP)
    assert await role_of(idp, ada.id) == "agent"


async def test_linking_a_role_gives_it_to_who_is_in_the_group_and_unlinking_takes_it(idp: Idp) -> None:
    ada, ben = await idp.create(), await idp.create()
    group = await idp.create_group("Admins", ada.id)
    await link(idp, group.id, Role.ADMIN)
    assert (await role_of(idp, ada.id), await role_of(idp, ben.id)) == ("admin", "agent")
    await link(idp, group.id, None)
    assert await role_of(idp, ada.id) == "agent"
    with pytest.raises(NotFound):
        await link(idp, uuid4(), Role.ADMIN)
    with pytest.raises(roles.NotLinkable):
        await link(idp, group.id, Role.OWNER)


async def test_an_owner_stays_one_and_who_is_in_no_linked_group_keeps_their_role(idp: Idp) -> None:
    workspace = idp.workspace
    owner, admin = await idp.create(workspace.owner.email), await idp.create(workspace.admin.email)
    group = await idp.create_group("Agents", owner.id)
    await link(idp, group.id, Role.AGENT)
    assert (await role_of(idp, owner.id), await role_of(idp, admin.id)) == ("owner", "admin")


async def test_with_the_role_end_sessions_and_tokens_that_it_allowed(world: World, idp: Idp) -> None:
    workspace = idp.workspace
    admin = (await idp.create(workspace.admin.email)).id
    async with world.cell.database.writing(workspace.id) as tx:
        new = tokens.NewToken(name="Of the admin", scopes=["links:read"])
        made = await tokens.create(tx, service.actor_of(workspace.admin), workspace.key, new)
    group = await idp.create_group("Agents")
    await link(idp, group.id, Role.AGENT)
    browser = await world.signed_in(workspace, workspace.admin)
    assert (await browser.get(f"{workspace.base}/tokens")).status == 200
    await idp.patch_group(group.id, step("add", "members", [value(admin)]))
    assert await role_of(idp, admin) == "agent"
    assert await Sessions(world.cell.redis, workspace.key, workspace.id).of_person(admin) == []
    assert (await world.machine(made.word).get("/api/v1/links")).status == 401


async def test_tokens_and_invitations_of_many_end_with_as_few_statements_as_those_of_one(
    idp: Idp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doing, "SURE_S", 3600)  # a slow one looks at its token once more
    ids = [(await idp.create()).id for _ in range(7)]
    group = (await idp.create_group("Admins", *ids)).id
    await link(idp, group, Role.ADMIN)
    async with idp.cell.database.writing(idp.workspace.id) as tx:
        for one in ids:
            token = {"name": "t", "digest": one.bytes, "scopes": [], "created_by": one, "created_at": now()}
            asked = {"email_norm": f"{one}@x.org", "email": f"{one}@x.org", "role": "agent", "invited_by": one}
            tx.add(ApiToken(**token))
            tx.add(Invitation(**asked, created_at=now(), expires_at=now() + timedelta(days=1)))
    counts = [
        await _statements(idp, monkeypatch, idp.patch_group(group, step("remove", "members", [value(x) for x in some])))
        for some in (ids[:1], ids[1:])
    ]
    assert counts[0] == counts[1] > 0
    assert {await role_of(idp, one) for one in ids} == {"agent"}
    async with idp.cell.database.reading(idp.workspace.id) as tx:
        ended = [one.revoked_at for one in await tx.all(select(ApiToken).where(ApiToken.created_by.in_(ids)))]
        ended += [one.revoked_at for one in await tx.all(select(Invitation))]
        entries = Counter(one.action for one in await tx.all(select(AuditEntry)))
    assert len(ended) == 14 and None not in ended
    assert (entries["token.revoke"], entries["invitation.revoke"], entries["person.role"]) == (7, 7, 14)


async def test_of_very_many_the_log_tells_by_id(idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roles, "MOST_NAMED", 4)
    monkeypatch.setattr(roles, "OF_AN_ENTRY", 2)
    ids = [(await idp.create()).id for _ in range(5)]
    group = (await idp.create_group("Admins", *ids)).id
    await link(idp, group, Role.ADMIN)
    await idp.patch_group(group, step("remove", "members", [value(ids[0])]))
    async with idp.cell.database.reading(idp.workspace.id) as tx:
        entries = await tx.all(select(AuditEntry).where(AuditEntry.action.in_(["people.role", "person.role"])))
    many: list[Any] = [one.stored["details"] for one in entries if one.action == "people.role"]  # JSON
    assert sorted(len(one["people"]) for one in many) == [1, 2, 2]
    assert {who for one in many for who in one["people"]} == {str(one) for one in ids}
    assert {(one["from"], one["to"]) for one in many} == {("agent", "admin")}
    assert [one.stored["target"] for one in entries if one.action == "person.role"] == [
        {"kind": "person", "id": str(ids[0])}
    ]


async def _statements(idp: Idp, monkeypatch: pytest.MonkeyPatch, doing: Awaitable[object]) -> int:
    """How many statements it takes, both ways of speaking to PostgreSQL together."""
    told = list[str]()
    with monkeypatch.context() as patched:
        for name in ("row", "rows", "value"):
            real = getattr(DirectWriting, name)
            patched.setattr(DirectWriting, name, _telling(real, told))
        patched.setattr(AsyncSession, "execute", _telling(AsyncSession.execute, told))
        patched.setattr(AsyncSession, "flush", _telling(AsyncSession.flush, told))
        await doing
    return len(told)


def _telling(real: Callable[..., Awaitable[object]], told: list[str]) -> Callable[..., Awaitable[object]]:
    async def telling(*given: object, **more: object) -> object:
        told.append(real.__name__)
        return await real(*given, **more)

    return telling


async def test_many_who_were_here_lose_their_sessions_at_once_and_by_one_job(world: World, idp: Idp) -> None:
    workspace, group = idp.workspace, await idp.create_group("Auditors")
    await link(idp, group.id, Role.AUDITOR)
    ids = [(await idp.create()).id for _ in range(5)]
    sessions = Sessions(world.cell.redis, workspace.key, workspace.id)
    async with world.cell.database.writing(workspace.id) as tx:
        await tx.execute(update(Person).where(Person.id.in_(ids)).values(last_seen_at=now()))
    for one in ids:
        await sessions.begin(one, "Firefox", "192.0.2.7", "password")
    await idp.patch_group(group.id, step("add", "members", [value(one) for one in ids]))
    assert {await role_of(idp, one) for one in ids} == {"auditor"}
    assert await sessions.of_people(ids) == []
    jobs = [one for one in await world.jobs(workspace) if one.kind.startswith("sessions.")]
    assert [one.kind for one in jobs] == [kinds.END_MANY.name]
    await sessions.begin(ids[0], "Firefox", "192.0.2.7", "password")
    await ending.end_many(world.cell.redis, workspace.id, ids, before=now() - timedelta(minutes=1))
    assert len(await sessions.of_people(ids)) == 1  # begun since


async def test_ten_at_once_add_a_member_each_and_none_is_lost(idp: Idp) -> None:
    people_ids = [(await idp.create()).id for _ in range(10)]
    group = await idp.create_group("Team")
    await asyncio.gather(*(idp.patch_group(group.id, step("add", "members", [value(one)])) for one in people_ids))
    assert await idp.members(group.id) == {str(one) for one in people_ids}
    async with idp.cell.database.reading(idp.workspace.id) as tx:
        assert await tx.one(select(func.count()).select_from(Membership)) == 10
    assert (await idp.get(group.id, Resource.GROUP)).version == 11
