"""The map: every workspace key and the place it leads to, in memory, replaced whole when its file changes."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from prometheus_client import Counter, Gauge

from contracts.placements import ROUTING, Snapshot, SnapshotRefused, State, read_snapshot
from kit import logs
from kit.signing import PublicKeys

CHECK_EVERY_S = 0.5

log = logs.get("router.map")

SIZE = Gauge("cellcast_router_map_workspaces", "Workspaces in the map that answers")
AGE = Gauge("cellcast_router_map_age_seconds", "Seconds since the map that answers was made")
REFUSED = Counter("cellcast_router_map_refused_total", "Snapshot files that were refused")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a workspace is and whether it may be used. One object a cell and state, shared by its workspaces."""

    state: State
    region: str
    url: bytes  # of the cell: scheme and host


@dataclass(frozen=True, slots=True)
class Map:
    """One snapshot, ready to answer."""

    position: tuple[int, int]  # generation, n
    made_at: datetime
    places: dict[bytes, Place]  # by workspace key


def build(snapshot: Snapshot, go_url: str) -> Map:
    """The map of a snapshot. Raises SnapshotRefused for one that would lead visitors astray."""
    if snapshot.audience != ROUTING:
        raise SnapshotRefused(f"a snapshot for {snapshot.audience!r}, not for routers")
    for cell in snapshot.cells:
        if urlsplit(cell.url).netloc == urlsplit(go_url).netloc:
            raise SnapshotRefused(f"cell {cell.name} has the front door's own address: visitors would turn in circles")
    shared = {
        (cell.name, state): Place(state, cell.region, cell.url.encode()) for cell in snapshot.cells for state in State
    }
    places = {one.key.encode(): shared[one.cell, one.state] for one in snapshot.placements}
    return Map((snapshot.generation, snapshot.n), snapshot.made_at, places)


class MapFile:
    """Keeps `current` in step with the snapshot file. A bad file is said once and changes nothing."""

    def __init__(self, path: Path, public_keys: PublicKeys, go_url: str) -> None:
        self._path = path
        self._public_keys = public_keys
        self._go_url = go_url
        self._seen: object = None  # the stamp of the file that was looked at last, good or bad
        self.current: Map | None = None
        AGE.set_function(self._age)

    async def follow(self) -> None:
        """Look at the file for ever; the reading happens beside the loop, so that redirects go on."""
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(CHECK_EVERY_S)

    def look(self) -> None:
        """Take the file if it is another one than last time and good."""
        stamp = self._stamp()
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            fresh = build(read_snapshot(self._path, self._public_keys), self._go_url)
            if self.current is not None and fresh.position < self.current.position:
                raise SnapshotRefused(f"{fresh.position} is older than {self.current.position}, which answers now")
        except SnapshotRefused as refused:
            REFUSED.inc()
            log.error("snapshot refused", reason=str(refused), kept=self._kept())
            return
        self.current = fresh
        SIZE.set(len(fresh.places))
        log.info("snapshot taken", workspaces=len(fresh.places), generation=fresh.position[0], n=fresh.position[1])

    def _stamp(self) -> object:
        try:
            status = self._path.stat()
        except OSError as error:
            return error.errno
        return status.st_ino, status.st_mtime_ns, status.st_size

    def _kept(self) -> str:
        return "nothing: there is no map yet" if self.current is None else f"the map of {self.current.made_at}"

    def _age(self) -> float:
        return 0.0 if self.current is None else (datetime.now(UTC) - self.current.made_at).total_seconds()
