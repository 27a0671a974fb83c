"""Who somebody is and whether they come in: each way in, and each refusal for its own reason."""

import asyncio

import pytest
from sqlalchemy import delete, select, update

from cell.actors import SYSTEM
from cell.audit.models import AuditEntry
from cell.directory.models import Entry
from cell.domains.models import Domain
from cell.invitations import service as invitations
from cell.people import service as people
from cell.people.models import Person
from cell.people.permissions import Role
from cell.sso import deciding
from cell.sso.models import Identity, SignIn
from contracts.signing_in import NotAdmitted, Purpose
from kit.database import now
from tests.cell.browser import Browser
from tests.cell.directory.idp import connect, step
from tests.cell.identity import Office


async def person(office: Office, email: str) -> Person | None:
    async with office.cell.database.reading(office.workspace.id) as tx:
        return await tx.first(select(Person).where(Person.email_norm == email))


async def identities(office: Office) -> list[Identity]:
    async with office.cell.database.reading(office.workspace.id) as tx:
        return list(await tx.all(select(Identity)))


async def comes(office: Office, name_id: str, **changes: object) -> str:
    """Hand somebody over: the reason of a refusal, as the caller, the log and nobody's session say it; else empty."""
    browser = office.world.browser()
    said = office.said(await office.begun(browser), name_id, **changes)
    try:
        code, told = await office.give(said), ""
    except NotAdmitted as refused:
        code, told = "", str(refused.facts["reason"])
    async with office.cell.database.reading(office.workspace.id) as tx:
        line = await tx.one(select(SignIn).where(SignIn.reference == said.reference))
    assert (line.reason or "") == told
    assert (await office.complete(browser, code)).status == (410 if told else 303)
    return told


async def test_the_name_id_is_the_user_name_in_whatever_case(office: Office) -> None:
    office.connect()
    assert await comes(office, office.workspace.agent.email.upper()) == ""
    (one,) = await identities(office)
    assert one.person_id == office.workspace.agent.id


async def test_once_linked_the_name_id_alone_counts(office: Office) -> None:
    """The person's address may change here; who they are at the identity provider does not."""
    office.connect()
    agent = office.workspace.agent
    assert await comes(office, agent.email) == ""
    async with office.cell.database.writing(office.workspace.id) as tx:
        changed = {"email": "other@example.com", "email_norm": "other@example.com"}
        await tx.execute(update(Person).where(Person.id == agent.id).values(**changed))
    assert await comes(office, agent.email) == ""
    assert [one.person_id for one in await identities(office)] == [agent.id]


async def test_a_name_that_was_given_to_somebody_else_is_theirs(office: Office) -> None:
    """Addresses are used again: a new colleague of that name is not signed in as whoever had it before."""
    office.connect()
    agent = office.workspace.agent
    assert await comes(office, agent.email) == ""
    other = await office.world.member(office.workspace, "agent")
    async with office.cell.database.writing(office.workspace.id) as tx:
        for one, email in ((agent, "married@example.com"), (other, agent.email_norm)):
            changed = {"email": email, "email_norm": email}
            await tx.execute(update(Person).where(Person.id == one.id).values(**changed))
    browser = office.world.browser()
    assert (await office.signs_in(browser, agent.email)).status == 303
    assert other.name in (await browser.page(f"{office.base}/account")).text
    assert [one.person_id for one in await identities(office)] == [other.id]
    assert await comes(office, "married@example.com") == ""
    assert {one.person_id for one in await identities(office)} == {other.id, agent.id}


async def test_an_address_as_attribute_links_nobody(office: Office) -> None:
    office.connect(just_in_time=True)
    assert await comes(office, "opaque-7f3a", email=office.workspace.owner.email) == "address-taken"
    office.connect()
    assert await comes(office, "opaque-7f3a", email=office.workspace.owner.email) == "not-linked"
    assert await identities(office) == []


async def test_nobody_is_created_unless_wanted(office: Office) -> None:
    office.connect()
    assert await comes(office, "new@example.com") == "not-linked"
    assert await person(office, "new@example.com") is None


async def test_somebody_new_is_created_where_wanted(office: Office) -> None:
    office.connect(just_in_time=True)
    assert await comes(office, "Nia@Example.com", name="Nia New", role="auditor") == ""
    made = await person(office, "nia@example.com")
    assert made is not None and (made.name, made.role, made.email) == ("Nia New", "auditor", "Nia@Example.com")
    async with office.cell.database.reading(office.workspace.id) as tx:
        acts = await tx.all(select(AuditEntry.action).order_by(AuditEntry.seq))
        assert await people.account(tx, made.email) is None  # and has no password
    assert acts[-3:] == ["person.create", "identity.link", "session.begin"]


async def test_somebody_new_with_an_opaque_name_needs_an_address(office: Office) -> None:
    office.connect(just_in_time=True)
    assert await comes(office, "opaque-1") == "no-address"
    assert await comes(office, "opaque-1", email="one@example.com") == ""
    assert await comes(office, "opaque-2", email="one@example.com") == "address-taken"
    assert await comes(office, "opaque-1", email="moved@example.com") == ""  # linked: the attribute no longer matters
    assert len(await identities(office)) == 1


async def test_many_first_sign_ins_at_once_make_one_person(office: Office) -> None:
    office.connect(just_in_time=True)
    nonces = [await office.begun(office.world.browser()) for _ in range(6)]
    await asyncio.gather(*(office.give(office.said(nonce, "nia@example.com")) for nonce in nonces))
    assert len(await identities(office)) == 1 and await person(office, "nia@example.com") is not None


@pytest.mark.parametrize(
    ("name_id", "email"),
    [
        ("ben@evil.example", ""),
        ("ben@sub.example.com", ""),
        ("ben@localhost", ""),
        ("ben@", ""),
        ("@example.com", ""),
        ("ben@example.com@evil.example", ""),
        ("opaque", "ben@evil.example"),
        ("ben@example.com", "ben@evil.example"),
    ],
)
async def test_a_domain_has_to_be_verified(office: Office, name_id: str, email: str) -> None:
    office.connect(just_in_time=True)
    assert await comes(office, name_id, email=email) == "domain-unverified"
    assert await identities(office) == []


async def test_a_domain_that_is_taken_off_the_list_lets_nobody_in(office: Office) -> None:
    office.connect()
    assert await comes(office, office.workspace.agent.email) == ""
    async with office.cell.database.writing(office.workspace.id) as tx:
        await tx.execute(delete(Domain))
    assert await comes(office, office.workspace.agent.email) == "domain-unverified"


async def test_somebody_switched_off_stays_out(office: Office) -> None:
    office.connect(just_in_time=True)
    agent = office.workspace.agent
    assert await comes(office, agent.email) == ""
    async with office.cell.database.writing(office.workspace.id) as tx:
        await people.set_active(tx, office.cell.redis, SYSTEM, agent.id, active=False)
    assert await comes(office, agent.email) == "switched-off"


async def test_who_was_removed_is_a_stranger(office: Office) -> None:
    office.connect()
    agent = office.workspace.agent
    assert await comes(office, agent.email) == ""
    async with office.cell.database.writing(office.workspace.id) as tx:
        await people.remove(tx, office.cell.redis, SYSTEM, agent.id)
    assert await identities(office) == []
    assert await comes(office, agent.email) == "not-linked"


async def test_groups_give_the_role_at_each_sign_in(office: Office) -> None:
    office.connect()
    agent = office.workspace.agent
    for role in ("admin", "auditor", "auditor", "agent"):
        assert await comes(office, agent.email, role=role) == ""
        held = await person(office, agent.email_norm)
        assert held is not None and held.role == role
    assert await comes(office, agent.email) == ""  # without a mapping the role stays
    async with office.cell.database.reading(office.workspace.id) as tx:
        changes = await tx.all(select(AuditEntry).where(AuditEntry.action == "person.role").order_by(AuditEntry.seq))
    assert [one.stored["details"] for one in changes] == [
        {"from": "agent", "to": "admin"},
        {"from": "admin", "to": "auditor"},
        {"from": "auditor", "to": "agent"},
    ]


async def test_an_owner_stays_one(office: Office) -> None:
    office.connect()
    assert await comes(office, office.workspace.owner.email, role="agent") == ""
    held = await person(office, office.workspace.owner.email_norm)
    assert held is not None and held.role == "owner"


async def test_whoever_believes_a_provider_of_their_own_is_no_owner_by_it(office: Office) -> None:
    """Admins choose the provider: one that names an owner opens what an admin may, and nothing that only owners do."""
    office.connect()
    owner, admin = office.workspace.owner, office.workspace.admin
    browser = office.world.browser()
    assert (await office.signs_in(browser, owner.email)).status == 303
    page = {"Accept": "text/html"}

    async def raised(by: Browser) -> int:
        return (await by.post(f"{office.base}/people/{admin.id}/role", form={"role": "owner"}, headers=page)).status

    assert await raised(browser) == 403
    invited = {"email": "new@example.com", "role": "owner"}
    assert (await browser.post(f"{office.base}/invitations", form=invited, headers=page)).status == 422
    begun = await browser.post(f"{office.base}/account/factors/app/begin", headers=page)
    assert begun.status == 403 and "Sign in with your password" in begun.text
    assert (await browser.post(f"{office.base}/people/{admin.id}/deactivate", headers=page)).status == 303
    assert await raised(await office.world.signed_in(office.workspace, owner)) == 303


async def test_an_owner_cannot_be_handed_over(office: Office) -> None:
    with pytest.raises(ValueError, match="role"):
        office.said("0" * 64, "x", role="owner")


async def test_a_lesser_role_ends_the_sessions_of_the_higher_one(office: Office) -> None:
    office.connect()
    admin = office.workspace.admin
    earlier = await office.world.signed_in(office.workspace, admin)
    assert (await earlier.page(f"{office.base}/people")).status == 200
    assert await comes(office, admin.email, role="agent") == ""
    assert (await earlier.page(f"{office.base}/people")).status == 303


async def test_who_was_invited_comes_in_with_that_role(office: Office) -> None:
    office.connect(enforced=True)
    async with office.cell.database.writing(office.workspace.id) as tx:
        by = people.actor_of(office.workspace.admin)
        new = invitations.NewInvitation(email="Ida@example.com", role=Role.ADMIN)
        made = await invitations.create(tx, by, new, "en")
    assert await comes(office, "ida@example.com", name="Ida Invited") == ""
    held = await person(office, "ida@example.com")
    assert held is not None and (held.role, held.name) == ("admin", "Ida Invited")
    async with office.cell.database.reading(office.workspace.id) as tx:
        assert await invitations.waiting_for(tx, made.email_norm) is None


async def test_an_owner_who_was_invited_accepts_with_a_password(office: Office) -> None:
    office.connect()
    async with office.cell.database.writing(office.workspace.id) as tx:
        by = people.actor_of(office.workspace.owner)
        await invitations.create(tx, by, invitations.NewInvitation(email="ida@example.com", role=Role.OWNER), "en")
    assert await comes(office, "ida@example.com") == "not-linked"


async def test_where_the_directory_decides_nobody_is_created_and_no_role_is_given(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def managed(tx: object) -> bool:
        return True

    office.connect(just_in_time=True)
    monkeypatch.setattr(deciding, "directory_managed", managed)
    assert await comes(office, "new@example.com") == "not-provisioned"
    assert await comes(office, office.workspace.agent.email, role="admin") == ""
    held = await person(office, office.workspace.agent.email_norm)
    assert held is not None and held.role == "agent"


async def in_directory(office: Office, person: Person, user_name: str, external_id: str | None) -> None:
    """The directory describes a person under that user name."""
    moment = now()
    async with office.cell.database.writing(office.workspace.id) as tx:
        tx.add(
            Entry(
                id=person.id,
                user_name_norm=user_name,
                external_id=external_id,
                document={},
                version=1,
                created_at=moment,
                changed_at=moment,
            )
        )


async def test_the_directorys_names_link_where_it_has_some(office: Office) -> None:
    """And the address no longer does: the directory says what the user name is."""
    office.connect(just_in_time=True)
    agent, admin = office.workspace.agent, office.workspace.admin
    await in_directory(office, agent, "ben@example.com", "ext-77")
    await in_directory(office, admin, "ada@example.com", None)
    assert await comes(office, "Ben@example.com") == ""
    assert await comes(office, "ext-77") == ""
    assert await comes(office, "EXT-77") == "no-address"
    assert [one.person_id for one in await identities(office)] == [agent.id] * 2
    assert await comes(office, admin.email) == "address-taken"


async def test_a_test_lets_nobody_in_and_changes_nothing(office: Office) -> None:
    office.connect(just_in_time=True, enabled=False)
    browser = await office.world.signed_in(office.workspace, office.workspace.admin)
    answer = await browser.post(f"{office.base}/sso/test", form={}, headers={"Accept": "text/html"})
    assert answer.status == 200
    asked = office.others.last("saml.begin")
    said = office.said(asked.nonce, "new@example.com", purpose=Purpose.TEST, role="admin")
    answer = await office.complete(browser, await office.give(said))
    assert answer.headers["Location"] == f"{office.base}/sso/tests/{said.reference}"
    assert await person(office, "new@example.com") is None and await identities(office) == []


async def test_a_name_that_the_directory_took_away_is_nobodys(office: Office) -> None:
    """Anna Smith is married; a new Anna Smith, whom the directory never sent, is not signed in as her."""
    office.connect()
    idp = await connect(office.world, office.workspace)
    anna = await idp.create("anna.smith@example.com", external_id="E1")
    for name in ("Anna.Smith@example.com", "E1", "opaque"):
        assert await comes(office, name) == ("not-provisioned" if name == "opaque" else "")
    await idp.patch(anna.id, step("replace", "user_name", "anna.jones@example.com"))
    assert await comes(office, "anna.smith@example.com") == "not-provisioned"
    assert await comes(office, "anna.jones@example.com") == ""
    await idp.patch(anna.id, step("replace", "external_id", "E2"))
    assert await comes(office, "E1") == "not-provisioned"
    assert {(one.name_id, one.person_id) for one in await identities(office)} == {("anna.jones@example.com", anna.id)}
