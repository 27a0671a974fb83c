"""Following a signed file: a better one is taken, a bad one changes nothing and is said once."""

import asyncio
import dataclasses
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from contracts.feed import Record
from contracts.feed_disk import Disk
from contracts.placements import CellAddress, Placement, Snapshot, State, write_snapshot
from contracts.placements_file import PlacementsFile
from contracts.records import CELL, WORKSPACE
from kit.signing import PublicKeys, SigningKey

KEY = SigningKey.new()


def pack(key: str, record: Record) -> bytes:
    return str(record).encode()


def snapshot(n: int = 1, generation: int = 1, workspaces: int = 2) -> Snapshot:
    cells = (CellAddress("eu-1", "eu", "http://eu-1.localhost:8001"),)
    keys = ["bcdfgh22", "bcdfgh33", "bcdfgh44"][:workspaces]
    placements = tuple(Placement(UUID(int=at), key, "eu-1", 1, State.ACTIVE, 1) for at, key in enumerate(keys))
    return Snapshot("routing", generation, n, datetime.now(UTC), cells, placements)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path / "state", "routing", "test 1", {CELL: pack, WORKSPACE: pack})
    yield made
    made.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_snapshot(tmp_path / "map", snapshot(), KEY)
    return tmp_path / "map"


@pytest.fixture
def at(path: Path, disk: Disk) -> PlacementsFile:
    made = PlacementsFile(path, PublicKeys([KEY.public]), disk)
    made.look()
    return made


def position(disk: Disk) -> tuple[int, int] | None:
    held = disk.store.held
    return (held.generation, held.n) if held else None


def test_a_good_file_is_taken(at: PlacementsFile, disk: Disk) -> None:
    assert position(disk) == (1, 1)
    assert disk.store.items(CELL) == {"eu-1": b"['eu', 'http://eu-1.localhost:8001']"}
    assert set(disk.store.items(WORKSPACE)) == {"bcdfgh22", "bcdfgh33"}


def test_a_new_file_replaces_it(at: PlacementsFile, disk: Disk, path: Path) -> None:
    write_snapshot(path, snapshot(n=2, workspaces=1), KEY)
    at.look()
    assert (position(disk), set(disk.store.items(WORKSPACE))) == ((1, 2), {"bcdfgh22"})


@pytest.mark.parametrize("harm", ["tampered", "truncated", "empty", "gone", "unknown key", "older", "other audience"])
def test_a_bad_file_changes_nothing_and_is_said_once(at: PlacementsFile, disk: Disk, path: Path, harm: str) -> None:
    before, whole = disk.store.items(WORKSPACE), path.read_bytes()
    match harm:
        case "tampered":
            path.write_bytes(whole.replace(b"active", b"frozen"))
        case "truncated":
            path.write_bytes(whole[:-1])
        case "empty":
            path.write_bytes(b"")
        case "gone":
            path.unlink()
        case "unknown key":
            write_snapshot(path, snapshot(n=2), SigningKey.new())
        case "older":
            write_snapshot(path, snapshot(n=0), KEY)
        case "other audience":
            write_snapshot(path, dataclasses.replace(snapshot(n=2), audience="cell/eu-1"), KEY)
    with capture_logs() as lines:
        for _ in range(3):
            at.look()
    assert [line["event"] for line in lines] == ["snapshot refused"]
    assert "what was made at" in str(lines[0]["kept"])
    assert (position(disk), disk.store.items(WORKSPACE)) == ((1, 1), before)


def test_a_good_file_after_a_bad_one_is_taken(at: PlacementsFile, disk: Disk, path: Path) -> None:
    path.write_bytes(b"nonsense")
    at.look()
    write_snapshot(path, snapshot(n=5), KEY)
    at.look()
    assert position(disk) == (1, 5)


def test_a_raised_generation_may_begin_again(at: PlacementsFile, disk: Disk, path: Path) -> None:
    write_snapshot(path, snapshot(n=0, generation=2), KEY)
    at.look()
    assert position(disk) == (2, 0)


def test_an_unchanged_file_is_not_read_again(at: PlacementsFile, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contracts.placements_file.read_snapshot", lambda *_: pytest.fail("read again"))
    at.look()
    os.utime(path)
    with pytest.raises(pytest.fail.Exception, match="read again"):
        at.look()


async def test_following_takes_a_new_file_by_itself(at: PlacementsFile, disk: Disk, path: Path) -> None:
    following = asyncio.create_task(at.run())
    write_snapshot(path, snapshot(n=9), KEY)
    async with asyncio.timeout(60):
        while position(disk) != (1, 9):  # noqa: ASYNC110 - it is looked at from outside
            await asyncio.sleep(0.05)
    following.cancel()
