"""What a process that follows its feed knows: the state on its disk, and its peers, fresh after each change.

One process follows into a folder, and asks this object. It starts and answers with the control plane gone: from its
disk, else from the region's bucket; what it knows then grows older, which it says and which changes nothing else.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from contracts.feed import Record
from contracts.feed_client import Follower, Sources
from contracts.feed_disk import Disk
from contracts.feed_published import BucketAccess, address_in
from contracts.feed_store import Pack
from contracts.peers import PEER, Peer, Peers, peer_of, registry_peer
from kit import logs
from kit.signing import PublicKeys

FEED_URL = r"^(https?://[^/?#]+/?)?$"  # of settings: the control plane's address
BEGIN_WITHIN_S = 5.0  # a process without a state waits so long for one; then it begins knowing nobody

log = logs.get("feed.state")

# Reads a record of one kind. Raises ValueError for one that is none; the message that brought it is then not taken.
Reads = Callable[[str, object], object]


@dataclass(frozen=True)
class FeedAccess:
    """How a process hears of the registry: where, as whom, whose word counts, and where it keeps what it heard."""

    url: str
    token: str = field(repr=False)
    registry_keys: PublicKeys
    folder: Path
    bucket: BucketAccess | None = None

    @property
    def registry(self) -> Peer:
        """The registry as a peer."""
        return registry_peer(self.url, self.registry_keys)


class FeedState:
    """The records of an audience, and its peers. `kinds` are those kept besides peers, each with what reads it."""

    def __init__(self, audience: str, access: FeedAccess, kinds: Mapping[str, Reads] | None = None) -> None:
        """Raises StoreBroken when another process follows into the folder, OSError when it cannot be used.

        To be made before threads are started (contracts/feed_disk.py).
        """
        reads = {PEER: peer_of, **(kinds or {})}
        packs = {kind: _pack(read) for kind, read in reads.items()}
        self.audience = audience
        self.peers = Peers([access.registry], whole=False)
        self._registry = access.registry
        self._begun = asyncio.Event()
        self._disk = Disk(access.folder, audience, f"json 1: {', '.join(sorted(packs))}", packs)
        published = address_in(access.bucket, audience) if access.bucket else None
        sources = Sources(access.url, access.token, published)
        self._follower = Follower(self._disk, audience, access.registry_keys, sources, self._look)
        self._look()

    def record(self, kind: str, key: str) -> Record | None:
        """A record as the registry said it last. Raises LookUpFailed (contracts/feed_store.py) on a broken disk."""
        packed = self._disk.store.get(kind, key)
        found: Record | None = json.loads(packed) if packed is not None else None
        return found

    def records(self, kind: str) -> dict[str, Record]:
        """All records of a kind, by key; for a start, not for each request."""
        return {key: json.loads(packed) for key, packed in self._disk.store.items(kind).items()}

    def health(self) -> dict[str, object]:
        """For /readyz: where it stands, and for how many seconds nothing newer is known. Old is not down."""
        held = self._disk.store.held
        stands = {"generation": held.generation, "n": held.n} if held else {"generation": None, "n": None}
        return {"audience": self.audience, **stands, "age_s": round(self._disk.store.age_s(), 1)}

    async def run(self) -> None:
        """Follow until cancelled."""
        await self._follower.run()

    async def begun(self) -> None:
        """Return when there is a state, or when none has come for a while."""
        try:
            await asyncio.wait_for(self._begun.wait(), BEGIN_WITHIN_S)
        except TimeoutError:
            log.error("no state: neither disk nor bucket nor control plane has one", audience=self.audience)

    def close(self) -> None:
        """Let go of the files."""
        self._disk.close()

    def _look(self) -> None:
        """Know the peers that the state has now."""
        if self._disk.store.held is None:
            return
        told = {name: peer_of(name, json.loads(raw)) for name, raw in self._disk.store.items(PEER).items()}
        self.peers.replace((told | {self._registry.name: self._registry}).values())
        self._begun.set()


@asynccontextmanager
async def following(
    audience: str, access: FeedAccess, kinds: Mapping[str, Reads] | None = None
) -> AsyncIterator[FeedState]:
    """A state that follows its feed until the block ends; it knows something, if that can be. Raises as FeedState."""
    state = FeedState(audience, access, kinds)
    task = asyncio.create_task(state.run())
    try:
        await state.begun()
        yield state
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        state.close()


def _pack(read: Reads) -> Pack:
    def pack(key: str, record: Record) -> bytes:
        read(key, record)
        return json.dumps(record, separators=(",", ":")).encode()

    return pack
