"""Two workspaces with the same person's address and an identity provider each, one of them hostile: no way across."""

from dataclasses import dataclass, replace
from uuid import UUID

import pytest
from sqlalchemy import select

from cell.people.models import Person
from cell.sso.models import Identity, SignIn
from contracts.signing_in import NotAdmitted, Purpose, SignInUnknown, SsoOff
from kit.refusals import NotFound
from tests.cell.browser import Browser
from tests.cell.directory.idp import connect
from tests.cell.identity import IDP, Office

EVIL = "https://idp.evil.example/entity"
ANNA = "anna@example.com"


@dataclass(frozen=True)
class Two:
    """Acme, whose Anna is an owner; and Evil, which has an Anna of the same address and whatever domains it proved."""

    acme: Office
    evil: Office


async def anna_of(office: Office, role: str) -> Person:
    person = await office.world.member(office.workspace, role, "Anna Alt")
    async with office.cell.database.writing(office.workspace.id) as tx:
        held = await tx.one(select(Person).where(Person.id == person.id))
        held.email, held.email_norm = ANNA, ANNA
        return held


@pytest.fixture
async def two(office: Office) -> Two:
    workspace = await office.world.found()
    office.others.keys[workspace.id] = workspace.key
    evil = replace(office, workspace=workspace)
    await evil.verify("example.com")  # say it once had the domain
    office.connect()
    evil.connect(idp_entity_id=EVIL, just_in_time=True)
    await anna_of(office, "owner")
    await anna_of(evil, "agent")
    return Two(office, evil)


async def reached(browser: Browser, *offices: Office) -> list[int]:
    return [(await browser.page(f"{office.base}/library")).status for office in offices]


async def test_each_lets_in_its_own_anna(two: Two) -> None:
    for office, idp, here in ((two.acme, IDP, [200, 303]), (two.evil, EVIL, [303, 200])):
        browser = office.world.browser()
        assert (await office.signs_in(browser, ANNA, idp_entity_id=idp)).status == 303
        assert await reached(browser, two.acme, two.evil) == here


async def test_an_identity_counts_in_its_own_workspace_alone(two: Two) -> None:
    for office, idp in ((two.acme, IDP), (two.evil, EVIL)):
        await office.signs_in(office.world.browser(), ANNA, idp_entity_id=idp)
    for office, idp in ((two.acme, IDP), (two.evil, EVIL)):
        async with office.cell.database.reading(office.workspace.id) as tx:
            assert [one.idp_entity_id for one in await tx.all(select(Identity))] == [idp]


async def test_the_hostile_provider_is_not_believed_about_acme(two: Two) -> None:
    """Begun at Acme, answered by Evil's provider: whatever let that through, the cell compares once more."""
    browser = two.acme.world.browser()
    nonce = await two.acme.begun(browser)
    with pytest.raises(SsoOff):
        await two.acme.give(two.acme.said(nonce, ANNA, idp_entity_id=EVIL))
    assert await reached(browser, two.acme) == [303]


async def test_a_sign_in_that_began_at_evil_ends_there(two: Two) -> None:
    browser = two.evil.world.browser()
    nonce = await two.evil.begun(browser)
    with pytest.raises(SignInUnknown):
        await two.acme.give(two.acme.said(nonce, ANNA, idp_entity_id=IDP))
    assert await reached(browser, two.acme, two.evil) == [303, 303]


async def test_a_code_of_evil_opens_nothing_at_acme(two: Two) -> None:
    browser = two.evil.world.browser()
    code = await two.evil.give(two.evil.said(await two.evil.begun(browser), ANNA, idp_entity_id=EVIL))
    assert (await two.acme.complete(browser, code)).status == 410
    assert (await two.evil.complete(browser, code)).status == 303
    assert await reached(browser, two.acme, two.evil) == [303, 200]


async def test_a_code_is_one_workspaces_also_where_one_browser_began_at_both(two: Two) -> None:
    """Both cookies are there, and each code is tried at the other workspace first."""
    browser = two.acme.world.browser()
    codes = []
    for office, idp in ((two.acme, IDP), (two.evil, EVIL)):
        codes.append(await office.give(office.said(await office.begun(browser), ANNA, idp_entity_id=idp)))
    ours, theirs = codes
    assert (await two.acme.complete(browser, theirs)).status == 410
    assert (await two.evil.complete(browser, ours)).status == 410
    assert await reached(browser, two.acme, two.evil) == [303, 303]
    assert (await two.evil.complete(browser, theirs)).status == 303
    assert await reached(browser, two.acme, two.evil) == [303, 200]


async def test_a_session_of_evil_under_acmes_name_is_none(two: Two) -> None:
    browser = two.evil.world.browser()
    await two.evil.signs_in(browser, ANNA, idp_entity_id=EVIL)
    browser.cookies[f"__Host-s-{two.acme.key}"] = browser.cookies[f"__Host-s-{two.evil.key}"]
    assert await reached(browser, two.acme, two.evil) == [303, 200]


@pytest.mark.parametrize("onward", ["/w/{key}/people", "//eu-1.localhost:8001/w/{key}/people", "/\\evil.example"])
async def test_a_sign_in_at_evil_goes_on_within_evil(two: Two, onward: str) -> None:
    browser = two.evil.world.browser()
    answer = await two.evil.signs_in(browser, ANNA, onward.format(key=two.acme.key), idp_entity_id=EVIL)
    assert answer.headers["Location"].startswith(f"{two.evil.base}/")


@pytest.mark.parametrize("purpose", [Purpose.TEST, Purpose.FRESH])
async def test_what_evil_began_for_another_purpose_is_no_sign_in_at_acme(two: Two, purpose: Purpose) -> None:
    """The nonce of a test or of a fresh proof is evil's own, as is what comes of it."""
    nonce = await two.evil.begun(two.evil.world.browser())
    with pytest.raises(SignInUnknown):
        await two.acme.give(two.acme.said(nonce, ANNA, purpose=purpose))


async def test_the_same_entity_id_at_both_is_still_two_identities(two: Two) -> None:
    """Evil claims Acme's entity ID for its own provider: it is believed within Evil alone."""
    two.evil.connect(idp_entity_id=IDP, just_in_time=True)
    browser = two.evil.world.browser()
    assert (await two.evil.signs_in(browser, ANNA)).status == 303
    assert await reached(browser, two.acme, two.evil) == [303, 200]


async def anna_by_scim(office: Office, external_id: str) -> UUID:
    """The directory of a workspace sends its Anna, who is there already or is made."""
    idp = await connect(office.world, office.workspace)
    return (await idp.create(ANNA, external_id=external_id, emails=[{"value": ANNA, "primary": True}])).id


@pytest.mark.parametrize("managed", ["acme", "evil", "both"])
@pytest.mark.parametrize("named", [ANNA, "anna-0001"])
@pytest.mark.parametrize("entity", [EVIL, IDP])
async def test_with_a_directory_too_each_name_is_its_own_workspaces(
    two: Two, managed: str, named: str, entity: str
) -> None:
    """The same address, user name, external ID and NameID on both sides, and perhaps the same entity ID."""
    two.evil.connect(idp_entity_id=entity)
    for office in (two.acme, two.evil):
        if managed in {"both", "acme" if office is two.acme else "evil"}:
            await anna_by_scim(office, "anna-0001")
    nonce = await two.evil.begun(two.evil.world.browser())
    with pytest.raises(SignInUnknown):
        await two.acme.give(two.acme.said(nonce, named, idp_entity_id=entity))
    browser = two.evil.world.browser()
    said = two.evil.said(await two.evil.begun(browser), named, idp_entity_id=entity)
    if named != ANNA and managed == "acme":  # acme's external ID names nobody at evil
        with pytest.raises(NotAdmitted):
            await two.evil.give(said)
    else:
        assert (await two.evil.complete(browser, await two.evil.give(said))).status == 303
        assert await reached(browser, two.acme, two.evil) == [303, 200]
    async with two.acme.cell.database.reading(two.acme.workspace.id) as tx:
        assert await tx.first(select(Identity)) is None
        anna = await tx.one(select(Person).where(Person.email_norm == ANNA))
        assert (anna.role, anna.active) == ("owner", True)


async def test_what_evils_directory_does_to_its_anna_is_not_done_to_acmes(two: Two) -> None:
    idp = await connect(two.evil.world, two.evil.workspace)
    theirs = await anna_by_scim(two.evil, "anna-0001")
    async with two.acme.cell.database.reading(two.acme.workspace.id) as tx:
        ours = (await tx.one(select(Person).where(Person.email_norm == ANNA))).id
    for change in (idp.switch(ours, active=False), idp.erase(ours), idp.get(ours)):
        with pytest.raises(NotFound):
            await change
    browser = two.acme.world.browser()
    await two.acme.signs_in(browser, ANNA)
    await idp.switch(theirs, active=False)
    await idp.erase(theirs)
    assert await reached(browser, two.acme) == [200]


async def test_evil_cannot_create_people_of_domains_that_it_has_not_proved(two: Two) -> None:
    nonce = await two.evil.begun(two.evil.world.browser())
    with pytest.raises(NotAdmitted):
        await two.evil.give(two.evil.said(nonce, "ceo@acme.example", idp_entity_id=EVIL))


async def test_a_session_of_evil_sees_nothing_of_acmes_sign_ins(two: Two) -> None:
    mine = two.acme.world.browser()
    await two.acme.signs_in(mine, ANNA)
    async with two.acme.cell.database.reading(two.acme.workspace.id) as tx:
        reference = (await tx.one(select(SignIn))).reference
    theirs = await two.evil.world.signed_in(two.evil.workspace, two.evil.workspace.owner)
    assert (await theirs.page(f"{two.evil.base}/sign-ins/{reference}")).status == 404
    assert (await mine.page(f"{two.acme.base}/sign-ins/{reference}")).status == 200
    assert reference not in (await theirs.page(f"{two.evil.base}/sign-ins")).text
