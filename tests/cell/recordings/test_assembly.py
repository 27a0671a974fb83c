"""From chunks to a video that plays and seeks; and what happens to tabs that vanish, damage, crashes and deletion."""

import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from prometheus_client import REGISTRY
from yarl import URL

from cell.jobs import TASKS
from cell.recordings import assembly, grants, tasks
from cell.recordings.states import State
from cell.resources import Cell
from kit.outages import is_outage
from kit.storage import Bucket, StorageUnavailable
from tests.cell.browser import Browser
from tests.cell.recordings.sending import Sending, begun
from tests.cell.world import Workspace, World
from tests.media_files import recorded_webm

SECONDS = 3
PIECE = 20_000
FINAL = {"final/video.webm", "final/thumbnail.jpg", "final/storyboard.jpg", "final/storyboard.vtt"}


@pytest.fixture(scope="module")
def pieces() -> list[bytes]:
    """A recorded WebM, cut as a recorder sends it."""
    whole = recorded_webm(SECONDS)
    return [whole[at : at + PIECE] for at in range(0, len(whole), PIECE)]


@pytest.fixture
async def sending(world: World, workspace: Workspace) -> Sending:
    return await begun(world, workspace, title="Broken cart")


async def sent(sending: Sending, pieces: list[bytes]) -> None:
    for at in range(0, len(pieces), 50):
        assert set(await sending.send(pieces[at : at + 50], first=at)) == {200}


async def work(sending: Sending, *, early: bool = False) -> None:
    await sending.world.run_jobs(sending.workspace, TASKS, early=early)


def impatient(cell: Cell) -> Cell:
    """The same cell, for which every silence is too long."""
    return replace(cell, settings=cell.settings.model_copy(update={"stalled_after_s": 1e-9}))


async def vanish(sending: Sending) -> float | None:
    """The tab is gone: the sweep looks after the recording. In how many seconds again, if it is looked after."""
    return await assembly.follow(impatient(sending.world.cell), sending.workspace.id, sending.id)


async def fetched(address: str, **headers: str) -> tuple[int, bytes]:
    async with aiohttp.ClientSession() as session, session.get(URL(address, encoded=True), headers=headers) as got:
        return got.status, await got.read()


def processed(outcome: str = "ready") -> float:
    name = "cellcast_recording_processed_seconds_count"
    return REGISTRY.get_sample_value(name, {"outcome": outcome}) or 0


async def duration_ms(sending: Sending) -> int:
    return (await sending.there()).duration_ms or 0


async def test_what_was_sent_becomes_a_video_that_plays_and_seeks(
    sending: Sending, pieces: list[bytes], agent: Browser
) -> None:
    await sent(sending, pieces)
    assert (await sending.finish(pieces)).status == 202
    timed = processed()
    await work(sending)
    assert processed() == timed + 1
    row = await sending.there()
    assert (row.state, row.reason) == ("ready", None)
    assert abs((row.duration_ms or 0) - SECONDS * 1000) < 200  # measured, whatever the browser said
    assert (row.width, row.height, row.media_type) == (320, 180, "video/webm") and row.storyboard and row.thumbnail
    page = f"{sending.workspace.base}/recordings/{sending.id}"
    assert (await agent.page(page)).status == 200
    to_video = await agent.get(f"{page}/video")
    assert to_video.status == 302 and to_video.headers["Cache-Control"] == "no-store"
    status, body = await fetched(to_video.headers["Location"], Range="bytes=0-99")
    assert (status, len(body)) == (206, 100) and body[:4] == b"\x1aE\xdf\xa3"
    for name in ("thumbnail", "storyboard.jpg", "storyboard.vtt", "download"):
        status, body = await fetched((await agent.get(f"{page}/{name}")).headers["Location"])
        assert status == 200 and body
    await work(sending, early=True)
    assert sending.stored() == dict.fromkeys(FINAL, 1)  # the chunks are gone, every version
    assert await sending.world.jobs(sending.workspace) == []


async def test_a_video_is_not_there_before_it_is_ready(sending: Sending, pieces: list[bytes], agent: Browser) -> None:
    await sent(sending, pieces)
    page = f"{sending.workspace.base}/recordings/{sending.id}"
    assert (await agent.page(page)).status == 200
    for name in ("video", "download", "thumbnail", "storyboard.jpg", "storyboard.vtt"):
        assert (await agent.get(f"{page}/{name}")).status == 404


async def test_a_tab_that_vanished_leaves_what_arrived(sending: Sending, pieces: list[bytes]) -> None:
    await sent(sending, pieces[: len(pieces) * 2 // 3])
    assert await vanish(sending) is None
    await work(sending)
    row = await sending.there()
    assert row.state == "ready" and row.swept_at is not None
    assert SECONDS * 1000 / 3 < (row.duration_ms or 0) < SECONDS * 1000


async def test_who_comes_back_goes_on_with_the_same_recording(sending: Sending, pieces: list[bytes]) -> None:
    half = len(pieces) // 2
    await sent(sending, pieces[:half])
    await vanish(sending)
    await work(sending)
    assert await sending.state() == "ready"
    before = await duration_ms(sending)
    resumed = await sending.resume()
    assert (resumed.status, resumed.json["state"]) == (200, "recording")
    sending.upload_token = resumed.json["upload_token"]
    assert set(await sending.send(pieces[half:], first=half)) == {200}
    assert (await sending.finish(pieces)).status == 202
    await work(sending)
    row = await sending.there()
    assert row.state == "ready" and before < (row.duration_ms or 0)
    assert abs((row.duration_ms or 0) - SECONDS * 1000) < 200
    await work(sending, early=True)
    assert sending.stored().keys() == FINAL


async def test_chunks_are_kept_as_long_as_somebody_may_come_back(sending: Sending, pieces: list[bytes]) -> None:
    await sent(sending, pieces)
    await vanish(sending)
    await work(sending)
    await assembly.clear_chunks(sending.world.cell, sending.workspace.id, sending.id)
    assert len([name for name in sending.stored() if name.startswith("chunks/")]) == len(pieces)


async def test_a_recording_that_lives_is_left_alone(sending: Sending, pieces: list[bytes]) -> None:
    await sent(sending, pieces[:3])
    left = await assembly.follow(sending.world.cell, sending.workspace.id, sending.id)
    assert left is not None and 0 < left <= sending.world.cell.settings.stalled_after_s
    assert await sending.state() == "recording"


async def test_a_start_without_a_chunk_is_abandoned_and_may_still_be_resumed(sending: Sending) -> None:
    assert await vanish(sending) is None
    assert await sending.state() == "abandoned"
    assert (await sending.resume()).json["state"] == "recording"


async def test_damage_in_the_bucket_is_found_and_said(sending: Sending, pieces: list[bytes], agent: Browser) -> None:
    await sent(sending, pieces)
    await sending.finish(pieces)
    [(_, first), *_] = await grants.arrived(sending.world.cell, sending.workspace.id, sending.id)
    await sending.world.cell.bucket.put(first.key, b"\0" * first.size, "application/octet-stream")
    await work(sending)
    row = await sending.there()
    assert row.state == "failed" and row.reason is not None and "damaged" in row.reason
    assert row.reason in (await agent.page(f"{sending.workspace.base}/recordings/{sending.id}")).text


@pytest.mark.parametrize("content", [b"this is no video", b"\x1aE\xdf\xa3" + b"\0" * 500])
async def test_what_is_no_video_fails_with_a_reason(sending: Sending, content: bytes) -> None:
    await sending.send([content])
    await sending.finish([content])
    await work(sending)
    row = await sending.there()
    assert row.state == "failed" and row.reason and len(row.reason) > 10 and "/" not in row.reason
    [job] = [job for job in await sending.world.jobs(sending.workspace) if job.kind == "recordings.assemble"]
    assert job.dead_at is not None and job.last_error == row.reason and job.attempts == 1


async def test_a_failed_one_that_is_sent_again_forgets_the_first_manifest(
    sending: Sending, pieces: list[bytes]
) -> None:
    half = len(pieces) // 2
    await sent(sending, pieces[:half])
    await sending.finish(pieces[:half])
    [(_, first), *_] = await grants.arrived(sending.world.cell, sending.workspace.id, sending.id)
    await sending.world.cell.bucket.put(first.key, b"\0" * first.size, "application/octet-stream")
    await work(sending)
    assert await sending.state() == "failed"
    await sending.world.cell.bucket.delete_all(first.key)  # what was damaged is sent again
    resumed = await sending.resume()
    sending.upload_token = resumed.json["upload_token"]
    assert await sending.send(pieces[:1]) == [200]
    await sent_from(sending, pieces, half)
    await vanish(sending)
    await work(sending)
    assert (await sending.there()).reason is None
    assert abs(await duration_ms(sending) - SECONDS * 1000) < 200


async def sent_from(sending: Sending, pieces: list[bytes], first: int) -> None:
    assert set(await sending.send(pieces[first:], first=first)) == {200}


async def test_nobody_resumes_what_the_agent_took_back(sending: Sending, agent: Browser) -> None:
    await sending.send([b"this is no video"])
    await agent.post(f"{sending.workspace.base}/links/{sending.link.link.id}/revoke")
    await work(sending)
    assert await sending.state() == "failed"
    assert (await sending.resume()).status in (409, 410)
    assert await sending.state() == "failed"


async def test_a_crash_in_the_middle_is_done_again_from_the_start(
    sending: Sending, pieces: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    await sent(sending, pieces)
    await sending.finish(pieces)
    cell = sending.world.cell

    async def crash(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as broken:
        broken.setattr(Bucket, "put_file", crash)
        with pytest.raises(ConnectionError):
            await assembly.assemble(cell, sending.workspace.id, sending.id)
    assert await sending.state() == "processing"
    for _ in range(2):  # and once more when its answer was lost
        await assembly.assemble(cell, sending.workspace.id, sending.id)
    assert await sending.state() == "ready"
    assert not list(cell.settings.scratch_dir.iterdir())


async def test_a_discarded_recording_leaves_nothing(sending: Sending, pieces: list[bytes]) -> None:
    await sent(sending, pieces)
    assert (await sending.discard()).status == 204
    await work(sending)
    assert len(sending.stored()) == len(pieces)  # grants of the last minute could still bring more
    await work(sending, early=True)
    assert sending.stored() == {}
    assert (await sending.there()).state == "abandoned"


async def test_a_deleted_recording_leaves_nothing(sending: Sending, pieces: list[bytes], agent: Browser) -> None:
    await sent(sending, pieces)
    await sending.finish(pieces)
    await work(sending)
    assert (await agent.post(f"{sending.workspace.base}/recordings/{sending.id}/delete")).status == 303
    assert (await agent.get(f"{sending.workspace.base}/recordings/{sending.id}")).status == 404
    await work(sending, early=True)
    assert sending.stored() == {} and await sending.row() is None
    assert await sending.world.jobs(sending.workspace) == []


@pytest.mark.parametrize("step", ["assemble", "storyboard"])
async def test_what_a_worker_writes_after_the_deletion_goes_too(
    sending: Sending, pieces: list[bytes], agent: Browser, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    await sent(sending, pieces)
    await sending.finish(pieces)
    if step == "storyboard":
        await assembly.assemble(sending.world.cell, sending.workspace.id, sending.id)
    put_file = Bucket.put_file
    deleted: list[bool] = []

    async def deleted_meanwhile(self: Bucket, *arguments: Any) -> None:
        if not deleted:
            deleted.append(True)
            await agent.post(f"{sending.workspace.base}/recordings/{sending.id}/delete")
            await assembly.erase(sending.world.cell, sending.workspace.id, sending.id)
        await put_file(self, *arguments)

    monkeypatch.setattr(Bucket, "put_file", deleted_meanwhile)
    await getattr(assembly, step)(sending.world.cell, sending.workspace.id, sending.id)
    assert deleted and sending.stored() == {} and await sending.row() is None


async def test_a_video_whose_link_was_revoked_meanwhile_is_kept(
    sending: Sending, pieces: list[bytes], agent: Browser
) -> None:
    await sent(sending, pieces)
    await agent.post(f"{sending.workspace.base}/links/{sending.link.link.id}/revoke")
    await work(sending)
    assert State((await sending.there()).state) is State.READY


@pytest.fixture(autouse=True, scope="module")
async def warm(world: World) -> AsyncIterator[None]:
    """The first call of boto3 costs half a second; no test is about that."""
    await world.cell.bucket.list("nothing/")
    yield


async def test_a_bucket_that_is_away_is_an_outage(sending: Sending, pieces: list[bytes]) -> None:
    await sent(sending, pieces)
    await sending.finish(pieces)
    cell, arguments = sending.world.cell, [str(sending.id)]
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, but not listening: connections are refused
        endpoint = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        async with Bucket(replace(cell.bucket.config, endpoint=endpoint)) as away:
            with pytest.raises(StorageUnavailable) as raised:
                await tasks.assemble(replace(cell, bucket=away), sending.workspace.id, arguments)
    assert is_outage(raised.value) and await sending.state() == "processing"
    await tasks.assemble(cell, sending.workspace.id, arguments)
    assert await sending.state() == "ready"
