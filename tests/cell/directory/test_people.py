"""What an identity provider does to people here: each case of docs/directory.md."""

import asyncio
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from cell.actors import SYSTEM
from cell.audit.models import AuditEntry
from cell.directory import credentials, roles
from cell.directory.managing import directory_managed
from cell.directory.models import Entry, Line, ProvisioningToken
from cell.domains.models import Domain
from cell.invitations import service as invitations
from cell.people import passwords, service
from cell.people import queries as people
from cell.people.models import Person
from cell.people.permissions import Role
from contracts.directory import (
    ByLaw,
    Create,
    CredentialRefused,
    Erase,
    Item,
    NoTarget,
    Taken,
    ValueRefused,
    VersionDiffers,
)
from contracts.directory_schema import Resource
from contracts.tokens import Kind as Word
from contracts.tokens import new_bearer
from kit.database import now
from kit.refusals import NotFound
from tests.cell.browser import PAGE, Browser
from tests.cell.directory.idp import Idp, connect, kept, step
from tests.cell.world import PASSWORD, Workspace, World


async def person_of(idp: Idp, person_id: UUID) -> Person | None:
    async with idp.cell.database.reading(idp.workspace.id) as tx:
        return await tx.first(people.by_id(person_id))


async def there(idp: Idp, person_id: UUID) -> Person:
    found = await person_of(idp, person_id)
    assert found is not None
    return found


async def acts(idp: Idp) -> list[str]:
    async with idp.cell.database.reading(idp.workspace.id) as tx:
        return list(await tx.all(select(AuditEntry.action).order_by(AuditEntry.seq)))


async def lines(idp: Idp) -> list[Line]:
    async with idp.cell.database.reading(idp.workspace.id) as tx:
        return list(await tx.all(select(Line).order_by(Line.at)))


async def test_somebody_assigned_is_a_member_and_an_agent(idp: Idp) -> None:
    item = await idp.create("Ada@Example.com", display_name="Ada Lovelace", emails=[{"value": "ada@x.org"}])
    person = await there(idp, item.id)
    assert (person.email, person.email_norm, person.name, person.role) == (
        "Ada@Example.com",
        "ada@example.com",
        "Ada Lovelace",
        "agent",
    )
    assert item.document["active"] is True and "groups" not in item.document
    assert await idp.get(item.id) == item
    assert (await acts(idp))[-1] == "person.create"
    [line] = await lines(idp)
    assert (line.verb, line.resource, line.subject_id, line.result) == ("create", "person", item.id, "changed")


async def test_the_same_user_name_in_another_letter_case_is_taken(idp: Idp) -> None:
    await idp.create("ada@example.com")
    with pytest.raises(Taken) as refused:
        await idp.create("ADA@example.com")
    assert refused.value.facts == {"attribute": "user_name"}
    assert (await lines(idp))[-1].reason == "taken"


async def test_an_external_id_is_taken_in_the_same_letter_case_alone(idp: Idp) -> None:
    await idp.create(external_id="A1")
    await idp.create(external_id="a1")
    with pytest.raises(Taken) as refused:
        await idp.create(external_id="A1")
    assert refused.value.facts == {"attribute": "external_id"}


async def test_switched_off_and_on_again(world: World, idp: Idp) -> None:
    item = await idp.create()
    off = kept(await idp.switch(item.id, False))
    assert off.document["active"] is False and off.version != item.version
    assert not (await there(idp, item.id)).active
    assert (await idp.switch(item.id, False)).changed is False
    on = kept(await idp.switch(item.id, True))
    assert on.document["active"] is True and on.version not in (off.version, item.version)
    assert (await acts(idp))[-2:] == ["person.deactivate", "person.activate"]


async def test_whoever_is_signed_in_is_out_when_switched_off_and_their_tokens_end(world: World, idp: Idp) -> None:
    workspace = idp.workspace
    item = await idp.create(workspace.admin.email)
    browser = await world.signed_in(workspace, workspace.admin)
    assert (await browser.get(f"{workspace.base}/library")).status == 200
    async with world.cell.database.writing(workspace.id) as tx:
        await service.seen(tx, workspace.admin.id, "en")
    await idp.switch(item.id, False)
    assert (await browser.get(f"{workspace.base}/library")).status in {303, 401}
    await idp.switch(item.id, True)
    assert (await browser.get(f"{workspace.base}/library")).status in {303, 401}, "what ended stays ended"


async def test_an_invited_member_becomes_the_directorys_and_keeps_role_and_password(world: World, idp: Idp) -> None:
    admin = idp.workspace.admin
    item = await idp.create(admin.email.upper(), display_name="Ada of the Directory")
    assert item.id == admin.id
    person = await there(idp, admin.id)
    assert (person.role, person.name, person.email) == ("admin", "Ada of the Directory", admin.email.upper())
    async with world.cell.database.reading(idp.workspace.id) as tx:
        account = await service.account(tx, admin.email)
    assert account is not None and await passwords.matches(account.hash, PASSWORD)
    assert (await acts(idp))[-1] == "person.link"


async def test_somebody_who_was_switched_off_here_and_is_assigned_is_on(world: World, idp: Idp) -> None:
    agent = idp.workspace.agent
    async with world.cell.database.writing(idp.workspace.id) as tx:
        await tx.execute(update(Person).where(Person.id == agent.id).values(active=False))
    item = await idp.create(agent.email)
    assert item.document["active"] is True and (await there(idp, agent.id)).active


async def test_deleted_and_created_again_is_a_new_member(idp: Idp) -> None:
    item = await idp.create("ada@example.com", emails=[{"value": "a@example.com"}])
    group = await idp.create_group("Team", item.id)
    gone = await idp.erase(item.id)
    assert gone.item is None and gone.changed
    assert await person_of(idp, item.id) is None
    with pytest.raises(NotFound):
        await idp.get(item.id)
    with pytest.raises(NotFound):
        await idp.erase(item.id)
    assert await idp.members(group.id) == set()
    again = await idp.create("ada@example.com")
    assert again.id != item.id
    assert "person.remove" in await acts(idp)


async def test_a_member_who_is_removed_here_is_gone_from_the_directory(world: World, idp: Idp) -> None:
    item = await idp.create(emails=[{"value": "a@example.com"}])
    async with world.cell.database.writing(idp.workspace.id) as tx:
        await service.remove(tx, world.cell.redis, SYSTEM, item.id)
    with pytest.raises(NotFound):
        await idp.get(item.id)


async def test_renamed_in_letter_case_alone_is_the_same_member(idp: Idp) -> None:
    item = await idp.create("ada@example.com")
    renamed = kept(await idp.patch(item.id, step("replace", "user_name", "Ada@Example.com")))
    assert renamed.id == item.id and renamed.document["user_name"] == "Ada@Example.com"
    assert "person.rename" not in await acts(idp)


async def test_another_user_name_is_another_address_of_the_same_member(idp: Idp) -> None:
    item = await idp.create("ada@example.com")
    await idp.patch(item.id, step("replace", "user_name", "lovelace@example.com"))
    assert (await there(idp, item.id)).email_norm == "lovelace@example.com"
    assert (await acts(idp))[-1] == "person.rename"
    with pytest.raises(Taken):
        await idp.patch(item.id, step("replace", "user_name", idp.workspace.agent.email))


async def test_two_people_exchange_emails(idp: Idp) -> None:
    one = await idp.create("one", emails=[{"value": "one@example.com", "type": "work"}])
    two = await idp.create("two", emails=[{"value": "two@example.com", "type": "work"}])
    work = ["eq", ["type"], "work"]
    await idp.patch(one.id, step("replace", "emails", "two@example.com", some=work, part="value"))
    await idp.patch(two.id, step("replace", "emails", "one@example.com", some=work, part="value"))
    found = await idp.find(["eq", ["emails", "value"], "two@example.com"])
    assert [item.id for item in found.items] == [one.id]


async def test_two_people_exchange_user_names_once_one_has_let_go(idp: Idp) -> None:
    one, two = await idp.create("one@example.com"), await idp.create("two@example.com")
    for person, name in ((one, "two@example.com"), (two, "one@example.com")):
        with pytest.raises(Taken) as refused:
            await idp.patch(person.id, step("replace", "user_name", name))
        assert refused.value.facts["attribute"] == "user_name"
    await idp.patch(one.id, step("replace", "user_name", "between@example.com"))
    await idp.patch(two.id, step("replace", "user_name", "one@example.com"))
    await idp.patch(one.id, step("replace", "user_name", "two@example.com"))
    assert [(await there(idp, person.id)).email for person in (one, two)] == ["two@example.com", "one@example.com"]


async def test_the_last_owner_stays_and_another_one_does_not_have_to(world: World, idp: Idp) -> None:
    owner = idp.workspace.owner
    item = await idp.create(owner.email)
    for refusing in (
        idp.switch(item.id, False),
        idp.erase(item.id),
    ):
        with pytest.raises(ByLaw, match="last owner"):
            await refusing
    assert (await lines(idp))[-1].reason == "last-owner"
    assert (await idp.get(item.id)) == item
    await idp.patch(item.id, step("replace", "title", "Founder"))
    await world.member(idp.workspace, "owner")
    await idp.switch(item.id, False)
    assert not (await there(idp, owner.id)).active


async def test_an_owners_address_is_not_for_the_directory_to_change(world: World, idp: Idp) -> None:
    """A mail about a password would go to the new one, and admins, who are no owners, make the tokens."""
    await world.member(idp.workspace, "owner")
    owner = idp.workspace.owner
    item = await idp.create(owner.email)
    with pytest.raises(ByLaw, match="owner's address"):
        await idp.patch(item.id, step("replace", "user_name", "other@example.com"))
    assert (await lines(idp))[-1].reason == "owner"
    assert (await there(idp, owner.id)).email_norm == owner.email_norm
    await idp.patch(item.id, step("replace", "user_name", owner.email.upper()))


async def test_put_without_active_leaves_it_as_it_is(idp: Idp) -> None:
    item = await idp.create("ada@example.com", title="Countess")
    await idp.switch(item.id, False)
    replaced = kept(await idp.replace(item.id, {"user_name": "ada@example.com", "nick_name": "Ada"}))
    assert replaced.document["active"] is False and "title" not in replaced.document
    assert kept(await idp.replace(item.id, {"user_name": "ada@example.com", "active": True})).document["active"]


async def test_a_version_that_has_passed_is_refused(idp: Idp) -> None:
    item = await idp.create()
    await idp.patch(item.id, step("replace", "title", "Countess"), expected=item.version)
    with pytest.raises(VersionDiffers):
        await idp.patch(item.id, step("replace", "title", "Lady"), expected=item.version)
    assert (await idp.get(item.id)).document["title"] == "Countess"


async def test_steps_are_taken_all_or_none(idp: Idp) -> None:
    item = await idp.create(title="Countess")
    with pytest.raises(NoTarget):
        await idp.patch(
            item.id, step("replace", "title", "Lady"), step("remove", "emails", some=["eq", ["type"], "work"])
        )
    assert await idp.get(item.id) == item


async def test_the_same_request_twice_is_done_once(idp: Idp) -> None:
    change = Create(resource=Resource.PERSON, document={"user_name": "ada@example.com"})
    first, second = await idp.apply(change, "a" * 32), await idp.apply(change, "a" * 32)
    assert first == second
    erased = await idp.apply(_erase(kept(first)), "b" * 32)
    assert await idp.apply(_erase(kept(first)), "b" * 32) == erased
    assert len(await lines(idp)) == 2


async def test_the_same_request_twenty_times_at_once_is_done_once(idp: Idp) -> None:
    change = Create(resource=Resource.PERSON, document={"user_name": "ada@example.com"})
    answers = await asyncio.gather(*(idp.apply(change, "a" * 32) for _ in range(20)))
    assert len({kept(one).id for one in answers}) == 1
    assert len(await lines(idp)) == 1


@pytest.mark.parametrize("end", ["revoked_at", "expires_at"])
async def test_a_token_that_has_ended_opens_nothing_and_its_use_is_shown(idp: Idp, end: str) -> None:
    item, ours = await idp.create(), ProvisioningToken.id == idp.made.token.id
    async with idp.cell.database.writing(idp.workspace.id) as tx:
        await tx.execute(update(ProvisioningToken).where(ours).values({end: now()}))
    for refusing in (idp.create(), idp.get(item.id), idp.find(), idp.switch(item.id, False)):
        with pytest.raises(CredentialRefused):
            await refusing
    async with idp.cell.database.reading(idp.workspace.id) as tx:
        assert (await tx.one(select(ProvisioningToken).where(ours))).refused_at is not None
    assert (await there(idp, item.id)).active


async def test_a_token_of_another_workspace_opens_nothing(world: World, idp: Idp) -> None:
    other = await connect(world, await world.found())
    stranger = Idp(world.cell, idp.workspace, other.made)
    item = await idp.create()
    for refusing in (stranger.create(), stranger.get(item.id), stranger.find(), stranger.switch(item.id, False)):
        with pytest.raises(CredentialRefused):
            await refusing
    with pytest.raises(NotFound):
        await other.get(item.id)
    assert (await other.find()).total == 0


async def test_while_a_token_lives_the_directory_decides(world: World, workspace: Workspace) -> None:
    async with world.cell.database.reading(workspace.id) as tx:
        assert not await directory_managed(tx)
    idp = await connect(world, workspace)
    async with world.cell.database.writing(workspace.id) as tx:
        assert await directory_managed(tx)
        await credentials.revoke(tx, service.actor_of(workspace.admin), idp.made.token.id)
    async with world.cell.database.reading(workspace.id) as tx:
        assert not await directory_managed(tx)
    with pytest.raises(CredentialRefused):
        await idp.find()
    async with world.cell.database.reading(workspace.id) as tx:
        token = await tx.one(select(type(idp.made.token)))
    assert token.refused_at is not None and token.refused_at <= now()


async def test_what_the_directory_decides_nobody_decides_beside_it(world: World, idp: Idp) -> None:
    workspace = idp.workspace
    admin = await world.signed_in(workspace, workspace.admin)
    kept_, own, group = await idp.create(), await world.member(workspace, "agent"), await idp.create_group()
    await idp.patch_group(group.id, step("add", "members", [{"value": str(kept_.id)}]))

    async def act(person_id: UUID, what: str, **form: str) -> int:
        url = f"{workspace.base}/people/{person_id}/{what}"
        return (await admin.post(url, form=form, headers=PAGE)).status

    assert await act(kept_.id, "role", role="auditor") == 303  # no group gives one
    async with world.cell.database.writing(workspace.id) as tx:
        await roles.link(tx, world.cell, service.actor_of(workspace.admin), group.id, Role.AGENT)
    assert await act(kept_.id, "role", role="admin") == 409
    assert await act(kept_.id, "deactivate") == 303  # at once, whatever is wrong
    assert await act(kept_.id, "reactivate") == 409
    assert await act(kept_.id, "remove", email=(await there(idp, kept_.id)).email) == 409
    assert not (await there(idp, kept_.id)).active
    assert [await act(own.id, what) for what in ("deactivate", "reactivate")] == [303, 303]  # whom it does not have
    assert await act(own.id, "role", role="auditor") == 303

    async def invited(by: Browser, role: str) -> int:
        form = {"email": f"{role}@example.com", "role": role}
        return (await by.post(f"{workspace.base}/invitations", form=form, headers=PAGE)).status

    assert await invited(admin, "agent") == 422
    assert await invited(await world.signed_in(workspace, workspace.owner), "owner") == 303
    async with world.cell.database.writing(workspace.id) as tx:
        await credentials.revoke(tx, service.actor_of(workspace.admin), idp.made.token.id)
    assert await act(kept_.id, "reactivate") == 303 and await invited(admin, "agent") == 303


async def test_an_invitation_from_before_the_directory_is_over(world: World, workspace: Workspace) -> None:
    async with world.cell.database.writing(workspace.id) as tx:
        new = invitations.NewInvitation(email="new@example.com")
        made = await invitations.create(tx, service.actor_of(workspace.admin), new, "en")
        word = new_bearer(Word.INVITE, workspace.key)
        made.digest = word.digest
    path = f"{workspace.base}/join/{word.secret}"
    assert (await world.browser().page(path)).status == 200
    await connect(world, workspace)
    assert (await world.browser().page(path)).status == 410
    form = {"name": "New", "password": "copper lantern meadow fifteen"}
    assert (await world.browser().post(path, form=form, headers=PAGE)).status == 410


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"user_name": ""},
        {"user_name": 7},
        {"user_name": "a" * 513},
        {"user_name": "a", "shoe_size": "44"},
        {"user_name": "a", "active": "yes"},
        {"user_name": "a", "emails": [{"value": 7}]},
        {"user_name": "a", "emails": [{"value": "a", "primary": True}, {"value": "b", "primary": True}]},
        {"user_name": "a", "title": "\0"},
    ],
    ids=str,
)
async def test_what_does_not_fit_is_refused(idp: Idp, document: dict[str, object]) -> None:
    with pytest.raises(ValueRefused):
        await idp.apply(Create(resource=Resource.PERSON, document=document))
    assert (await idp.find()).total == 0


async def test_nobody_there_is_not_found(idp: Idp) -> None:
    with pytest.raises(NotFound):
        await idp.switch(uuid4(), False)
    assert (await lines(idp))[-1].reason == "not-found"


async def test_rows_of_the_directory_and_members_are_the_same_people(idp: Idp) -> None:
    item = await idp.create()
    async with idp.cell.database.reading(idp.workspace.id) as tx:
        entry = await tx.one(select(Entry).where(Entry.id == item.id))
    assert entry.user_name_norm == (await there(idp, item.id)).email_norm


def _erase(item: Item) -> Erase:
    return Erase(resource=Resource.PERSON, id=item.id)


async def test_addresses_come_only_into_domains_that_are_the_workspaces_own(world: World, idp: Idp) -> None:
    item = await idp.create("ada@example.com", emails=[{"value": "ada@example.com", "type": "work"}])
    async with world.cell.database.writing(idp.workspace.id) as tx:
        made = {"token": "t" * 32, "added_by": item.id, "added_at": now(), "verified_at": now(), "seen": []}
        tx.add(Domain(domain="example.com", **made), Domain(domain="example.org", **made))
    work = ["eq", ["type"], "work"]
    moved = await idp.patch(item.id, step("replace", "emails", "ada@example.org", some=work, part="value"))
    for refusing in (
        idp.patch(item.id, step("replace", "emails", "ada@evil.test", some=work, part="value")),
        idp.patch(item.id, step("replace", "user_name", "ada@evil.test")),
        idp.patch(item.id, step("add", "emails", [{"value": "ada@evil.test"}])),
        idp.create("mallory@evil.test"),
    ):
        with pytest.raises(ByLaw, match="domain"):
            await refusing
    assert await idp.get(item.id) == moved.item
    assert (await lines(idp))[-1].reason == "domain"
    private = [{"value": "ada@home.test", "type": "home"}]
    assert (await idp.patch(item.id, step("add", "emails", private))).changed
    await idp.create("no address")


async def test_an_owners_address_stays_letter_by_letter(world: World, idp: Idp) -> None:
    """A Kelvin sign is a K to Unicode; the address in which an owner's mail goes out has neither that nor blanks."""
    owner = idp.workspace.owner
    async with world.cell.database.writing(idp.workspace.id) as tx:
        changed = {"email": "frank@kraft.example", "email_norm": "frank@kraft.example"}
        await tx.execute(update(Person).where(Person.id == owner.id).values(**changed))
    item = await idp.create("Frank@kraft.example")
    assert item.id == owner.id
    for spelled in ("fran\u212a@\u212araft.example", " frank@kraft.example ", "FRANK@kraft.example"):
        await idp.patch(item.id, step("replace", "user_name", spelled))
        held = await there(idp, owner.id)
        assert (held.email, held.email_norm) == ("frank@kraft.example", "frank@kraft.example")
    with pytest.raises(ByLaw):
        await idp.patch(item.id, step("replace", "user_name", "fran@kraft.example"))


@pytest.mark.parametrize(
    "name",
    [
        "bob@evil.example, eve@example.com",
        "x\r\ny@example.com",
        "Bob <bob@example.com>",
        "bob@example.com(x)",
        "bob@@x",
        "bob@",
        "jdoe\x07",
    ],
)
async def test_a_user_name_with_an_at_is_one_plain_address(idp: Idp, name: str) -> None:
    with pytest.raises(ValueRefused) as refused:
        await idp.create(name)
    assert refused.value.facts == {"attribute": "user_name"}


async def test_a_user_name_is_kept_without_blanks_and_composed(idp: Idp) -> None:
    for given, kept_as in ((" ada@example.com ", "ada@example.com"), ("jose\u0301", "jos\u00e9"), ("j doe", "j doe")):
        item = await idp.create(given)
        assert item.document["user_name"] == (await there(idp, item.id)).email == kept_as
        with pytest.raises(Taken):
            await idp.create(kept_as.upper())


async def test_what_an_admin_did_on_a_page_is_another_version(idp: Idp) -> None:
    """Whoever read before it decides anew: a request that still says "active" switches nobody on again."""
    item = await idp.create()
    async with idp.cell.database.writing(idp.workspace.id) as tx:
        admin = service.actor_of(idp.workspace.admin)
        await service.set_active(tx, idp.cell.redis, admin, item.id, active=False)
    seen = await idp.get(item.id)
    assert seen.version != item.version and seen.document["changed_at"] > item.document["changed_at"]
    document = {"user_name": item.document["user_name"], "active": True}
    with pytest.raises(VersionDiffers):
        await idp.replace(item.id, document, item.version)
    assert not (await there(idp, item.id)).active
    assert kept(await idp.replace(item.id, document, seen.version)).document["active"]


async def test_a_group_is_another_version_when_somebody_is_removed_on_a_page(idp: Idp) -> None:
    item = await idp.create()
    group = await idp.create_group("Support", item.id)
    async with idp.cell.database.writing(idp.workspace.id) as tx:
        await service.remove(tx, idp.cell.redis, SYSTEM, item.id)
    assert (await idp.get(group.id, Resource.GROUP)).version > group.version


async def test_both_logs_say_what_a_change_changed(idp: Idp) -> None:
    """By name: the values are personal."""
    item = await idp.create("ada@example.com", title="Countess")
    group = await idp.create_group("Support")
    new = [step("replace", "display_name", "Eve"), step("remove", "title"), step("replace", "active", False)]
    await idp.patch(item.id, *new, step("add", "emails", [{"value": "e@x.org"}]))
    await idp.switch(item.id, True)
    await idp.patch_group(group.id, step("add", "members", [{"value": str(item.id)}]))
    await idp.patch_group(group.id, step("add", "members", [{"value": str(item.id)}]))
    await idp.patch_group(group.id, step("replace", "members", []), step("add", "external_id", "G1"))
    await idp.erase(group.id, Resource.GROUP)
    assert [one.detail for one in await lines(idp)] == [
        "title, user_name",
        "display_name",
        "active, display_name, emails, title",
        "active",
        "members +1 -0",
        "",
        "external_id, members +0 -1",
        "",
    ]
    async with idp.cell.database.reading(idp.workspace.id) as tx:
        entries = await tx.all(select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(8))
    assert [(one.action, one.stored["details"]) for one in reversed(entries)] == [
        ("group.create", {"group": "Support", "members": 0}),
        ("person.deactivate", {}),
        ("person.change", {"attributes": ["display_name", "emails", "title"]}),
        ("person.activate", {}),
        ("group.members", {"group": "Support", "added": 1, "removed": 0, "people": [str(item.id)]}),
        ("group.members", {"group": "Support", "added": 0, "removed": 1, "people": [str(item.id)]}),
        ("group.change", {"group": "Support", "attributes": ["external_id"]}),
        ("group.remove", {"group": "Support", "members": 0}),
    ]


async def test_a_refused_line_names_whom_it_is_about(idp: Idp) -> None:
    item = await idp.create(display_name="Ada")
    group = await idp.create_group("Support")
    await idp.create("eve@example.com")
    await idp.create_group("Help")
    with pytest.raises(Taken):
        await idp.patch(item.id, step("replace", "user_name", "eve@example.com"))
    with pytest.raises(Taken):
        await idp.patch_group(group.id, step("replace", "display_name", "help"))
    assert [(one.name, one.subject_id) for one in await lines(idp) if one.result == "refused"] == [
        ("Ada", item.id),
        ("Support", group.id),
    ]


async def test_a_document_has_an_end(idp: Idp) -> None:
    many = [{"type": str(number), "formatted": "x" * 1000} for number in range(70)]
    with pytest.raises(ValueRefused):
        await idp.create(addresses=many)
    made = await idp.create(addresses=many[:60])
    with pytest.raises(ValueRefused):
        await idp.patch(made.id, step("replace", "addresses", many))
    assert len((await idp.get(made.id)).document["addresses"]) == 60
