"""Starting: a use is taken by the POST and by nothing else, once for each start, and given back by none."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import time_machine
from sqlalchemy import select

from cell.links.models import Link
from cell.links.service import MadeLink
from cell.links.subjects import WRONG_SECRETS
from cell.recordings.models import Recording
from contracts.links import digest, new_secret
from tests.cell.browser import PAGE, Browser
from tests.cell.recordings.sending import PIECES, begun, path_of, start
from tests.cell.world import Workspace, World


async def row(world: World, workspace: Workspace, link: MadeLink) -> Link:
    async with world.cell.database.reading(workspace.id) as tx:
        return await tx.one(select(Link).where(Link.id == link.link.id))


async def recordings(world: World, workspace: Workspace) -> list[Recording]:
    async with world.cell.database.reading(workspace.id) as tx:
        return list(await tx.all(select(Recording)))


async def revoke(world: World, workspace: Workspace, link: MadeLink) -> None:
    agent = await world.signed_in(workspace, workspace.agent)
    assert (await agent.post(f"{workspace.base}/links/{link.link.id}/revoke")).status == 303


async def test_starting_answers_with_what_the_script_needs(world: World, workspace: Workspace) -> None:
    answer, sending = await start(world, workspace, await world.link(workspace))
    assert sending is not None and answer.json.keys() == {
        "recording_id",
        "upload_token",
        "upload_token_expires_in",
        "resume_token",
        "base",
        "limits",
    }
    assert answer.json["limits"] == {
        "chunk_bytes": 16777216,
        "chunks": 20000,
        "bytes": 8589934592,
        "seconds": 14400,
        "batch": 50,
    }
    assert answer.json["upload_token_expires_in"] == 900
    assert sending.base == f"{workspace.base}/uploads/{sending.id}"
    assert await sending.state() == "created"


async def test_neither_the_page_nor_its_head_takes_anything(world: World, workspace: Workspace) -> None:
    link, visitor = await world.link(workspace), world.browser()
    before = await row(world, workspace, link)
    for _ in range(3):
        assert (await visitor.page(path_of(link))).status == 200
        assert (await visitor.ask("HEAD", path_of(link))).status == 200
    after = await row(world, workspace, link)
    assert (after.uses, after.opened_at) == (before.uses, None)
    assert await recordings(world, workspace) == []
    assert (await visitor.post(f"{path_of(link)}/opened")).status == 204
    assert (await row(world, workspace, link)).opened_at is not None


@pytest.mark.parametrize(("uses", "starts"), [(1, 6), (3, 8)])
async def test_of_many_starts_at_once_as_many_succeed_as_there_are_uses(
    world: World, workspace: Workspace, uses: int, starts: int
) -> None:
    link = await world.link(workspace, max_uses=uses)
    answers = await asyncio.gather(*(start(world, workspace, link) for _ in range(starts)))
    statuses = sorted(answer.status for answer, _ in answers)
    assert statuses == [201] * uses + [410] * (starts - uses)
    assert {answer.slug for answer, _ in answers if answer.status == 410} == {"link-used-up"}
    assert (await row(world, workspace, link)).uses == uses
    assert len(await recordings(world, workspace)) == uses


async def test_a_used_up_an_expired_and_a_revoked_link_each_say_so(world: World, workspace: Workspace) -> None:
    used, old, gone = [await world.link(workspace) for _ in range(3)]
    await start(world, workspace, used)
    await revoke(world, workspace, gone)
    visitor = world.browser()
    pages = set()
    for link, slug, later in (
        (used, "link-used-up", timedelta(0)),
        (old, "link-expired", timedelta(days=8)),
        (gone, "link-revoked", timedelta(0)),
    ):
        with time_machine.travel(datetime.now(UTC) + later, tick=True):
            page = await visitor.page(path_of(link))
            answer, _ = await start(world, workspace, link)
        assert page.status == 410 and (answer.status, answer.slug) == (410, slug)
        title = page.text.partition("<h1")[2].partition("</h1>")[0]
        assert title
        pages.add(title)
    assert len(pages) == 3
    assert (await row(world, workspace, old)).uses == 0 == (await row(world, workspace, gone)).uses


async def test_a_link_keeps_to_what_it_allows(world: World, workspace: Workspace) -> None:
    link = await world.link(workspace, allows=["camera", "microphone"])
    answer, _ = await start(world, workspace, link, source="screen")
    assert (answer.status, answer.slug) == (403, "not-allowed-by-link")
    assert (await row(world, workspace, link)).uses == 0
    answer, _ = await start(world, workspace, link, source="microphone")
    assert (answer.status, answer.slug) == (422, "invalid")
    assert (await start(world, workspace, link, source="camera"))[0].status == 201


async def test_wrong_secrets_are_counted_by_address(world: World, workspace: Workspace) -> None:
    link, visitor = await world.link(workspace), world.browser()
    wrong = [f"/r/{workspace.key}-{new_secret(workspace.key)}" for _ in range(WRONG_SECRETS)]
    assert {(await visitor.page(path)).status for path in wrong} == {404}
    refused = await visitor.page(path_of(link))
    assert refused.status == 429 and int(refused.headers["Retry-After"]) > 0
    assert (await world.browser().page(path_of(link))).status == 200  # from elsewhere


async def test_a_typo_is_told_from_a_wrong_link_and_costs_nothing(world: World, workspace: Workspace) -> None:
    link, visitor = await world.link(workspace), world.browser()
    path = path_of(link)
    typo = path[:-2] + ("2" if path[-2] != "2" else "3") + path[-1]
    for _ in range(WRONG_SECRETS + 5):
        answer = await visitor.get(typo)
        assert (answer.status, answer.slug) == (404, "link-mistyped")
    assert (await visitor.get("/r/nonsense!")).slug == "link-unknown"
    assert (await visitor.page(path)).status == 200
    assert (await visitor.page(path.upper().replace("/R/", "/r/"))).status == 200  # read aloud, typed in capitals


async def test_the_secret_is_not_stored(world: World, workspace: Workspace) -> None:
    link = await world.link(workspace)
    secret = link.url.rsplit("-", 1)[1]
    stored = await row(world, workspace, link)
    assert stored.digest == digest(workspace.key, secret)
    assert secret not in repr(vars(stored))


async def test_a_retake_takes_no_use_and_throws_the_first_away(world: World, workspace: Workspace) -> None:
    link = await world.link(workspace)
    _, first = await start(world, workspace, link)
    assert first is not None
    await first.send(PIECES)
    answer, second = await start(world, workspace, link, replaces=first)
    assert answer.status == 201 and second is not None and second.id != first.id
    assert (await row(world, workspace, link)).uses == 1
    assert (await first.there()).state == "abandoned"
    refused = await first.grants()
    assert (refused.status, refused.slug) == (409, "recording-closed")
    assert await second.send(PIECES) == [200] * 3


async def test_a_recording_is_replaced_once_thrown_away_before_or_not(world: World, workspace: Workspace) -> None:
    kept, discarded = await begun(world, workspace), await begun(world, workspace)
    assert (await discarded.discard()).status == 204
    for first in (kept, discarded):
        answers = await asyncio.gather(*(start(world, workspace, first.link, replaces=first) for _ in range(4)))
        assert sorted(answer.status for answer, _ in answers) == [201, 404, 404, 404]
        assert (await row(world, workspace, first.link)).uses == 1


async def test_a_retake_needs_the_words_of_a_recording_of_this_link(world: World, workspace: Workspace) -> None:
    first, stranger = await begun(world, workspace), await begun(world, workspace)
    answer, _ = await start(world, workspace, first.link, replaces=stranger)
    assert (answer.status, answer.slug) == (404, "not-found")
    first.resume_token = stranger.resume_token
    answer, _ = await start(world, workspace, first.link, replaces=first)
    assert (answer.status, answer.slug) == (404, "not-found")
    assert await stranger.state() == "created"


async def test_what_was_sent_is_not_retaken(world: World, workspace: Workspace) -> None:
    first = await begun(world, workspace)
    await first.send(PIECES)
    assert (await first.finish(PIECES)).status == 202
    answer, _ = await start(world, workspace, first.link, replaces=first)
    assert (answer.status, answer.slug) == (409, "recording-closed")
    assert len(await recordings(world, workspace)) == 1


async def test_the_page_of_a_customer_says_what_will_happen_and_holds_no_stranger(
    world: World, workspace: Workspace, visitor: Browser
) -> None:
    link = await world.link(workspace, title="<script>alert(1)</script>", note='"</script><b>')
    page = await visitor.ask("GET", path_of(link), headers=PAGE)
    assert "<script>alert(1)" not in page.text and "</script><b>" not in page.text
    assert page.headers["Referrer-Policy"] == "same-origin" and page.headers["Cache-Control"] == "no-store"
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy


async def test_a_start_whose_answer_was_lost_can_be_asked_again(world: World, workspace: Workspace) -> None:
    link, visitor = await world.link(workspace, max_uses=1), world.browser()
    wanted = {"source": "screen", "recording_id": str(uuid4())}
    first = await visitor.post(f"{path_of(link)}/recordings", json=wanted)
    again = await visitor.post(f"{path_of(link)}/recordings", json=wanted)
    assert (first.status, again.status) == (201, 201)
    assert first.json["recording_id"] == again.json["recording_id"] == wanted["recording_id"]
    assert first.json["resume_token"] != again.json["resume_token"]
    assert (await row(world, workspace, link)).uses == 1 and len(await recordings(world, workspace)) == 1


async def test_nobody_asks_again_under_another_link(world: World, workspace: Workspace) -> None:
    mine, other, visitor = await world.link(workspace), await world.link(workspace), world.browser()
    wanted = {"source": "screen", "recording_id": str(uuid4())}
    assert (await visitor.post(f"{path_of(mine)}/recordings", json=wanted)).status == 201
    assert (await visitor.post(f"{path_of(other)}/recordings", json=wanted)).status == 404
    assert (await row(world, workspace, other)).uses == 0
