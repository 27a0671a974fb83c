"""Single sign-on becomes the only way in: who came in otherwise is out within a second, owners stay, and it is said."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from sqlalchemy import select

from cell.audit.models import AuditEntry
from cell.jobs import TASKS
from cell.library import events
from cell.people import service as people
from cell.people.models import Person
from cell.sessions import ending
from cell.sessions import service as sessions
from cell.sessions.cookies import name as cookie_name
from cell.sessions.store import How, Sessions
from cell.sessions.subjects import Member
from cell.sso import connections, saving
from cell.sso.enforcing import enforced
from cell.sso.models import SsoSettings
from cell.workspaces import service as workspaces
from contracts.identity import connection_record
from kit.database import now
from tests.cell.browser import PAGE, Browser
from tests.cell.identity import Office
from tests.cell.sessions.test_ending import upload
from tests.cell.world import PASSWORD


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker runs beside these tests, so nothing arrives while a page waits for it."""
    monkeypatch.setattr(saving, "ARRIVES_S", 0.0)


@pytest.fixture
async def ready(office: Office) -> Office:
    """Single sign-on is on and tested, beside passwords."""
    made = office.connect()
    async with office.cell.database.writing(office.workspace.id) as tx:
        fingerprint = connections.fingerprint(made)
        row = SsoSettings(connection=connection_record(made), version=1, saved_at=now(), refused="", warned=[])
        row.tested, row.tested_at = fingerprint, now()
        tx.add(row)
    return office


async def is_in(office: Office, browser: Browser) -> bool:
    return (await browser.get(f"{office.base}/library")).status == 200


async def enforce(office: Office, browser: Browser) -> None:
    answer = await browser.post(f"{office.base}/sso/enforce", form={"version": "1"}, headers=PAGE)
    assert (answer.status, answer.headers["Location"]) == (303, f"{office.base}/sso"), answer.text


@asynccontextmanager
async def listening(office: Office, browser: Browser) -> AsyncIterator[asyncio.Task[None]]:
    """A page that hears what changes; done when it hears no more."""
    sessions = Sessions(office.cell.redis, office.key, office.workspace.id)
    session = await sessions.find(browser.cookies[cookie_name(office.key)])
    assert session is not None
    async with office.cell.database.reading(office.workspace.id) as tx:
        by = Member(await workspaces.get(tx), office.workspace.agent, session)
    begun = asyncio.Event()

    async def hear() -> None:
        async for said in events.stream(office.cell, by, "192.0.2.7", asyncio.Event()):
            if b"hello" in said:
                begun.set()

    task = asyncio.create_task(hear())
    await asyncio.wait_for(begun.wait(), 60)
    yield task
    task.cancel()


async def test_passwords_and_passkeys_are_out_at_once_owners_and_sso_stay(ready: Office) -> None:
    office, who = ready, ready.workspace
    admin = await office.world.signed_in(who, who.admin, "sso")
    out = [await office.world.signed_in(who, who.agent, how) for how in ("password", "passkey")]
    stays = [
        await office.world.signed_in(who, who.agent, "sso"),
        await office.world.signed_in(who, who.owner, "password"),
        admin,
    ]
    own = await upload(office.world, who, out[0])
    customers = await upload(office.world, who, office.world.browser())
    async with listening(office, out[0]) as heard:
        await enforce(office, admin)
        await asyncio.wait_for(heard, 120)
    assert [await is_in(office, one) for one in out] == [False, False]
    assert [await is_in(office, one) for one in stays] == [True, True, True]
    assert [await own.goes_on(), await customers.goes_on()] == [False, True]
    async with office.cell.database.reading(who.id) as tx:
        entry = await tx.one(select(AuditEntry).where(AuditEntry.action == "sso.enforce"))
    assert entry.stored["details"]["signed_out"] == 1  # type: ignore[index]


async def test_it_is_said_before_how_many_that_are(ready: Office) -> None:
    office, who = ready, ready.workspace
    admin = await office.world.signed_in(who, who.admin, "sso")
    page = (await admin.page(f"{office.base}/sso/enforce")).text
    assert "Nobody is signed out." in page and "Olga Owner" in page
    for how in ("password", "passkey"):
        await office.world.signed_in(who, who.agent, how)
    await office.world.signed_in(who, who.owner, "password")
    page = (await admin.page(f"{office.base}/sso/enforce")).text
    assert "1 person is signed out." in page and "about you as well" not in page
    themselves = await office.world.signed_in(who, who.admin, "password")
    page = (await themselves.page(f"{office.base}/sso/enforce")).text
    assert "2 people are signed out." in page and "about you as well" in page
    await enforce(office, themselves)
    assert not await is_in(office, themselves) and await is_in(office, admin)
    answer = await admin.page(f"{office.base}/sso/enforce")
    assert (answer.status, answer.headers["Location"]) == (303, f"{office.base}/sso")  # it is done


async def test_from_then_on_passwords_are_owners_before_the_registry_has_heard(ready: Office) -> None:
    office, who = ready, ready.workspace
    ready.others.slow = True
    await enforce(office, await office.world.signed_in(who, who.admin, "sso"))
    assert not connections.enforced(office.cell, office.key)
    for person, status in ((who.agent, 401), (who.owner, 303)):
        form = {"email": person.email, "password": PASSWORD}
        assert (await office.world.browser().post(f"{office.base}/sign-in", form=form)).status == status
    # One that was begun in the same moment is none either.
    assert not await is_in(office, await office.world.signed_in(who, who.agent, "password"))


async def test_what_the_registry_does_not_take_is_not_so(ready: Office) -> None:
    office, who = ready, ready.workspace
    await enforce(office, await office.world.signed_in(who, who.admin, "sso"))
    async with office.cell.database.writing(office.workspace.id) as tx:
        (await tx.one(select(SsoSettings))).refused = "No"
        assert not await enforced(tx, office.cell)
    assert await is_in(office, await office.world.signed_in(who, who.agent, "password"))


async def test_a_job_ends_them_where_the_process_could_not(ready: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office, who = ready, ready.workspace
    await office.world.signed_in(who, who.agent, "password")
    by = people.actor_of(who.admin)

    async def dies(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(ending, "end_now", dies)
        async with office.cell.database.writing(who.id) as tx:
            await saving.enforce(tx, office.cell, office.key, by, 1)
    sessions = Sessions(office.cell.redis, office.key, who.id)
    assert len(await sessions.of_person(who.agent.id)) == 1
    await office.world.run_jobs(who, TASKS)
    assert await sessions.of_person(who.agent.id) == []


async def test_five_hundred_are_out_at_once(ready: Office) -> None:
    office, who = ready, ready.workspace
    sessions = Sessions(office.cell.redis, office.key, who.id)
    for _ in range(25):
        await asyncio.gather(*(sessions.begin(who.agent.id, "Firefox", "192.0.2.7") for _ in range(20)))
    async with office.cell.database.writing(who.id) as tx:
        assert await ending.sign_out_local(tx, office.cell.redis) == 1
    assert await sessions.of_person(who.agent.id) == []


async def test_a_password_that_was_shown_just_before_opens_nothing_just_after(ready: Office) -> None:
    """Whatever was looked at earlier: the session itself is begun, or it is enforced, one after the other."""
    agent, owner = ready.workspace.agent, ready.workspace.owner

    async def begins(person: Person, how: How) -> None:
        cell, key, where = ready.cell, ready.key, ready.workspace.id
        said = {"browser": "Firefox", "address": "192.0.2.7", "language": "en"}
        await sessions.begin(cell, key, where, person, how=how, **cast(Any, said))

    await begins(agent, "password")
    async with ready.cell.database.reading(ready.workspace.id) as looked:
        assert not await enforced(looked, ready.cell, settled=True)
        admin = await ready.world.signed_in(ready.workspace, ready.workspace.owner)
        enforcing = asyncio.create_task(enforce(ready, admin))
        assert not (await asyncio.wait([enforcing], timeout=0.5))[0]  # it waits for the sign-in that looked
    await enforcing
    for how in ("password", "passkey"):
        with pytest.raises(sessions.NoLongerAllowed):
            await begins(agent, how)
    await begins(agent, "sso")
    await begins(owner, "password")
