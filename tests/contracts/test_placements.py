"""The snapshot file: what is written is read, and nothing else is."""

import dataclasses
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts import keys
from contracts.placements import (
    CellAddress,
    Placement,
    Snapshot,
    SnapshotRefused,
    State,
    read_snapshot,
    write_snapshot,
)
from kit.signing import PublicKeys, SigningKey

KEY = SigningKey.new()
PUBLIC = PublicKeys([KEY.public])
CELLS = (
    CellAddress("eu-1", "eu", "http://eu-1.localhost:8001"),
    CellAddress("us-1", "us", "https://us-1.example"),
)
PLACEMENTS = st.lists(
    st.builds(
        Placement,
        workspace_id=st.uuids(),
        key=st.text(keys.ALPHABET, min_size=6, max_size=10),
        cell=st.sampled_from([cell.name for cell in CELLS]),
        epoch=st.integers(0, 2**40),
        state=st.sampled_from(State),
        version=st.integers(0, 2**40),
    ),
    unique_by=(lambda one: one.key, lambda one: one.workspace_id),
    max_size=20,
).map(tuple)


def snapshot(*placements: Placement) -> Snapshot:
    return Snapshot("routing", 1, 7, datetime(2026, 11, 24, tzinfo=UTC), CELLS, placements)


def placement(**changes: object) -> Placement:
    made = Placement(UUID(int=1), "dmkrt234", "eu-1", 1, State.ACTIVE, 1)
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]  # the test's own words


@given(placements=PLACEMENTS, n=st.integers(0, 2**50))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_what_is_written_is_read(tmp_path: Path, placements: tuple[Placement, ...], n: int) -> None:
    written = dataclasses.replace(snapshot(*placements), n=n)
    write_snapshot(tmp_path / "map", written, KEY)
    assert read_snapshot(tmp_path / "map", PUBLIC) == written
    assert [file.name for file in tmp_path.iterdir()] == ["map"]


def test_every_changed_or_missing_byte_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "map"
    write_snapshot(path, snapshot(placement()), KEY)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(SnapshotRefused):
            read_snapshot(path, PUBLIC)
        path.write_bytes(whole[:place])
        with pytest.raises(SnapshotRefused):
            read_snapshot(path, PUBLIC)
    path.write_bytes(whole + b" ")
    with pytest.raises(SnapshotRefused, match="changed, cut off, or not ours"):
        read_snapshot(path, PUBLIC)


@given(st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_any_bytes_are_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "map").write_bytes(raw)
    with pytest.raises(SnapshotRefused):
        read_snapshot(tmp_path / "map", PUBLIC)


def test_a_snapshot_of_an_unknown_key_is_refused_by_name(tmp_path: Path) -> None:
    write_snapshot(tmp_path / "map", snapshot(), SigningKey.new())
    with pytest.raises(SnapshotRefused, match=rf"unknown key \(known: {KEY.id}\)"):
        read_snapshot(tmp_path / "map", PUBLIC)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(SnapshotRefused, match="map: cannot be read: No such file"):
        read_snapshot(tmp_path / "map", PUBLIC)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (snapshot(placement(cell="eu-9")), "there is no cell 'eu-9'"),
        (snapshot(placement(key="Nope")), "not a workspace key"),
        (snapshot(placement(epoch=-1)), "not a count"),
        (snapshot(placement(), placement(workspace_id=UUID(int=2))), "workspace key dmkrt234 stands there twice"),
        (snapshot(placement(), placement(key="dmkrt235")), "stands there twice"),
        (dataclasses.replace(snapshot(), made_at=datetime(2026, 1, 1)), "no time zone"),
        (dataclasses.replace(snapshot(), cells=(CellAddress("eu-1", "eu", "http://a.example/x"),)), "scheme://host"),
        (dataclasses.replace(snapshot(), cells=(CellAddress("eu-1", "eu", "javascript:x"),)), "scheme://host"),
        (dataclasses.replace(snapshot(), cells=(CellAddress("eu-1", "eu", "http://u@a.example"),)), "plain host"),
        (dataclasses.replace(snapshot(), cells=(CellAddress("eu-1", "eu", "http://a\r\nb"),)), "cell eu-1"),
        (dataclasses.replace(snapshot(), cells=CELLS + CELLS[:1]), "cell eu-1 stands there twice"),
    ],
)
def test_a_snapshot_that_makes_no_sense_is_not_written(tmp_path: Path, wrong: Snapshot, words: str) -> None:
    write_snapshot(tmp_path / "map", snapshot(), KEY)
    with pytest.raises(SnapshotRefused, match=words):
        write_snapshot(tmp_path / "map", wrong, KEY)
    assert read_snapshot(tmp_path / "map", PUBLIC) == snapshot()


@pytest.mark.parametrize("body", ["[]", "{}", "null", "{", '{"cells": 3}', '{"cells": [[1,2,3]]}'])
def test_signed_nonsense_is_refused_too(tmp_path: Path, body: str) -> None:
    raw = body.encode()
    signature = KEY.sign("snapshot 1", raw).hex()
    (tmp_path / "map").write_bytes(f"cellcast-snapshot-1 {KEY.id} {signature}\n".encode() + raw)
    with pytest.raises(SnapshotRefused, match="signed, but not of this format"):
        read_snapshot(tmp_path / "map", PUBLIC)


def test_a_failed_write_leaves_the_old_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_snapshot(tmp_path / "map", snapshot(), KEY)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_snapshot(tmp_path / "map", snapshot(placement()), KEY)
    assert [file.name for file in tmp_path.iterdir()] == ["map"]
    assert read_snapshot(tmp_path / "map", PUBLIC) == snapshot()


def test_the_file_holds_ids_alone(tmp_path: Path) -> None:
    write_snapshot(tmp_path / "map", snapshot(placement()), KEY)
    body = json.loads((tmp_path / "map").read_bytes().split(b"\n", 1)[1])
    assert set(body) == {"audience", "generation", "n", "made_at", "cells", "placements"}
    assert body["placements"] == [[str(UUID(int=1)), "dmkrt234", "eu-1", 1, "active", 1]]
