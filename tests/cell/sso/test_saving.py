"""Changing the connection: it is wanted, told, in force; nobody is locked out; every act is in the log."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from sqlalchemy import delete, select, update

from cell.audit.models import AuditEntry
from cell.jobs import TASKS
from cell.people import queries
from cell.people import service as people
from cell.people.models import Password
from cell.sso import connections, provider, saving, telling
from cell.sso.enforcing import passwords_count
from cell.sso.models import SsoSettings
from contracts.identity import Certificate, Connection, Vendor
from contracts.peers import REGISTRY
from contracts.signing_in import Purpose
from kit.database import Writing, now
from kit.jobs import RunAgain
from kit.jobs.models import Job
from kit.jobs.runner import Runner
from kit.refusals import Invalid
from tests.cell.identity import IDP, SP, Office, certificate, connection, facts

_Act = Callable[[Writing], Awaitable[object]]


async def do(office: Office, act: _Act) -> object:
    async with office.cell.database.writing(office.workspace.id) as tx:
        return await act(tx)


async def switch(office: Office, name: str, version: int | None = None) -> object:
    by = people.actor_of(office.workspace.admin)
    wanted = (await standing(office)).version if version is None else version
    return await do(office, lambda tx: getattr(saving, name)(tx, office.cell, office.key, by, wanted))


async def save(office: Office, made: Connection, version: int | None = None) -> object:
    by = people.actor_of(office.workspace.admin)
    wanted = (await standing(office)).version if version is None else version
    return await do(office, lambda tx: saving.save(tx, office.cell, office.key, by, wanted, lambda _: made))


async def standing(office: Office) -> saving.Standing:
    async with office.cell.database.reading(office.workspace.id) as tx:
        return await saving.standing(tx, office.cell, office.key)


async def acts(office: Office) -> list[str]:
    async with office.cell.database.reading(office.workspace.id) as tx:
        found = await tx.all(select(AuditEntry.action).order_by(AuditEntry.seq))
    return [one for one in found if one.startswith("sso.")]


async def passes(office: Office) -> None:
    """An admin tests it, and it works."""
    browser = await office.world.signed_in(office.workspace, office.workspace.admin)
    assert (await browser.post(f"{office.base}/sso/test", form={}, headers={"Accept": "text/html"})).status == 200
    nonce = office.others.last("saml.begin").nonce
    said = office.said(nonce, office.workspace.admin.email, purpose=Purpose.TEST)
    await office.give(said)
    assert (await standing(office)).tested


async def test_the_life_of_a_connection(office: Office) -> None:
    await save(office, connection(office.workspace, enabled=False))
    found = await standing(office)
    assert found.saving and found.wanted is not None and found.in_force is None
    await office.jobs()
    found = await standing(office)
    assert not found.saving and found.in_force == found.wanted == connections.of(office.cell, office.key)
    await passes(office)
    await switch(office, "enable")
    await office.jobs()
    assert connections.enabled(office.cell, office.key) is not None
    await switch(office, "enforce")
    await office.jobs()
    assert connections.enforced(office.cell, office.key)
    await switch(office, "relax")
    await switch(office, "disable")
    await switch(office, "remove")
    await office.jobs()
    found = await standing(office)
    assert (found.wanted, found.in_force, found.saving) == (None, None, False)
    done = ["sso.save", "sso.test", "sso.enable", "sso.enforce", "sso.relax", "sso.disable", "sso.remove"]
    assert await acts(office) == done


async def test_saving_the_same_is_no_act(office: Office) -> None:
    made = connection(office.workspace, enabled=False)
    await save(office, made)
    await save(office, made)
    assert await acts(office) == ["sso.save"] and (await standing(office)).version == 1


async def test_an_untested_connection_is_neither_switched_on_nor_enforced(office: Office) -> None:
    made = connection(office.workspace, enabled=False)
    await save(office, made)
    await office.jobs()
    with pytest.raises(saving.NotTested):
        await switch(office, "enable")
    await passes(office)
    await save(office, made.model_copy(update={"force_authn": True}))
    await office.jobs()
    with pytest.raises(saving.NotTested):  # it is another one since
        await switch(office, "enable")
    await passes(office)
    await switch(office, "enable")
    enabled = made.model_copy(update={"enabled": True, "want_encrypted": True})
    await save(office, enabled)
    await office.jobs()
    with pytest.raises(saving.NotTested):
        await switch(office, "enforce")


async def test_a_test_that_would_be_refused_counts_for_nothing(office: Office) -> None:
    await save(office, connection(office.workspace, enabled=False))
    await office.jobs()
    browser = await office.world.signed_in(office.workspace, office.workspace.admin)
    await browser.post(f"{office.base}/sso/test", form={}, headers={"Accept": "text/html"})
    nonce = office.others.last("saml.begin").nonce
    said = office.said(nonce, "stranger@example.com", purpose=Purpose.TEST)
    answer = await office.complete(browser, await office.give(said))
    page = await browser.page(answer.headers["Location"])
    assert page.status == 200 and "not-linked" in page.text and "Invite this person" in page.text
    assert not (await standing(office)).tested


async def test_a_test_counts_for_the_connection_that_it_began_with(office: Office) -> None:
    made = connection(office.workspace, enabled=False)
    await save(office, made)
    await office.jobs()
    browser = await office.world.signed_in(office.workspace, office.workspace.admin)
    await browser.post(f"{office.base}/sso/test", form={}, headers={"Accept": "text/html"})
    nonce = office.others.last("saml.begin").nonce
    await save(office, made.model_copy(update={"just_in_time": True}))
    await office.jobs()
    await office.give(office.said(nonce, office.workspace.admin.email, purpose=Purpose.TEST))
    assert not (await standing(office)).tested


async def test_enforcing_needs_it_to_be_on_and_an_owner_with_a_password(office: Office) -> None:
    await save(office, connection(office.workspace, enabled=False))
    await office.jobs()
    await passes(office)
    with pytest.raises(saving.NotSwitchedOn):
        await switch(office, "enforce")
    await switch(office, "enable")
    async with office.cell.database.writing(office.workspace.id) as tx:
        await tx.execute(delete(Password).where(Password.id == office.workspace.owner.id))
    with pytest.raises(saving.NoOwnerWithPassword):
        await switch(office, "enforce")


async def test_of_enforcing_and_removing_the_owners_password_one_waits(office: Office) -> None:
    """Both take the workspace in hand, so neither decides by what the other is about to change."""
    await save(office, connection(office.workspace, enabled=False))
    await office.jobs()
    await passes(office)
    await switch(office, "enable")
    colleague = await office.world.member(office.workspace, "owner")
    by = people.actor_of(colleague)

    async def step_down() -> None:
        async with office.cell.database.writing(office.workspace.id) as tx:
            await people.remove(tx, office.cell.redis, by, office.workspace.owner.id)

    await asyncio.gather(step_down(), switch(office, "enforce"))
    async with office.cell.database.reading(office.workspace.id) as tx:
        assert await tx.first(queries.owners_with_password()) is not None


async def test_taking_it_back_holds_at_once_with_the_registry_gone(office: Office) -> None:
    office.connect(enforced=True)
    office.others.away.add(REGISTRY)
    agent = office.workspace.agent
    async with office.cell.database.reading(office.workspace.id) as tx:
        assert not await passwords_count(tx, office.cell, agent)
    await switch(office, "relax")
    async with office.cell.database.reading(office.workspace.id) as tx:
        assert await passwords_count(tx, office.cell, agent)
    assert connections.enforced(office.cell, office.key)  # the registry has not heard of it


async def test_two_admins_do_not_overwrite_each_other(office: Office) -> None:
    await save(office, connection(office.workspace, enabled=False))
    with pytest.raises(saving.ChangedMeanwhile):
        await save(office, connection(office.workspace, enabled=False, force_authn=True), version=0)
    with pytest.raises(saving.ChangedMeanwhile):
        await switch(office, "remove", version=0)


async def test_a_registry_that_is_away_is_told_later(office: Office) -> None:
    office.others.away.add(REGISTRY)
    await save(office, connection(office.workspace, enabled=False))
    (job,) = [job for job in await office.world.jobs(office.workspace) if job.kind == "sso.tell"]
    runner = Runner(office.cell.database, TASKS, office.cell)
    await runner.run(job.id)
    (job,) = [job for job in await office.world.jobs(office.workspace) if job.kind == "sso.tell"]
    assert job.dead_at is None and job.attempts == 0
    office.others.away.clear()
    async with office.cell.database.outside() as session:
        await session.execute(update(Job).where(Job.id == job.id).values(due=now()))
    await runner.run(job.id)
    assert connections.of(office.cell, office.key) is not None


async def test_what_the_registry_refuses_is_said(office: Office) -> None:
    office.others.refuses = Invalid()
    await save(office, connection(office.workspace, enabled=False))
    await office.jobs()
    found = await standing(office)
    assert found.refused == Invalid.title and found.saving
    office.others.refuses = None
    await save(office, connection(office.workspace, enabled=False, force_authn=True))
    await office.jobs()
    assert (await standing(office)).refused == "" and not (await standing(office)).saving


async def test_a_change_while_the_registry_is_told_is_told_too(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The word that comes last is the last one that was wanted."""
    first, second = (connection(office.workspace, enabled=False, force_authn=one) for one in (False, True))
    await save(office, first)
    spoken = office.others._sso_set

    def while_told(said: object) -> object:
        asyncio.get_running_loop().create_task(_later())
        return spoken(said)  # type: ignore[arg-type]

    done = asyncio.Event()

    async def _later() -> None:
        await save(office, second)
        done.set()

    real = office.others.call

    async def call(peer: str, operation: object, request: object) -> object:
        answer = await real(peer, operation, request)  # type: ignore[arg-type]
        await done.wait()
        return answer

    monkeypatch.setattr(office.others, "_sso_set", while_told)
    monkeypatch.setattr(office.others, "call", call)
    with pytest.raises(RunAgain):
        await telling.tell(office.cell, office.workspace.id)


async def test_a_cell_without_a_registry_lays_the_change_aside(office: Office) -> None:
    await save(office, connection(office.workspace, enabled=False))
    alone = replace(office, world=replace(office.world, cell=replace(office.cell, calls=None)))
    await alone.jobs()
    (job,) = [job for job in await office.world.jobs(office.workspace) if job.kind == "sso.tell"]
    assert job.dead_at is not None and "no registry" in str(job.last_error)


async def test_switching_leaves_the_fingerprint_and_anything_else_changes_it(office: Office) -> None:
    made = connection(office.workspace)
    same = [made.model_copy(update={"enabled": on, "enforced": on}) for on in (True, False)]
    assert {connections.fingerprint(one) for one in same} == {connections.fingerprint(made)}
    for change in (
        {"idp_entity_id": "https://x.example"},
        {"certificates": (Certificate.of(certificate()),)},
        {"want_encrypted": True},
        {"just_in_time": True},
    ):
        assert connections.fingerprint(made.model_copy(update=change)) != connections.fingerprint(made)


async def test_certificates_roll_over(office: Office) -> None:
    old, new = connection(office.workspace), facts()
    both = provider.with_certificates(old, new)
    assert len(both.certificates) == 2 and both.certificates[0] == old.certificates[0]
    with pytest.raises(provider.NotUsable, match="already"):
        provider.with_certificates(both, new)
    with pytest.raises(provider.OtherProvider):
        provider.with_certificates(old, facts(entity_id="https://other.example"))
    left = saving.without(both, saving.of_certificate(both.certificates[0]))
    assert left.certificates == both.certificates[1:]
    with pytest.raises(saving.LastCertificate):
        saving.without(left, saving.of_certificate(left.certificates[0]))
    ended = connection(office.workspace, certificates=(Certificate.of(certificate(-1)), *old.certificates))
    assert len(provider.with_certificates(ended, new).certificates) == 2  # what has ended makes room


async def test_the_root_of_an_enforced_connection_is_changed_knowingly(office: Office) -> None:
    made = connection(office.workspace, enforced=True)
    more = provider.with_certificates(made, facts())
    assert not saving.shakes(made, more) and not saving.shakes(None, made)
    assert saving.shakes(more, made)  # a certificate goes
    assert saving.shakes(made, made.model_copy(update={"idp_entity_id": "https://x.example"}))
    relaxed = made.model_copy(update={"enforced": False})
    assert not saving.shakes(relaxed, made.model_copy(update={"idp_entity_id": "https://x.example"}))


async def test_another_product_brings_its_presets_and_the_same_keeps_what_was_set(office: Office) -> None:
    first = provider.connected(None, facts(), Vendor.OKTA, office.workspace.id, SP)
    assert (first.idp_entity_id, first.attributes.groups, first.enabled) == (IDP, "groups", False)
    own = first.model_copy(update={"attributes": first.attributes.model_copy(update={"groups": "teams"})})
    assert provider.connected(own, facts(), Vendor.OKTA, office.workspace.id, SP).attributes.groups == "teams"
    entra = provider.connected(own, facts(), Vendor.ENTRA, office.workspace.id, SP)
    assert entra.attributes.groups == "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups"


@pytest.mark.parametrize(
    "wrong",
    [
        facts(entity_id=SP),
        facts(sso_url="http://idp.example/sso"),
        facts(certificates=("AAAA",)),
        facts(certificates=("not base64!",)),
    ],
)
async def test_what_makes_no_connection_is_refused_in_words(office: Office, wrong: object) -> None:
    with pytest.raises(provider.NotUsable) as refused:
        provider.connected(None, wrong, Vendor.OKTA, office.workspace.id, SP)  # type: ignore[arg-type]
    assert len(refused.value.detail) > 10


async def test_the_row_holds_no_more_than_the_record(office: Office) -> None:
    await save(office, connection(office.workspace, enabled=False))
    async with office.cell.database.reading(office.workspace.id) as tx:
        row = await tx.one(select(SsoSettings))
    assert row.connection is not None and set(row.connection) <= set(Connection.model_fields)
