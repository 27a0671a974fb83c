"""The log has no upper end: what is read of it and taken from it at a time has one."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import Engine, Select, event, func, select

from cell.directory import journal, queries, upkeep
from cell.directory.models import Line
from cell.directory.reasons import OFTEN
from kit.database import now
from kit.jobs import RunAgain
from tests.cell.browser import Browser
from tests.cell.directory.idp import Idp
from tests.cell.world import Workspace, World
from tests.servers.plans import nodes, plan, rows_read
from tests.servers.postgres import Postgres

FILL = """
INSERT INTO directory_log
  (workspace_id, id, at, token_id, trace, asked, verb, resource, name, result, reason, detail)
SELECT $1, gen_random_uuid(), now() - n * interval '1 second', $1, '', 'PATCH /Users/' || n, 'patch', 'person', 'Ada',
       $4, $5, ''
  FROM generate_series($2::int, $3::int) n
"""


async def fill(tx: Any, workspace: Workspace, ages: range, result: str = "changed", reason: str = "") -> None:
    """Lines, a second apart."""
    await (await tx.direct()).row(FILL, workspace.id, ages.start, ages.stop - 1, result, reason)


@pytest.fixture(scope="module")
async def busy(world: World, postgres: Postgres, cell_database: str) -> Workspace:
    """A workspace with 40,000 lines within a day, of which the five oldest were refused, beside a smaller one."""
    workspace, other = await world.found(), await world.found()
    async with world.cell.database.writing(workspace.id) as tx:
        await fill(tx, workspace, range(1, 40_001))
        await fill(tx, workspace, range(40_001, 40_006), "refused", "taken")
    async with world.cell.database.writing(other.id) as tx:
        await fill(tx, other, range(1, 5_001))
    connection = await asyncpg.connect(postgres.superuser_dsn(cell_database))
    await connection.execute("ANALYZE directory_log")
    await connection.close()
    return workspace


LOOKS: dict[str, tuple[Select[*tuple[Any, ...]], str, int]] = {
    "the last refused": (queries.last_refused(), "ix_directory_log_refused", 5),
    "those refused": (queries.lines(None, 51, result="refused"), "ix_directory_log_refused", 5),
    "those refused for a reason": (queries.lines(None, 51, "never", "refused"), "ix_directory_log_refused", 5),
    "the end of those refused": (queries.last_searched(None, refused=True), "ix_directory_log_refused", 5),
    "how many were refused": (queries.refusals(now() - timedelta(days=1)), "ix_directory_log_refused", 5),
    "all": (queries.lines(None, 51), "ix_directory_log_at", 51),
    "one that is not there": (queries.lines(None, 51, "never"), "ix_directory_log_at", queries.SEARCHED),
    "what there is none of": (
        queries.lines((now(), uuid4()), 51, result="unchanged"),
        "ix_directory_log_at",
        queries.SEARCHED,
    ),
    "the end of a search": (queries.last_searched(None, refused=False), "ix_directory_log_at", queries.SEARCHED),
    "changes": (queries.changes(now() - timedelta(days=1)), "ix_directory_log_at", queries.COUNTED + 1),
}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_a_look_into_the_log_reads_a_bounded_part_of_it(
    world: World, busy: Workspace, look: str, mode: str
) -> None:
    statement, index, most = LOOKS[look]
    sent: list[tuple[str, list[object]]] = []

    def note(_: Any, __: Any, text: str, values: Any, *___: Any) -> None:
        sent.append((text, list(values)))

    async with world.cell.database.writing(busy.id) as tx:
        event.listen(Engine, "before_cursor_execute", note)
        try:
            await tx.rows(statement)
        finally:
            event.remove(Engine, "before_cursor_execute", note)
        found = await plan(await tx.direct(), mode, *sent[-1], "ANALYZE")
    assert rows_read(found) <= most, found
    assert {one["Index Name"] for one in nodes(found) if "Index Name" in one} == {index}, found


async def test_a_search_goes_on_where_it_ended(
    world: World, workspace: Workspace, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "SEARCHED", 20)
    async with world.cell.database.writing(workspace.id) as tx:
        await fill(tx, workspace, range(1, 46))
        await fill(tx, workspace, range(46, 47), "refused", "taken")
    at = f"{workspace.base}/directory/log?q=taken"
    pages = 0
    while "Who or what" not in (page := (await admin.page(at)).text):
        pages += 1
        assert "Older entries" in page and pages < 9
        at = _older(page)
    assert pages == 2 and page.count("PATCH /Users/46") == 1 and "Older entries" not in page


def _older(page: str) -> str:
    before, _, _ = page.partition("Older entries")
    return before.rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")


async def test_what_is_not_counted_to_its_end_is_shown_so(
    workspace: Workspace, admin: Browser, idp: Idp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with idp.cell.database.writing(workspace.id) as tx:
        await fill(tx, workspace, range(1, 4))
        await fill(tx, workspace, range(10, 14), "refused", OFTEN)
        await fill(tx, workspace, range(20, 24), "refused", "taken")
    await idp.find()
    await idp.tally.write()
    said = "<dd>{} changes, 1 look-ups, {} refused</dd>"
    assert said.format(3, 4) in (await admin.page(f"{workspace.base}/directory")).text
    monkeypatch.setattr(queries, "COUNTED", 3)
    assert said.format("3+", "3+") in (await admin.page(f"{workspace.base}/directory")).text


async def test_old_lines_go_a_part_at_a_time(
    idp: Idp, postgres: Postgres, cell_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "FORGOTTEN_AT_ONCE", 2)
    month = int(journal.KEPT.total_seconds())
    async with idp.cell.database.writing(idp.workspace.id) as tx:
        await fill(tx, idp.workspace, range(month + 1, month + 6))
    holding = await asyncpg.connect(postgres.superuser_dsn(cell_database))
    try:
        held = holding.transaction()
        await held.start()
        newest = "SELECT FROM directory_log WHERE workspace_id = $1 ORDER BY at DESC LIMIT 1 FOR UPDATE"
        await holding.execute(newest.replace("$1", f"'{idp.workspace.id}'"))
        job = asyncio.create_task(upkeep.look_after(idp.cell, idp.workspace.id))
        left = "SELECT count(*) FROM directory_log WHERE workspace_id = $1"

        async def down_to_one() -> None:
            while await holding.fetchval(left, idp.workspace.id) != 1:  # noqa: ASYNC110 - a commit sets no event here
                await asyncio.sleep(0.02)

        await asyncio.wait_for(down_to_one(), 30)  # the others are gone for good, while the job waits for the last
        assert not job.done()
        await held.rollback()
    finally:
        await holding.close()
    with pytest.raises(RunAgain):
        await job
    async with idp.cell.database.reading(idp.workspace.id) as seen:
        assert await seen.one(select(func.count()).select_from(Line)) == 0
