"""Sending: what is granted can be put and nothing else; refusals are plain and change nothing."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import time_machine
from sqlalchemy import select

from cell.recordings import limits
from cell.recordings.models import Manifest, StateChange
from contracts.tokens import sign_upload
from tests.cell.recordings.sending import PIECES, Sending, begun, put, sha256, wanted
from tests.cell.world import Workspace, World


@pytest.fixture
async def sending(world: World, workspace: Workspace) -> Sending:
    return await begun(world, workspace)


async def history(sending: Sending) -> list[str]:
    async with sending.world.cell.database.reading(sending.workspace.id) as tx:
        found = select(StateChange).where(StateChange.recording_id == sending.id).order_by(StateChange.version)
        return [change.state for change in await tx.all(found)]


async def test_granted_bytes_arrive_and_the_recording_is_finished(sending: Sending) -> None:
    assert await sending.send(PIECES) == [200, 200, 200]
    assert await sending.state() == "recording"
    answer = await sending.finish(PIECES)
    assert (answer.status, answer.json) == (202, {"state": "finishing", "reason": None})
    assert await history(sending) == ["created", "recording", "finishing"]
    assert [job.kind for job in await sending.world.jobs(sending.workspace)].count("recordings.assemble") == 1
    assert sending.stored() == {"chunks/000000": 1, "chunks/000001": 1, "chunks/000002": 1}


async def test_a_flipped_byte_is_refused(sending: Sending) -> None:
    [grant] = (await sending.grants(wanted(0, b"bytes"))).json["grants"]
    assert await put(grant["url"], grant["headers"], b"bytez") == 400
    assert sending.stored() == {}


async def test_one_byte_more_or_less_is_refused(sending: Sending) -> None:
    [grant] = (await sending.grants(wanted(0, b"bytes"))).json["grants"]
    for body in (b"bytes!", b"byte"):
        assert await put(grant["url"], grant["headers"], body) == 403
    assert sending.stored() == {}


async def test_a_header_left_out_or_changed_is_refused(sending: Sending) -> None:
    [grant] = (await sending.grants(wanted(0, b"bytes"))).json["grants"]
    for name in grant["headers"]:
        without = {header: value for header, value in grant["headers"].items() if header != name}
        assert await put(grant["url"], without, b"bytes") == 403
    other = {**grant["headers"], "x-amz-checksum-sha256": sha256(b"other")}
    assert await put(grant["url"], other, b"other") == 403
    assert sending.stored() == {}


async def test_a_second_put_changes_nothing(sending: Sending) -> None:
    [grant] = (await sending.grants(wanted(0, b"bytes"))).json["grants"]
    assert await put(grant["url"], grant["headers"], b"bytes") == 200
    assert await put(grant["url"], grant["headers"], b"bytes") == 412
    [again] = (await sending.grants(wanted(0, b"other"))).json["grants"]
    assert await put(again["url"], again["headers"], b"other") == 412
    assert sending.stored() == {"chunks/000000": 1}


async def test_a_grant_is_for_one_object_alone(sending: Sending) -> None:
    [grant] = (await sending.grants(wanted(0, b"bytes"))).json["grants"]
    assert await put(grant["url"].replace("/000000?", "/000001?"), grant["headers"], b"bytes") == 403


async def test_a_grant_dies_after_a_minute(sending: Sending) -> None:
    with time_machine.travel(datetime.now(UTC) - timedelta(seconds=limits.GRANT_LIFE_S + 5), tick=True):
        [grant] = (await sending.grants(wanted(0, b"bytes"))).json["grants"]
    assert await put(grant["url"], grant["headers"], b"bytes") == 403


def forged(sending: Sending) -> str:
    return sign_upload(sending.workspace.key, sending.id, int(time.time()) + 900, b"\0" * 32)


async def test_a_forged_token_is_refused_everywhere(sending: Sending) -> None:
    for token in (forged(sending), sending.upload_token[:-1] + "0", "", "nonsense", f"cct_{sending.workspace.key}_x"):
        if token == sending.upload_token:
            continue
        for verb, body in (("grants", {"chunks": []}), ("finish", {"chunks": [{"size": 1, "sha256": sha256(b"x")}]})):
            answer = await sending.ask(verb, body, token)
            assert (answer.status, answer.slug) == (401, "upload-token-invalid")
        assert (await sending.standing(token or "x")).status == 401
    assert await history(sending) == ["created"]


async def test_an_expired_token_says_so_and_is_renewed(sending: Sending) -> None:
    with time_machine.travel(datetime.now(UTC) + limits.TOKEN_LIFE + timedelta(seconds=1), tick=True):
        answer = await sending.grants(wanted(0, b"bytes"))
        assert (answer.status, answer.slug) == (401, "upload-token-expired")
        renewed = await sending.renew()
        assert renewed.status == 200 and renewed.json["upload_token_expires_in"] == 900
        answer = await sending.grants(wanted(0, b"bytes"), token=renewed.json["upload_token"])
        assert answer.status == 200


async def test_an_expired_forged_token_is_not_called_expired(sending: Sending) -> None:
    token = sign_upload(sending.workspace.key, sending.id, int(time.time()) - 900, b"\0" * 32)
    assert (await sending.grants(token=token)).slug == "upload-token-invalid"


async def test_another_recordings_token_opens_nothing(sending: Sending, world: World, workspace: Workspace) -> None:
    neighbour, stranger = await begun(world, workspace), await begun(world, await world.found())
    for other in (neighbour, stranger):
        for verb, token in (("grants", other.upload_token), ("token", other.resume_token)):
            answer = await sending.ask(verb, {"chunks": []}, token)
            assert (answer.status, answer.slug) == (404, "not-found")
        # The other workspace's address with this recording's id, and the other way round.
        path = f"{other.workspace.base}/uploads/{sending.id}/grants"
        answer = await sending.browser.post(
            path, headers={"Authorization": f"Bearer {other.upload_token}"}, json={"chunks": []}
        )
        assert (answer.status, answer.slug) == (404, "not-found")
    assert await history(sending) == ["created"]


async def test_a_resume_token_is_for_its_verbs_and_the_upload_token_for_its_own(sending: Sending) -> None:
    assert (await sending.grants(token=sending.resume_token)).slug == "upload-token-invalid"
    for verb in ("token", "resume", "discard"):
        answer = await sending.ask(verb, {}, sending.upload_token)
        assert (answer.status, answer.slug) == (401, "upload-token-invalid")
        forged_resume = sending.resume_token[:-4] + "0000"
        assert (await sending.ask(verb, {}, forged_resume)).status == 401
    assert await history(sending) == ["created"]


async def test_a_recording_that_never_was_is_not_found(sending: Sending) -> None:
    token = sign_upload(sending.workspace.key, nobody := uuid4(), int(time.time()) + 900, b"\0" * 32)
    path = f"{sending.workspace.base}/uploads/{nobody}/grants"
    answer = await sending.browser.post(path, headers={"Authorization": f"Bearer {token}"}, json={"chunks": []})
    assert (answer.status, answer.slug) == (404, "not-found")


SHA = sha256(b"x")


@pytest.mark.parametrize(
    "chunk",
    [
        {"index": limits.CHUNKS, "size": 1, "sha256": SHA},
        {"index": -1, "size": 1, "sha256": SHA},
        {"index": 0, "size": 0, "sha256": SHA},
        {"index": 0, "size": limits.CHUNK_BYTES + 1, "sha256": SHA},
        {"index": 0, "size": 1, "sha256": SHA[:-2] + "="},
        {"index": 0, "size": 1, "sha256": "../../etc"},
        {"index": "../1", "size": 1, "sha256": SHA},
        {"index": 0, "size": 1},
    ],
)
async def test_a_chunk_beyond_the_limits_is_refused(sending: Sending, chunk: dict[str, object]) -> None:
    answer = await sending.grants(chunk)
    assert (answer.status, answer.slug) == (422, "invalid")
    assert await history(sending) == ["created"]


async def test_the_last_allowed_chunk_is_granted(sending: Sending) -> None:
    last = {"index": limits.CHUNKS - 1, "size": limits.CHUNK_BYTES, "sha256": SHA}
    assert (await sending.grants(last)).status == 200


async def test_a_batch_too_many_is_refused(sending: Sending) -> None:
    chunks = [wanted(index, b"x") for index in range(limits.BATCH + 1)]
    assert (await sending.grants(*chunks)).status == 422
    assert len((await sending.grants(*chunks[1:])).json["grants"]) == limits.BATCH


async def test_all_that_is_granted_stays_below_the_limit_of_a_recording(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "BYTES", 100)
    for index in range(10):
        assert (await sending.grants(wanted(index, b"0123456789"))).status == 200
    for _ in range(3):  # a chunk that is asked for again counts once
        assert (await sending.grants(wanted(3, b"0123456789"))).status == 200
    answer = await sending.grants(wanted(10, b"x"))
    assert (answer.status, answer.slug) == (413, "over-limit")
    # A smaller one does not make room: the larger grant may still be used.
    assert (await sending.grants(wanted(3, b"012345678"), wanted(10, b"x"))).slug == "over-limit"


async def test_a_chunk_is_named_once_in_a_batch(sending: Sending) -> None:
    twice = await sending.grants(wanted(0, b"0123456789"), wanted(0, b"0"))
    assert (twice.status, twice.slug) == (422, "invalid")


async def test_the_limit_outlives_redis(sending: Sending, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BYTES", 100)
    await sending.send([b"0" * 60])
    await world.cell.redis.flushall()
    assert (await sending.grants(wanted(1, b"0" * 41))).slug == "over-limit"
    assert (await sending.grants(wanted(1, b"0" * 40))).status == 200


async def test_a_manifest_over_the_limit_is_refused(sending: Sending, monkeypatch: pytest.MonkeyPatch) -> None:
    await sending.send(PIECES)
    monkeypatch.setattr(limits, "BYTES", 10)
    answer = await sending.finish(PIECES)
    assert (answer.status, answer.slug) == (413, "over-limit")
    assert await sending.state() == "recording"


async def test_finishing_twice_with_the_same_is_the_same(sending: Sending) -> None:
    await sending.send(PIECES)
    first, second = await asyncio.gather(sending.finish(PIECES), sending.finish(PIECES))
    again = await sending.finish(PIECES)
    assert [answer.status for answer in (first, second, again)] == [202] * 3
    assert first.json == again.json
    assert await history(sending) == ["created", "recording", "finishing"]
    assert [job.kind for job in await sending.world.jobs(sending.workspace)].count("recordings.assemble") == 1


@pytest.mark.parametrize("other", [PIECES[:2], [*PIECES[:2], b"another piece!"], PIECES[::-1]])
async def test_finishing_again_with_something_else_is_refused(sending: Sending, other: list[bytes]) -> None:
    await sending.send(PIECES)
    await sending.finish(PIECES)
    answer = await sending.finish(other)
    assert (answer.status, answer.slug) == (409, "manifest-differs")


@pytest.mark.parametrize(
    ("manifest", "missing"),
    [
        ([*PIECES, b"never sent"], [3]),
        ([PIECES[0], b"longer than it was", PIECES[2]], [1]),
        ([b"x", b"y", b"z", b"w"], [0, 1, 2, 3]),
    ],
)
async def test_what_has_not_arrived_is_named_and_nothing_changes(
    sending: Sending, manifest: list[bytes], missing: list[int]
) -> None:
    await sending.send(PIECES)
    answer = await sending.finish(manifest)
    assert (answer.status, answer.slug) == (409, "chunks-missing")
    assert (answer.json["missing"], answer.json["count"]) == (missing, len(missing))
    assert await history(sending) == ["created", "recording"]
    async with sending.world.cell.database.reading(sending.workspace.id) as tx:
        assert await tx.first(select(Manifest).where(Manifest.id == sending.id)) is None
    assert (await sending.grants(wanted(3, b"never sent"))).status == 200  # it goes on
    assert (await sending.finish(PIECES)).status == 202


async def test_an_empty_manifest_is_no_recording(sending: Sending) -> None:
    assert (await sending.finish([])).status == 422


async def test_after_the_end_nothing_more_is_granted(sending: Sending) -> None:
    await sending.send(PIECES)
    await sending.finish(PIECES)
    for answer in (await sending.grants(wanted(3, b"late")), await sending.renew(), await sending.discard()):
        assert (answer.status, answer.slug) == (409, "recording-closed")
    assert (await sending.resume()).slug == "recording-closed"  # it said goodbye


async def test_what_is_thrown_away_takes_nothing_more(sending: Sending) -> None:
    await sending.send(PIECES)
    assert (await sending.discard()).status == 204
    for answer in (await sending.grants(wanted(3, b"late")), await sending.finish(PIECES), await sending.resume()):
        assert (answer.status, answer.slug) == (409, "recording-closed")
    standing = (await sending.standing()).json
    assert standing["state"] == "abandoned"


async def test_a_revoked_link_grants_nothing_more_and_keeps_what_arrived(sending: Sending) -> None:
    await sending.send(PIECES)
    agent = await sending.world.signed_in(sending.workspace, sending.workspace.agent)
    await agent.post(f"{sending.workspace.base}/links/{sending.link.link.id}/revoke")
    for answer in (await sending.grants(wanted(3, b"late")), await sending.renew(), await sending.resume()):
        assert (answer.status, answer.slug) == (409, "recording-closed")
    assert await sending.state() == "finishing"


async def test_what_was_deleted_is_not_there(sending: Sending) -> None:
    await sending.send(PIECES)
    agent = await sending.world.signed_in(sending.workspace, sending.workspace.agent)
    assert (await agent.post(f"{sending.workspace.base}/recordings/{sending.id}/delete")).status == 303
    assert (await sending.grants(wanted(3, b"late"))).slug == "recording-closed"
    assert (await sending.standing()).status == 404 == (await sending.renew()).status
    await sending.world.cell.redis.flushall()
    assert (await sending.grants(wanted(3, b"late"))).slug == "recording-closed"


async def test_a_page_that_says_it_is_alive_is_seen(sending: Sending) -> None:
    answer = await sending.grants()
    assert (answer.status, answer.json["grants"]) == (200, [])
    seen = await sending.world.cell.redis.hget(f"upload:{sending.workspace.id}:{sending.id}", "seen")
    assert abs(float(str(seen)) - time.time()) < 5
    assert await sending.state() == "created"


async def test_the_first_grants_and_a_sign_of_life_at_once_are_all_answered(sending: Sending) -> None:
    for round_ in range(5):
        fresh = await begun(sending.world, sending.workspace)
        batches = [fresh.grants(*([wanted(at, b"x")] if at % 2 else [])) for at in range(6)]
        assert {answer.status for answer in await asyncio.gather(*batches)} == {200}, round_


async def test_the_usual_batch_asks_redis_and_not_postgresql(sending: Sending, monkeypatch: pytest.MonkeyPatch) -> None:
    await sending.send(PIECES)

    def closed(*_: object) -> None:
        raise AssertionError("the hot path asked PostgreSQL")

    monkeypatch.setattr(type(sending.world.cell.database), "_session", closed)
    assert (await sending.grants(wanted(3, b"more"))).status == 200
