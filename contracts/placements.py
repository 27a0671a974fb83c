"""Placements, which cell a workspace lives in, and the signed file of them. Ids only, no personal data."""

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from contracts.keys import is_key
from kit.signing import SIGNATURE_BYTES, PublicKeys, SignatureRefused, SigningKey

# The file's first line: format, id of the signing key, signature in hex. JSON follows to the end of the file.
_MAGIC = "cellcast-snapshot-1"
_FIRST = re.compile(rb"cellcast-snapshot-1 ([0-9a-f]{16}) ([0-9a-f]{%d})\n" % (2 * SIGNATURE_BYTES))
_TAG = "snapshot 1"
_LARGEST = 1 << 30  # bytes; 1,000,000 placements take about 100 MB

# The audience of the routers: every workspace, and every cell's address.
ROUTING = "routing"

_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
_HOST = re.compile(r"[a-z0-9.-]{1,253}(:[0-9]{1,5})?")


class State(StrEnum):
    """Whether a workspace may be used; it stands in the placement and nowhere else."""

    PROVISIONING = "provisioning"
    ACTIVE = "active"
    FROZEN = "frozen"
    SUSPENDED = "suspended"
    DELETING = "deleting"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Placement:
    """Workspace -> cell. The epoch rises with a new owner, the version with a change of state alone."""

    workspace_id: UUID
    key: str
    cell: str
    epoch: int
    state: State
    version: int


@dataclass(frozen=True, slots=True)
class CellAddress:
    """Where a cell answers: `url` is scheme and host, without a path; `region` is its jurisdiction."""

    name: str
    region: str
    url: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything one audience knows at position (generation, n) of its feed."""

    audience: str
    generation: int
    n: int
    made_at: datetime  # with time zone
    cells: tuple[CellAddress, ...]
    placements: tuple[Placement, ...]


class SnapshotRefused(Exception):
    """The snapshot cannot be used. The text says why, in words for whoever runs the process."""


def write_snapshot(path: Path, snapshot: Snapshot, signing_key: SigningKey) -> None:
    """Write `snapshot` to `path`, signed; a crash at any instant leaves the old file or the new one.

    Raises SnapshotRefused for one that no reader would take, OSError when it cannot be written.
    """
    body = json.dumps(_to_json(snapshot), separators=(",", ":")).encode()
    _from_json(json.loads(body))  # what a reader refuses is refused here, where it can be mended
    first = f"{_MAGIC} {signing_key.id} {signing_key.sign(_TAG, body).hex()}\n".encode()
    # The name is the process's own: two writers do not write into one another's file.
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with unfinished.open("wb") as file:
            file.write(first)
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the rename itself reaches the disk
    finally:
        os.close(folder)


def read_snapshot(path: Path, public_keys: PublicKeys) -> Snapshot:
    """Read and verify a snapshot. Raises SnapshotRefused; nothing is parsed before its signature holds."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size > _LARGEST:
                raise SnapshotRefused(f"{path.name}: larger than {_LARGEST} bytes")
            first = file.readline(512)
            body = file.read(_LARGEST)
    except OSError as error:
        raise SnapshotRefused(f"{path.name}: cannot be read: {error.strerror}") from error
    signed = _FIRST.fullmatch(first)
    if signed is None:
        raise SnapshotRefused(f"{path.name}: not a snapshot of this format, or cut off in its first line")
    try:
        public_keys.verify(_TAG, body, bytes.fromhex(signed[2].decode()), signed[1].decode())
    except SignatureRefused as refused:
        raise SnapshotRefused(f"{path.name}: {refused}: changed, cut off, or not ours") from refused
    try:
        return _from_json(json.loads(body))
    except SnapshotRefused as refused:
        raise SnapshotRefused(f"{path.name}: {refused}") from refused
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SnapshotRefused(f"{path.name}: signed, but not of this format: {error!r}") from error


def _to_json(snapshot: Snapshot) -> dict[str, object]:
    return {
        "audience": snapshot.audience,
        "generation": snapshot.generation,
        "n": snapshot.n,
        "made_at": snapshot.made_at.isoformat(),
        "cells": [[cell.name, cell.region, cell.url] for cell in snapshot.cells],
        # Rows, not objects: the names would be two thirds of the file.
        "placements": [
            [str(one.workspace_id), one.key, one.cell, one.epoch, one.state.value, one.version]
            for one in snapshot.placements
        ],
    }


def _from_json(data: Any) -> Snapshot:  # JSON that is signed, but whose shape is yet to be seen
    cells = tuple(_cell(*row) for row in data["cells"])
    _once((cell.name for cell in cells), "cell")
    names = {cell.name for cell in cells}
    placements = tuple(_placement(names, row) for row in data["placements"])
    _once((one.key for one in placements), "workspace key")
    _once((one.workspace_id for one in placements), "workspace")
    made_at = datetime.fromisoformat(data["made_at"])
    if made_at.tzinfo is None:
        raise SnapshotRefused("made_at has no time zone")
    return Snapshot(
        audience=_text(data["audience"]),
        generation=_count(data["generation"]),
        n=_count(data["n"]),
        made_at=made_at,
        cells=cells,
        placements=placements,
    )


def _cell(name: str, region: str, url: str) -> CellAddress:
    if not _NAME.fullmatch(name) or not _NAME.fullmatch(region):
        raise SnapshotRefused(f"cell {name!r} in region {region!r}: not names")
    parts = urlsplit(url)
    if url != f"{parts.scheme}://{parts.netloc}" or parts.scheme not in {"http", "https"}:
        raise SnapshotRefused(f"cell {name}: its url is not scheme://host")
    if not _HOST.fullmatch(parts.netloc):
        raise SnapshotRefused(f"cell {name}: its url has no plain host name")
    return CellAddress(name, region, url)


def _placement(cells: set[str], row: list[Any]) -> Placement:  # any, until each is looked at here
    workspace_id, key, cell, epoch, state, version = row
    if not is_key(key):
        raise SnapshotRefused(f"{key!r} is not a workspace key")
    if cell not in cells:
        raise SnapshotRefused(f"workspace {key}: there is no cell {cell!r}")
    return Placement(UUID(workspace_id), key, cell, _count(epoch), State(state), _count(version))


def _count(number: int) -> int:
    if type(number) is not int or number < 0:
        raise SnapshotRefused(f"{number!r} is not a count")
    return number


def _text(text: str) -> str:
    if type(text) is not str or not text:
        raise SnapshotRefused(f"{text!r} is not a word")
    return text


def _once(names: Iterable[object], what: str) -> None:
    seen: set[object] = set()
    for name in names:
        if name in seen:
            raise SnapshotRefused(f"{what} {name} stands there twice")
        seen.add(name)
