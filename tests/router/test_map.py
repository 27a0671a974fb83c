"""The map follows its file: a better one is taken, a bad one changes nothing and is said once."""

import asyncio
import dataclasses
import os
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from contracts.placements import CellAddress, SnapshotRefused, State, write_snapshot
from kit.signing import PublicKeys, SigningKey
from router.map import MapFile, build
from tests.router.world import CELLS, EU, GO, KEYS, US_KEY, make_snapshot


@pytest.fixture
def path(tmp_path: Path, signing_key: SigningKey) -> Path:
    write_snapshot(tmp_path / "map", make_snapshot(), signing_key)
    return tmp_path / "map"


@pytest.fixture
def at(path: Path, signing_key: SigningKey) -> MapFile:
    made = MapFile(path, PublicKeys([signing_key.public]), GO)
    made.look()
    return made


def test_a_good_file_is_taken(at: MapFile) -> None:
    assert at.current is not None
    place = at.current.places[KEYS[State.ACTIVE].encode()]
    assert (place.state, place.region, place.url) == (State.ACTIVE, "eu", EU.encode())
    assert at.current.places[US_KEY.encode()].region == "us"
    assert REGISTRY.get_sample_value("cellcast_router_map_workspaces") == len(at.current.places)
    age = REGISTRY.get_sample_value("cellcast_router_map_age_seconds")
    assert age is not None
    assert 0 <= age < 60


def test_a_new_file_replaces_the_map(at: MapFile, path: Path, signing_key: SigningKey) -> None:
    newer = make_snapshot(n=2)
    write_snapshot(path, dataclasses.replace(newer, placements=newer.placements[:1]), signing_key)
    at.look()
    assert at.current is not None
    assert (at.current.position, len(at.current.places)) == ((1, 2), 1)


@pytest.mark.parametrize("harm", ["tampered", "truncated", "empty", "gone", "unknown key", "older", "other audience"])
def test_a_bad_file_changes_nothing_and_is_said_once(
    at: MapFile, path: Path, signing_key: SigningKey, harm: str
) -> None:
    before, whole = at.current, path.read_bytes()
    match harm:
        case "tampered":
            path.write_bytes(whole.replace(b"suspended", b"active"))
        case "truncated":
            path.write_bytes(whole[:-1])
        case "empty":
            path.write_bytes(b"")
        case "gone":
            path.unlink()
        case "unknown key":
            write_snapshot(path, make_snapshot(n=2), SigningKey.new())
        case "older":
            write_snapshot(path, make_snapshot(n=0), signing_key)
        case "other audience":
            write_snapshot(path, dataclasses.replace(make_snapshot(n=2), audience="cell/eu-1"), signing_key)
    with capture_logs() as lines:
        for _ in range(3):
            at.look()
    assert [line["event"] for line in lines] == ["snapshot refused"]
    assert "the map of" in str(lines[0]["kept"])
    assert at.current is before


def test_a_good_file_after_a_bad_one_is_taken(at: MapFile, path: Path, signing_key: SigningKey) -> None:
    path.write_bytes(b"nonsense")
    at.look()
    write_snapshot(path, make_snapshot(n=5), signing_key)
    at.look()
    assert at.current is not None
    assert at.current.position == (1, 5)


def test_a_raised_generation_may_begin_again(at: MapFile, path: Path, signing_key: SigningKey) -> None:
    write_snapshot(path, make_snapshot(n=0, generation=2), signing_key)
    at.look()
    assert at.current is not None
    assert at.current.position == (2, 0)


def test_without_a_file_there_is_no_map(tmp_path: Path, signing_key: SigningKey) -> None:
    at = MapFile(tmp_path / "none", PublicKeys([signing_key.public]), GO)
    at.look()
    assert at.current is None


def test_an_unchanged_file_is_not_read_again(at: MapFile, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("router.map.read_snapshot", lambda *_: pytest.fail("read again"))
    at.look()
    os.utime(path)
    with pytest.raises(pytest.fail.Exception, match="read again"):
        at.look()


async def test_following_takes_a_new_file_by_itself(at: MapFile, path: Path, signing_key: SigningKey) -> None:
    following = asyncio.create_task(at.follow())
    write_snapshot(path, make_snapshot(n=9), signing_key)
    async with asyncio.timeout(5):
        while at.current is None or at.current.position != (1, 9):  # noqa: ASYNC110 - it is looked at from outside
            await asyncio.sleep(0.05)
    following.cancel()


def test_a_cell_at_the_front_doors_own_address_is_refused() -> None:
    circle = dataclasses.replace(make_snapshot(), cells=(*CELLS, CellAddress("eu-2", "eu", GO)))
    with pytest.raises(SnapshotRefused, match="turn in circles"):
        build(circle, GO + "/")
