"""Keeps a consumer's state in step with a signed file of placements, where there is no feed to follow."""

import asyncio
from pathlib import Path

from contracts.feed_disk import Disk
from contracts.feed_rules import Held
from contracts.feed_store import StoreBroken
from contracts.placements import ROUTING, SnapshotRefused, read_snapshot
from contracts.records import CELL, WORKSPACE, cell_record, placement_record
from kit import logs
from kit.signing import PublicKeys

_CHECK_EVERY_S = 0.5

log = logs.get("placements.file")


class PlacementsFile:
    """Follows the file at `path`. A bad one is said once and changes nothing."""

    def __init__(self, path: Path, public_keys: PublicKeys, disk: Disk) -> None:
        self._path = path
        self._public_keys = public_keys
        self._store = disk.store
        self._seen: object = None  # the stamp of the file that was looked at last, good or bad

    async def run(self) -> None:
        """Look at the file for ever."""
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(_CHECK_EVERY_S)

    def look(self) -> None:
        """Take the file if it is another one than last time and good."""
        stamp = self._stamp()
        if stamp == self._seen:
            return
        self._seen = stamp
        held = self._store.held
        try:
            fresh = self._take(held)
        except (SnapshotRefused, StoreBroken, ValueError) as refused:
            kept = f"what was made at {held.made_at}" if held else "nothing: there is no map yet"
            log.error("snapshot refused", reason=str(refused), kept=kept)
        else:
            workspaces = self._store.count(WORKSPACE)
            log.info("snapshot taken", workspaces=workspaces, generation=fresh.generation, n=fresh.n)

    def _take(self, held: Held | None) -> Held:
        snapshot = read_snapshot(self._path, self._public_keys)
        if snapshot.audience != ROUTING:
            raise SnapshotRefused(f"a snapshot for {snapshot.audience!r}, not for {ROUTING!r}")
        fresh = Held(ROUTING, snapshot.generation, snapshot.n, "", snapshot.made_at)
        if held is not None and (fresh.generation, fresh.n) < (held.generation, held.n):
            raise SnapshotRefused(f"{fresh.generation}, {fresh.n} is older than {held.generation}, {held.n}")
        cells = {one.name: cell_record(one) for one in snapshot.cells}
        workspaces = {one.key: placement_record(one) for one in snapshot.placements}
        self._store.replace(fresh, {CELL: cells, WORKSPACE: workspaces})
        self._store.forget_dead_readers()
        return fresh

    def _stamp(self) -> object:
        try:
            status = self._path.stat()
        except OSError as error:
            return error.errno
        return status.st_ino, status.st_mtime_ns, status.st_size
