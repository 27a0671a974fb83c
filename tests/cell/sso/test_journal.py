"""The sign-in log: every answer once, bounded, for 30 days; and the daily work of whoever has one."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select, update

from cell.domains.models import Domain
from cell.people import service as people
from cell.sso import journal, kinds, upkeep
from cell.sso.calls import answer
from cell.sso.models import SignIn, SsoUpkeep
from contracts.identity import Certificate
from contracts.peers import Peers
from contracts.signing_in import Answer, Attempt, Find, HandedOver, HandOver, Purpose, Report
from kit.calls import Answers, Caller, RedisNonces
from kit.database import now
from kit.jobs import RunAgain
from kit.jobs.models import JobArguments
from kit.signing import SigningKey
from tests.cell.browser import Browser
from tests.cell.identity import Office, certificate, connection, reference
from tests.cell.sso.test_saving import save
from tests.cell.world import World
from tests.servers.mail import Mailbox


def attempt(**changes: object) -> Attempt:
    usual: dict[str, object] = {
        "reference": reference(),
        "at": now(),
        "purpose": Purpose.SIGN_IN,
        "reason": "certificate",
        "hint": "The certificate in Okta was rotated: upload the new one.",
        "answer": Answer(issuer="https://idp.example", name_id="ben@example.com"),
    }
    return Attempt.model_validate({**usual, **changes})


async def report(office: Office, *attempts: Attempt) -> None:
    await journal.report(office.cell, office.workspace.id, attempts)


async def lines(office: Office) -> Sequence[SignIn]:
    async with office.cell.database.reading(office.workspace.id) as tx:
        return await tx.all(select(SignIn).order_by(SignIn.at))


async def auditor(office: Office) -> Browser:
    return await office.world.signed_in(office.workspace, await office.world.member(office.workspace, "auditor"))


async def test_a_report_is_noted_once(office: Office) -> None:
    one, two = attempt(), attempt(purpose=None, reason="unsolicited")
    await report(office, one)
    await report(office, one, two)
    assert [(line.reference, line.reason) for line in await lines(office)] == [
        (one.reference, "certificate"),
        (two.reference, "unsolicited"),
    ]


async def test_an_admin_reads_it_and_an_auditor_too(office: Office) -> None:
    one = attempt(answer=Answer(name_id="ben@example.com", attributes=(("team", ("A", "B")),), status=("Responder",)))
    await report(office, one)
    admin = await office.world.signed_in(office.workspace, office.workspace.admin)
    for browser in (admin, await auditor(office)):
        page = await browser.page(f"{office.base}/sign-ins")
        assert page.status == 200 and one.reference in page.text and "certificate" in page.text
        page = await browser.page(f"{office.base}/sign-ins/{one.reference}")
        for text in ("was rotated", "ben@example.com", "team", "Responder"):
            assert text in page.text
    agent = await office.world.signed_in(office.workspace, office.workspace.agent)
    assert (await agent.page(f"{office.base}/sign-ins")).status == 403


async def test_what_an_answer_says_is_text_and_nothing_else(office: Office) -> None:
    evil = "<script>alert(1)</script>%(name)s{{7*7}}"
    one = attempt(hint=evil, answer=Answer(name_id=evil, issuer=evil, attributes=((evil, (evil,)),)))
    await report(office, one)
    admin = await office.world.signed_in(office.workspace, office.workspace.admin)
    for path in ("/sign-ins", f"/sign-ins/{one.reference}"):
        page = await admin.page(office.base + path)
        assert page.status == 200 and "<script>alert" not in page.text and "{{7*7}}" in page.text


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", [0, 1, 2]),
        ("name=BEN", [0, 2]),
        ("outcome=refused", [0, 1]),
        ("outcome=good", [2]),
        ("outcome=audience", [1]),
        ("purpose=test", [1]),
        ("name=nobody", []),
    ],
)
async def test_filters(office: Office, query: str, shown: list[int]) -> None:
    office.connect()
    refused = [
        attempt(),
        attempt(reason="audience", purpose=Purpose.TEST, answer=Answer(name_id="cleo@example.com")),
    ]
    await report(office, *refused)
    browser = office.world.browser()
    said = office.said(await office.begun(browser), office.workspace.agent.email)
    await office.give(said)
    admin = await office.world.signed_in(office.workspace, office.workspace.admin)
    page = await admin.page(f"{office.base}/sign-ins?{query}")
    references = [refused[0].reference, refused[1].reference, said.reference]
    assert [number for number, one in enumerate(references) if one in page.text] == shown
    by_reference = await admin.page(f"{office.base}/sign-ins?name={references[1].upper()}")
    assert [one in by_reference.text for one in references] == [False, True, False]


async def test_pages_follow_one_another_without_a_gap(office: Office) -> None:
    moment = now()
    many = [attempt(at=moment - timedelta(seconds=number // 2)) for number in range(70)]
    await report(office, *many)
    admin = await office.world.signed_in(office.workspace, office.workspace.admin)
    first = await admin.page(f"{office.base}/sign-ins")
    onward = first.text.partition("cursor=")[2].partition('"')[0]
    second = await admin.page(f"{office.base}/sign-ins?cursor={onward}")
    seen = [[one.reference in page.text for one in many] for page in (first, second)]
    assert [sum(one) for one in seen] == [50, 20]
    assert all(a is not b for a, b in zip(*seen, strict=True))


async def test_an_answer_is_kept_within_bounds(office: Office) -> None:
    huge = Answer(attributes=tuple((f"a{number}", ("x" * 300,) * 50) for number in range(50)))
    await report(office, attempt(answer=huge))
    async with office.cell.database.reading(office.workspace.id) as tx:
        size = await tx.one(select(func.length(func.cast(SignIn.answer, SignIn.hint.type))))
    assert size < 2 * journal.LARGEST


async def test_very_many_refusals_are_not_all_noted(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "MOST_REFUSED", 5)
    await report(office, *(attempt() for _ in range(8)))
    assert len(await lines(office)) == 5


async def test_lines_leave_after_30_days(office: Office) -> None:
    old, new = attempt(at=now() - timedelta(days=31)), attempt(at=now() - timedelta(days=29))
    await report(office, old, new)
    with pytest.raises(RunAgain):
        await upkeep.look_after(office.cell, office.workspace.id)
    assert [line.reference for line in await lines(office)] == [new.reference]


async def test_the_daily_job_waits_once_and_ends_with_the_last_line(office: Office) -> None:
    await report(office, attempt())
    await report(office, attempt())
    jobs = [job for job in await office.world.jobs(office.workspace) if job.kind == kinds.UPKEEP.name]
    assert len(jobs) == 1 and jobs[0].due > now() + timedelta(hours=23)
    async with office.cell.database.writing(office.workspace.id) as tx:
        await tx.execute(delete(SignIn))
    await upkeep.look_after(office.cell, office.workspace.id)
    async with office.cell.database.reading(office.workspace.id) as tx:
        assert await tx.first(select(SsoUpkeep)) is None
    await report(office, attempt())  # and begins anew with the next
    jobs = [job for job in await office.world.jobs(office.workspace) if job.kind == kinds.UPKEEP.name]
    assert len(jobs) == 2


async def warnings(office: Office) -> list[list[str]]:
    """Who is written to when the daily job runs."""
    with pytest.raises(RunAgain):
        await upkeep.look_after(office.cell, office.workspace.id)
    jobs = [job for job in await office.world.jobs(office.workspace) if job.kind == kinds.WARN.name]
    async with office.cell.database.writing(office.workspace.id) as tx:
        given = [row.arguments for row in await tx.all(select(JobArguments)) if row.id in {job.id for job in jobs}]
        await tx.execute(delete(JobArguments).where(JobArguments.id.in_([job.id for job in jobs])))
    return sorted(given)


async def test_the_end_of_a_certificate_is_told_twice_to_each_admin_and_owner(office: Office) -> None:
    ends = Certificate.of(certificate(20))
    await save(office, connection(office.workspace, certificates=(ends,)))
    whom = sorted(str(one.id) for one in (office.workspace.admin, office.workspace.owner))
    assert [one[0] for one in await warnings(office)] == whom
    assert await warnings(office) == []
    sooner = connection(office.workspace, certificates=(Certificate.of(certificate(5)),))
    await save(office, sooner)
    assert len(await warnings(office)) == 2
    await save(office, connection(office.workspace, certificates=(*sooner.certificates, Certificate.of(certificate()))))
    assert await warnings(office) == []  # its successor is there


async def test_nobody_is_warned_of_a_connection_that_is_off(office: Office) -> None:
    await save(office, connection(office.workspace, enabled=False, certificates=(Certificate.of(certificate(5)),)))
    assert await warnings(office) == []


async def test_the_mail_says_when_and_where(office: Office, mailing: World, mailbox: Mailbox) -> None:
    cell = replace(office.cell, settings=mailing.cell.settings)
    await upkeep.warn(cell, office.workspace.id, office.workspace.admin.id, "2026-12-24")
    mail = mailbox.mails[-1]
    assert "2026-12-24" in mail["Subject"] and mail["To"] == office.workspace.admin.email
    assert f"{office.base}/sso" in mail.get_content()
    await upkeep.warn(cell, office.workspace.id, office.workspace.agent.id, "2026-12-24")
    assert len(mailbox.mails) == 1  # an agent cannot mend it


async def test_the_mail_is_in_its_readers_language(office: Office, mailing: World, mailbox: Mailbox) -> None:
    cell = replace(office.cell, settings=mailing.cell.settings)
    async with office.cell.database.writing(office.workspace.id) as tx:
        await people.seen(tx, office.workspace.admin.id, "de")
    await upkeep.warn(cell, office.workspace.id, office.workspace.admin.id, "2026-12-24")
    assert "Zertifikat" in mailbox.mails[-1]["Subject"]


SETTINGS = ("people", "sso", "domains", "sign-ins", "directory", "tokens", "security", "audit")


@pytest.mark.parametrize(
    ("days", "kind", "says"),
    [(20, "notice-warn", "ends soon"), (5, "notice-bad", "ends soon"), (-1, "notice-bad", "has ended")],
)
async def test_every_page_of_settings_warns_who_can_mend_it(office: Office, days: int, kind: str, says: str) -> None:
    made = office.connect(certificates=(Certificate.of(certificate(days)),))
    admin = await office.world.signed_in(office.workspace, office.workspace.admin)
    auditor = await office.world.signed_in(office.workspace, await office.world.member(office.workspace, "auditor"))
    for path in SETTINGS:
        page = (await admin.page(f"{office.base}/{path}")).text
        assert f'class="notice {kind} banner" id="certificate-ends"' in page and says in page, path
        assert "certificate-ends" not in (await auditor.page(f"{office.base}/{path}")).text, path
    assert "certificate-ends" not in (await admin.page(f"{office.base}/library")).text
    office.connect(certificates=(*made.certificates, Certificate.of(certificate())))
    assert "certificate-ends" not in (await admin.page(f"{office.base}/sso")).text


async def test_nobody_hears_of_certificates_of_a_connection_that_is_off(office: Office) -> None:
    office.connect(enabled=False, certificates=(Certificate.of(certificate(5)),))
    admin = await office.world.signed_in(office.workspace, office.workspace.admin)
    assert "certificate-ends" not in (await admin.page(f"{office.base}/people")).text


async def test_calls_reach_what_they_name(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = Answers("eu-1", SigningKey.new(), Peers(), RedisNonces(office.cell.redis), _anybody)
    answer(answers, office.cell)
    assert answers.operations == {"identity.give", "identity.report", "people.find"}
    handlers = {name: one.handler for name, one in answers._table.items()}
    by = Caller("provisioning-eu")
    office.connect()
    said: HandOver = office.said(await office.begun(office.world.browser()), office.workspace.agent.email)
    given = await handlers["identity.give"](by, said)
    assert isinstance(given, HandedOver) and len(given.code) == 64
    await handlers["identity.report"](by, Report(workspace_id=office.workspace.id, attempts=(attempt(),)))
    assert len(await lines(office)) == 2
    await handlers["people.find"](by, Find(email=office.workspace.agent.email, address=reference()))
    async with asyncio.timeout(60):
        while "people.find" not in [job.kind for job in await office.world.jobs(office.workspace)]:  # noqa: ASYNC110 - rows of a database
            await asyncio.sleep(0.02)  # it looks after the answer


async def _anybody(sender: str, operation: str, request: object) -> None:
    return None


async def test_a_domain_and_a_line_outlive_nothing_of_their_workspace(office: Office) -> None:
    """Rows are the workspace's own: in another scope they do not exist."""
    await report(office, attempt())
    elsewhere = await office.world.found()
    async with office.cell.database.reading(elsewhere.id) as tx:
        assert await tx.all(select(SignIn)) == [] and await tx.all(select(Domain)) == []
    async with office.cell.database.writing(elsewhere.id) as tx:
        assert await tx.execute(update(SignIn).values(reason="mine")) == 0
