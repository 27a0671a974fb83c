"""From the button to the session: what crosses which line, and that nothing else opens the door."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from cell.audit.models import AuditEntry
from cell.people.models import Person
from cell.people.service import actor_of
from cell.security import service as security
from cell.sso import beginning
from cell.sso.entering import cookie_name
from cell.sso.models import Identity, SignIn
from cell.sso.store import Outcome, Waiting, digest
from contracts.signing_in import CODE_LIFE_S, NotAdmitted, Purpose, SignInUnknown, SsoOff
from kit.database import now
from kit.jobs.models import JobArguments
from kit.refusals import NotFound
from tests.cell.browser import PAGE, Browser
from tests.cell.identity import PROVISIONING, Office
from tests.cell.world import PASSWORD


async def library(office: Office, browser: Browser) -> int:
    return (await browser.page(f"{office.base}/library")).status


async def lines(office: Office) -> list[SignIn]:
    async with office.cell.database.reading(office.workspace.id) as tx:
        return list(await tx.all(select(SignIn).order_by(SignIn.at.desc())))


async def acts(office: Office, action: str) -> list[AuditEntry]:
    async with office.cell.database.reading(office.workspace.id) as tx:
        return list(await tx.all(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.seq)))


async def test_the_whole_way(office: Office) -> None:
    office.connect()
    browser = office.world.browser()
    answer = await office.signs_in(browser, office.workspace.agent.email, f"{office.base}/links?cursor=")
    assert (answer.status, answer.headers["Location"]) == (303, f"{office.base}/links?cursor=")
    assert await library(office, browser) == 200
    assert not [name for name in browser.cookies if name.startswith("__Host-n-")]
    asked = office.others.last("saml.begin")
    assert (asked.key, asked.purpose, asked.workspace_id) == (office.key, Purpose.SIGN_IN, office.workspace.id)
    (line,) = await lines(office)
    assert (line.reason, line.person_id, line.name) == (None, office.workspace.agent.id, "Ben Agent")
    (begun,) = await acts(office, "session.begin")
    assert begun.stored["details"] == {"how": "sso"} and begun.actor_id == office.workspace.agent.id
    assert len(await acts(office, "identity.link")) == 1


async def test_the_page_before_leaving_goes_on_by_itself(office: Office) -> None:
    office.connect()
    browser = office.world.browser()
    answer = await browser.post(f"{office.base}/sign-in/sso", form={"next": ""}, headers=PAGE)
    url = answer.headers["Refresh"].removeprefix("0;url=")
    assert url.startswith(f"https://provisioning-eu.example/saml/{office.key}/go/") and url in answer.text
    cookie = answer.headers["Set-Cookie"]
    name = cookie_name(office.others.last("saml.begin").nonce)
    assert cookie.startswith(f"{name}=")
    for part in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=600"):
        assert part in cookie
    assert browser.cookies[name] not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


async def test_where_to_go_never_leaves_the_cell(office: Office) -> None:
    office.connect()
    browser = office.world.browser()
    await office.begun(browser, f"{office.base}/recordings/very-secret")
    assert "very-secret" not in office.others.last("saml.begin").model_dump_json()


@pytest.mark.parametrize(
    "onward",
    ["https://evil.example/", "//evil.example/", "/w/bcdfghjk/library", "/\\evil.example", "{base}/../../evil", ""],
)
async def test_it_leads_to_pages_of_the_workspace_alone(office: Office, onward: str) -> None:
    office.connect()
    browser = office.world.browser()
    answer = await office.signs_in(browser, office.workspace.agent.email, onward.format(base=office.base))
    assert answer.headers["Location"] == f"{office.base}/library"


async def test_another_page_cannot_begin_it(office: Office) -> None:
    office.connect()
    browser = office.world.browser(Origin="https://evil.example")
    assert (await browser.post(f"{office.base}/sign-in/sso", form={})).status == 403
    assert office.others.count("saml.begin") == 0


async def test_signing_in_rotates_the_session(office: Office) -> None:
    office.connect()
    browser = await office.world.signed_in(office.workspace, office.workspace.admin)
    before = dict(browser.cookies)
    await office.signs_in(browser, office.workspace.agent.email)
    assert browser.cookies != before
    old = office.world.browser()
    old.cookies.update(before)
    assert await library(office, old) == 303


# What a code is worth in other hands.


async def test_a_code_in_another_browser_opens_nothing_and_stays_good_in_the_right_one(office: Office) -> None:
    office.connect()
    browser, thief, scanner = (office.world.browser() for _ in range(3))
    code = await office.give(office.said(await office.begun(browser), office.workspace.agent.email))
    its_name = cookie_name(office.others.last("saml.begin").nonce)
    thief.cookies[its_name] = thief.cookies[cookie_name(await office.begun(thief))]  # a nonce, of another sign-in
    for other in (thief, scanner):
        answer = await office.complete(other, code)
        assert answer.status == 403 and "another browser" in answer.text
        assert f"__Host-s-{office.key}" not in other.cookies
    assert (await office.complete(browser, code)).status == 303
    assert sorted(map(str, await reasons(office))) == ["None", "code-elsewhere", "code-elsewhere"]


async def test_head_takes_nothing(office: Office) -> None:
    office.connect()
    browser = office.world.browser()
    code = await office.give(office.said(await office.begun(browser), office.workspace.agent.email))
    answer = await browser.ask("HEAD", f"{office.base}/sign-in/complete?code={code}", headers=PAGE)
    assert answer.status == 200 and f"__Host-s-{office.key}" not in browser.cookies
    assert (await office.complete(browser, code)).status == 303


async def test_a_code_works_once(office: Office) -> None:
    office.connect()
    browser = office.world.browser()
    code = await office.give(office.said(await office.begun(browser), office.workspace.agent.email))
    again = office.world.browser()
    again.cookies.update(browser.cookies)
    assert (await office.complete(browser, code)).status == 303
    assert (await office.complete(again, code)).status == 410
    assert f"__Host-s-{office.key}" not in again.cookies
    assert sorted(map(str, await reasons(office))) == ["None", "code-unknown"]


async def test_two_tabs_of_one_browser_sign_in_each_by_itself(office: Office) -> None:
    office.connect()
    browser = office.world.browser()
    first, second = [await office.begun(browser) for _ in range(2)]
    for nonce in (first, second):
        code = await office.give(office.said(nonce, office.workspace.agent.email))
        assert (await office.complete(browser, code)).status == 303
    assert await library(office, browser) == 200


async def test_of_two_at_once_one_gets_in(office: Office) -> None:
    office.connect()
    browser = office.world.browser()
    code = await office.give(office.said(await office.begun(browser), office.workspace.agent.email))
    copies = [office.world.browser() for _ in range(8)]
    for one in copies:
        one.cookies.update(browser.cookies)
    answers = await asyncio.gather(*(office.complete(one, code) for one in copies))
    assert sorted(answer.status for answer in answers) == [303] + [410] * 7
    assert sum(f"__Host-s-{office.key}" in one.cookies for one in copies) == 1


async def test_a_code_is_good_for_60_seconds(office: Office) -> None:
    office.connect()
    browser = office.world.browser()
    code = await office.give(office.said(await office.begun(browser), office.workspace.agent.email))
    place = f"sso:{office.workspace.id}:code:{digest(code)}"
    assert 0 < await office.cell.redis.ttl(place) <= CODE_LIFE_S
    await office.cell.redis.pexpire(place, 0)  # as if they had passed
    answer = await office.complete(browser, code)
    assert answer.status == 410 and "took too long" in answer.text


async def test_a_code_of_another_workspace_opens_nothing(office: Office) -> None:
    office.connect()
    browser, elsewhere = office.world.browser(), await office.world.found()
    code = await office.give(office.said(await office.begun(browser), office.workspace.agent.email))
    answer = await browser.page(f"{elsewhere.base}/sign-in/complete?code={code}")
    assert answer.status == 410 and f"__Host-s-{elsewhere.key}" not in browser.cookies


@pytest.mark.parametrize("code", ["", "x", "0" * 64, "../../etc", "%00", "0" * 200])
async def test_what_is_no_code_opens_nothing(office: Office, code: str) -> None:
    office.connect()
    browser = office.world.browser()
    await office.begun(browser)
    assert (await office.complete(browser, code)).status == 410


async def test_codes_and_nonces_are_nowhere_in_the_clear(office: Office) -> None:
    office.connect()
    browser = office.world.browser()
    code = await office.give(office.said(await office.begun(browser), office.workspace.agent.email))
    nonce = browser.cookies[cookie_name(office.others.last("saml.begin").nonce)]
    held = [key async for key in office.cell.redis.scan_iter(f"sso:{office.workspace.id}:*")]
    assert held and not [key for key in held if code in key or nonce in key]


async def test_somebody_switched_off_after_the_hand_over_does_not_come_in(office: Office) -> None:
    office.connect()
    browser, agent = office.world.browser(), office.workspace.agent
    code = await office.give(office.said(await office.begun(browser), agent.email))
    async with office.cell.database.writing(office.workspace.id) as tx:
        (await tx.one(select(Person).where(Person.id == agent.id))).active = False
    assert (await office.complete(browser, code)).status == 410
    assert f"__Host-s-{office.key}" not in browser.cookies
    assert await reasons(office) == ["switched-off"]


async def test_whoever_comes_from_another_network_does_not_come_in_and_the_log_says_so(office: Office) -> None:
    office.connect()
    browser, agent = office.world.browser(), office.workspace.agent
    code = await office.give(office.said(await office.begun(browser), agent.email))
    async with office.cell.database.writing(office.workspace.id) as tx:
        new = security.NewPolicy(networks=["192.0.2.0/24"])
        await security.change(tx, office.cell.redis, actor_of(office.workspace.admin), "192.0.2.7", new)
    assert (await office.complete(browser, code)).status == 403
    assert f"__Host-s-{office.key}" not in browser.cookies
    assert await reasons(office) == ["outside-networks"]


async def reasons(office: Office) -> list[str | None]:
    async with office.cell.database.reading(office.workspace.id) as tx:
        return [one.reason for one in await tx.all(select(SignIn))]


# What a hand-over needs.


async def test_a_hand_over_without_a_beginning_is_refused_and_noted(office: Office) -> None:
    office.connect()
    with pytest.raises(SignInUnknown):
        await office.give(office.said("0" * 64, office.workspace.agent.email))
    (line,) = await lines(office)
    assert line.reason == "took-too-long"


async def test_a_hand_over_happens_once(office: Office) -> None:
    """A lost answer is not repeated: the person begins anew."""
    office.connect()
    said = office.said(await office.begun(office.world.browser()), office.workspace.agent.email)
    await office.give(said)
    with pytest.raises(SignInUnknown):
        await office.give(said)
    assert [line.reason for line in await lines(office)] == [None]  # one line a reference


async def test_a_beginning_is_good_for_ten_minutes(office: Office) -> None:
    office.connect()
    nonce = await office.begun(office.world.browser())
    assert 0 < await office.cell.redis.ttl(f"sso:{office.workspace.id}:begun:{nonce}") <= 600


async def test_a_hand_over_for_another_purpose_is_refused(office: Office) -> None:
    office.connect()
    for purpose in (Purpose.FRESH, Purpose.TEST):
        with pytest.raises(SignInUnknown):
            said = office.said(await office.begun(office.world.browser()), office.workspace.agent.email)
            await office.give(said.model_copy(update={"purpose": purpose}))


async def test_a_beginning_of_another_workspace_is_none(office: Office) -> None:
    office.connect()
    elsewhere = await office.world.found()
    office.others.keys[elsewhere.id] = elsewhere.key
    with pytest.raises(SignInUnknown):
        said = office.said(await office.begun(office.world.browser()), office.workspace.agent.email)
        await office.give(said.model_copy(update={"workspace_id": elsewhere.id}))


async def test_a_workspace_of_another_cell_is_not_found(office: Office) -> None:
    said = office.said("0" * 64, "x").model_copy(update={"workspace_id": uuid4()})
    with pytest.raises(NotFound):
        await office.give(said)


@pytest.mark.parametrize("connected", [False, True])
async def test_without_a_connection_that_is_on_it_neither_begins_nor_ends(office: Office, connected: bool) -> None:
    browser = office.world.browser()
    office.connect()
    nonce = await office.begun(browser)
    office.others.feed.say(office.key, office.connect(enabled=False) if connected else None)
    with pytest.raises(SsoOff):
        await office.give(office.said(nonce, office.workspace.agent.email))
    assert [line.reason for line in await lines(office)] == ["sso-off"]
    answer = await browser.post(f"{office.base}/sign-in/sso", form={}, headers=PAGE)
    assert answer.status == 409 and "not switched on" in answer.text


async def test_an_identity_provider_that_was_replaced_meanwhile_counts_no_longer(office: Office) -> None:
    office.connect()
    nonce = await office.begun(office.world.browser())
    office.connect(idp_entity_id="https://other.example")
    with pytest.raises(SsoOff):
        await office.give(office.said(nonce, office.workspace.agent.email))
    assert [line.reason for line in await lines(office)] == ["connection-changed"]


async def test_provisioning_away_is_said_and_can_be_tried_again(office: Office) -> None:
    office.connect()
    office.others.away.add(PROVISIONING)
    browser = office.world.browser()
    answer = await browser.post(f"{office.base}/sign-in/sso", form={}, headers=PAGE)
    assert answer.status == 503 and answer.headers["Retry-After"] == "3"
    office.others.away.clear()
    assert (await office.signs_in(browser, office.workspace.agent.email)).status == 303


async def test_beginnings_from_one_address_are_limited(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beginning, "PER_ADDRESS", 10)
    office.connect()
    browser = office.world.browser()
    answers = [await browser.post(f"{office.base}/sign-in/sso", form={}) for _ in range(11)]
    assert [answer.status for answer in answers].count(200) == 10 and answers[-1].status == 429


async def test_failing_half_way_leaves_nothing(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.connect(just_in_time=True)
    nonce = await office.begun(office.world.browser())

    async def broken(self: Waiting, outcome: Outcome) -> str:
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(Waiting, "leave", broken)
        with pytest.raises(ConnectionError):
            await office.give(office.said(nonce, "new@example.com"))
    browser = office.world.browser()  # whoever begins anew comes in: the person was made whole
    assert (await office.signs_in(browser, "new@example.com")).status == 303
    async with office.cell.database.reading(office.workspace.id) as tx:
        assert len(await tx.all(select(Identity))) == 1


async def test_the_session_ends_with_the_one_at_the_identity_provider(office: Office) -> None:
    office.connect()
    browser, brief = office.world.browser(), office.world.browser()
    email = office.workspace.agent.email
    await office.signs_in(browser, email, ends_at=now() + timedelta(hours=1))
    await office.signs_in(brief, email, ends_at=now() - timedelta(seconds=1))
    assert [await library(office, one) for one in (browser, brief)] == [200, 303]


# Proving it once more.


async def test_a_fresh_proof_renews_the_session_of_the_same_person(office: Office) -> None:
    office.connect()
    browser = office.world.browser()
    await office.signs_in(browser, office.workspace.admin.email)
    before = browser.cookies[f"__Host-s-{office.key}"]
    answer = await browser.post(f"{office.base}/sign-in/sso/again", form={"next": f"{office.base}/sso"}, headers=PAGE)
    assert answer.status == 200
    asked = office.others.last("saml.begin")
    assert asked.purpose is Purpose.FRESH
    said = office.said(asked.nonce, office.workspace.admin.email, purpose=Purpose.FRESH)
    answer = await office.complete(browser, await office.give(said))
    assert answer.headers["Location"] == f"{office.base}/sso"
    assert browser.cookies[f"__Host-s-{office.key}"] != before and await library(office, browser) == 200
    (proved,) = await acts(office, "session.prove")
    assert proved.stored["details"] == {"by": "sso"} and proved.actor_id == office.workspace.admin.id


async def test_a_fresh_proof_by_somebody_else_is_none(office: Office) -> None:
    office.connect()
    agent, admin = office.world.browser(), office.world.browser()
    await office.signs_in(agent, office.workspace.agent.email)
    await office.signs_in(admin, office.workspace.admin.email)
    await admin.post(f"{office.base}/sign-in/sso/again", form={}, headers=PAGE)
    nonce = office.others.last("saml.begin").nonce
    with pytest.raises(NotAdmitted) as refused:
        await office.give(office.said(nonce, office.workspace.agent.email, purpose=Purpose.FRESH))
    assert refused.value.facts == {"reason": "another-person"}


async def test_a_fresh_proof_is_of_the_one_who_is_signed_in(office: Office) -> None:
    office.connect()
    admin = office.world.browser()
    await office.signs_in(admin, office.workspace.admin.email)
    await admin.post(f"{office.base}/sign-in/sso/again", form={}, headers=PAGE)
    nonce = office.others.last("saml.begin").nonce
    code = await office.give(office.said(nonce, office.workspace.admin.email, purpose=Purpose.FRESH))
    other = await office.world.signed_in(office.workspace, office.workspace.agent)
    other.cookies[cookie_name(nonce)] = admin.cookies[cookie_name(nonce)]
    assert (await office.complete(other, code)).status == 401


# The sign-in page.


async def test_the_page_offers_what_there_is(office: Office) -> None:
    browser, way = office.world.browser(), f'action="{office.base}/sign-in/sso"'
    page = await browser.page(f"{office.base}/sign-in")
    assert way not in page.text and 'name="password"' in page.text
    office.connect(enabled=False)
    assert way not in (await browser.page(f"{office.base}/sign-in")).text
    office.connect()
    page = await browser.page(f"{office.base}/sign-in")
    assert way in page.text and 'name="password"' in page.text and "data-at-once" not in page.text
    assert "data-at-once" in (await browser.page(f"{office.base}/sign-in?sso=1")).text


async def test_enforced_it_is_the_only_way_but_for_owners(office: Office) -> None:
    office.connect(enforced=True)
    browser = office.world.browser()
    page = await browser.page(f"{office.base}/sign-in")
    assert 'name="password"' not in page.text and "?password=1" in page.text
    assert 'name="password"' in (await browser.page(f"{office.base}/sign-in?password=1")).text
    for person, status in ((office.workspace.agent, 401), (office.workspace.admin, 401), (office.workspace.owner, 303)):
        typed = {"email": person.email, "password": PASSWORD}
        assert (await browser.post(f"{office.base}/sign-in", form=typed, headers=PAGE)).status == status


async def test_no_mail_lets_somebody_choose_a_password_that_would_not_count(office: Office) -> None:
    office.connect(enforced=True)
    browser = office.world.browser()
    for person in (office.workspace.agent, office.workspace.owner):
        await browser.post(f"{office.base}/forgotten", form={"email": person.email}, headers=PAGE)
    jobs = [job for job in await office.world.jobs(office.workspace) if job.kind == "people.reset"]
    assert len(jobs) == 2  # the same work whoever it is
    async with office.cell.database.reading(office.workspace.id) as tx:
        given = {row.arguments[0] for row in await tx.all(select(JobArguments)) if row.id in {job.id for job in jobs}}
    assert str(office.workspace.owner.id) in given and str(office.workspace.agent.id) not in given
