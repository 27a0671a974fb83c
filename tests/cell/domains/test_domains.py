"""Domains: added as they are written everywhere, proved by DNS, told to the registry as hashes, removed on purpose."""

import pytest
from sqlalchemy import select

from cell.actors import SYSTEM
from cell.audit.models import AuditEntry
from cell.domains import queries, service
from cell.domains.models import Domain
from contracts.domains import digest
from contracts.peers import REGISTRY
from contracts.signing_in import DomainChecked, NameServersSilent
from tests.cell.browser import PAGE, Browser
from tests.cell.identity import DOMAIN_KEY, PROVISIONING, Office


@pytest.fixture
async def admin(office: Office) -> Browser:
    return await office.world.signed_in(office.workspace, office.workspace.admin)


async def domains(office: Office) -> list[Domain]:
    async with office.cell.database.reading(office.workspace.id) as tx:
        return list(await tx.all(queries.everything()))


async def add(office: Office, admin: Browser, name: str = "acme.example") -> Domain:
    answer = await admin.post(f"{office.base}/domains", form={"domain": name}, headers=PAGE)
    assert answer.status == 303, answer.text
    return max(await domains(office), key=lambda one: one.added_at)


async def check(office: Office, admin: Browser, domain: Domain, answer: DomainChecked) -> None:
    office.others.found = answer
    got = await admin.post(f"{office.base}/domains/{domain.id}/check", form={}, headers=PAGE)
    assert got.status == 303, got.text


async def acts(office: Office) -> list[tuple[str, object]]:
    async with office.cell.database.reading(office.workspace.id) as tx:
        found = await tx.all(select(AuditEntry).order_by(AuditEntry.seq))
    return [(one.action, one.stored["details"]) for one in found if one.action.startswith("domain.")]


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Acme.Example", "acme.example"),
        (" acme.example. ", "acme.example"),
        ("bücher.example", "xn--bcher-kva.example"),
    ],
)
async def test_a_domain_is_kept_as_it_is_compared(office: Office, admin: Browser, typed: str, name: str) -> None:
    domain = await add(office, admin, typed)
    assert domain.domain == name and len(domain.token) == 32 and domain.verified_at is None
    page = await admin.page(f"{office.base}/domains")
    assert f"_cellcast.{name}" in page.text and f"cellcast-verification={domain.token}" in page.text
    assert await acts(office) == [("domain.add", {"domain": name})]


@pytest.mark.parametrize(
    "typed", ["", "example", "ben@acme.example", "https://acme.example", "a..b", "x" * 254, "1.2.3.4"]
)
async def test_what_is_no_domain_is_refused_in_words(office: Office, admin: Browser, typed: str) -> None:
    answer = await admin.post(f"{office.base}/domains", form={"domain": typed}, headers=PAGE)
    assert answer.status == 422 and "This is not a domain" in answer.text
    assert [one.domain for one in await domains(office)] == ["example.com"]


async def test_it_is_listed_once_and_not_without_end(
    office: Office, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(office, admin)
    answer = await admin.post(f"{office.base}/domains", form={"domain": "ACME.example"}, headers=PAGE)
    assert answer.status == 409 and "already" in answer.text
    monkeypatch.setattr(service, "MOST", 2)
    answer = await admin.post(f"{office.base}/domains", form={"domain": "more.example"}, headers=PAGE)
    assert answer.status == 409 and "50 domains" in answer.text


async def test_its_record_proves_it(office: Office, admin: Browser) -> None:
    domain = await add(office, admin)
    await check(office, admin, domain, DomainChecked(found=False, seen=("v=spf1 -all", "<b>x</b>")))
    asked = office.others.last("domain.check")
    assert (asked.domain, asked.token) == (domain.domain, domain.token)
    page = await admin.page(f"{office.base}/domains")
    assert "v=spf1 -all" in page.text and "&lt;b&gt;x" in page.text and "says something else" in page.text
    assert office.others.count("domains.set") == 0
    await check(office, admin, domain, DomainChecked(found=True))
    async with office.cell.database.reading(office.workspace.id) as tx:
        assert await service.verified(tx) == {"acme.example", "example.com"}
    await office.jobs()
    told = office.others.last("domains.set")
    assert told.workspace_id == office.workspace.id
    assert set(told.digests) == {digest(DOMAIN_KEY, one) for one in ("acme.example", "example.com")}
    assert "acme" not in told.model_dump_json()
    assert [one[0] for one in await acts(office)] == ["domain.add", "domain.verify"]


async def test_looking_again_takes_nothing_away(office: Office, admin: Browser) -> None:
    domain = await add(office, admin)
    await check(office, admin, domain, DomainChecked(found=True))
    await check(office, admin, domain, DomainChecked(found=False))
    (held,) = [one for one in await domains(office) if one.id == domain.id]
    assert held.verified_at is not None and not held.found
    assert "no longer there" in (await admin.page(f"{office.base}/domains")).text
    await check(office, admin, domain, DomainChecked(found=True))
    assert [one[0] for one in await acts(office)] == ["domain.add", "domain.verify"]


async def test_removing_is_meant_and_told(office: Office, admin: Browser) -> None:
    domain = await add(office, admin)
    await check(office, admin, domain, DomainChecked(found=True))
    await office.jobs()
    path = f"{office.base}/domains/{domain.id}/remove"
    answer = await admin.post(path, form={"domain": "example.com"}, headers=PAGE)
    assert answer.status == 422 and "Nothing has changed" in answer.text
    assert (await admin.post(path, form={"domain": " Acme.example "}, headers=PAGE)).status == 303
    await office.jobs()
    assert office.others.last("domains.set").digests == (digest(DOMAIN_KEY, "example.com"),)
    assert (await acts(office))[-1] == ("domain.remove", {"domain": "acme.example"})


async def test_a_domain_that_too_many_share_is_verified_all_the_same(office: Office, admin: Browser) -> None:
    office.others.taken.add(digest(DOMAIN_KEY, "acme.example"))
    domain = await add(office, admin)
    await check(office, admin, domain, DomainChecked(found=True))
    await office.jobs()
    assert office.others.last("domains.set").digests == (digest(DOMAIN_KEY, "example.com"),)
    (held,) = [one for one in await domains(office) if one.id == domain.id]
    assert held.verified_at is not None and held.crowded
    assert "Very many workspaces" in (await admin.page(f"{office.base}/domains")).text


async def test_those_who_are_away_are_said_or_told_later(office: Office, admin: Browser) -> None:
    domain = await add(office, admin)
    office.others.away.add(PROVISIONING)
    answer = await admin.post(f"{office.base}/domains/{domain.id}/check", form={}, headers=PAGE)
    assert answer.status == 503 and "Try again in a moment" in answer.text
    office.others.away = {REGISTRY}
    await check(office, admin, domain, DomainChecked(found=True))
    await office.jobs()
    (job,) = [job for job in await office.world.jobs(office.workspace) if job.kind == "domains.tell"]
    assert job.dead_at is None and job.attempts == 0


async def test_name_servers_that_say_nothing_prove_and_disprove_nothing(office: Office, admin: Browser) -> None:
    domain = await add(office, admin)
    office.others.found = NameServersSilent()
    answer = await admin.post(f"{office.base}/domains/{domain.id}/check", form={}, headers=PAGE)
    assert answer.status == 503 and "name servers" in answer.text
    (held,) = [one for one in await domains(office) if one.id == domain.id]
    assert held.checked_at is None


async def test_looking_is_limited(office: Office, admin: Browser) -> None:
    domain = await add(office, admin)
    path = f"{office.base}/domains/{domain.id}/check"
    answers = [(await admin.post(path, form={})).status for _ in range(61)]
    assert answers == [303] * 60 + [429]


async def test_who_may(office: Office) -> None:
    for role, reads, changes in (("agent", 403, 403), ("auditor", 200, 403), ("admin", 200, 303), ("owner", 200, 303)):
        browser = await office.world.signed_in(office.workspace, await office.world.member(office.workspace, role))
        assert (await browser.page(f"{office.base}/domains")).status == reads
        answer = await browser.post(f"{office.base}/domains", form={"domain": f"{role}.example"}, headers=PAGE)
        assert answer.status == changes, role


async def test_a_domain_of_another_workspace_is_not_found(office: Office, admin: Browser) -> None:
    domain = await add(office, admin)
    elsewhere = await office.world.found()
    stranger = await office.world.signed_in(elsewhere, elsewhere.owner)
    for act in ("check", "remove"):
        path = f"{elsewhere.base}/domains/{domain.id}/{act}"
        assert (await stranger.post(path, form={"domain": domain.domain})).status == 404
    async with office.cell.database.writing(elsewhere.id) as tx:
        assert await service.verified(tx) == frozenset()
        made = await service.add(tx, SYSTEM, "acme.example")  # it may prove it too
        assert made.token != domain.token
