"""Follows a feed: one long poll after the other, snapshots where there is a gap, and patience when nobody answers.

The state on disk is used from the first moment. Without one a process begins with the published snapshot, since that
needs no control plane, and else with the control plane's own. A control plane that is gone makes what is known older,
which is a metric and a health detail, and changes nothing else.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import aiohttp
from prometheus_client import Counter, Gauge

from contracts.feed import LARGEST_BATCH, LARGEST_SNAPSHOT, WAIT_S, FeedRefused, decode_batch, decode_snapshot
from contracts.feed_disk import Disk
from contracts.feed_rules import Accepted, Gap, Held, Refused, accept_batch, accept_snapshot
from contracts.feed_store import StoreBroken
from kit import localhost, logs
from kit.signing import PublicKeys

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 10.0
AGAIN_S = 10.0  # after a fault of ours in following
_CONNECT_S = 5
_BATCH_S = WAIT_S + 15
_SNAPSHOT_S = 300
_KEEP_EVERY_S = 3600
_PIECE = 1 << 16

POSITION = Gauge("cellcast_feed_position", "Number of the last event that a consumer took", ["audience"])
BEHIND = Gauge("cellcast_feed_behind", "Events that are known to exist and are not taken yet", ["audience"])
AGE = Gauge("cellcast_feed_age_seconds", "Seconds since the registry said that nothing newer was known", ["audience"])
SNAPSHOTS = Counter("cellcast_feed_snapshots", "Snapshots that were taken", ["audience", "source"])
FAILED = Counter("cellcast_feed_failed", "Attempts to hear something new that failed", ["audience", "why"])

log = logs.get("feed")

# A way to a snapshot: its name and bytes.
_Way = Callable[[aiohttp.ClientSession], Awaitable[tuple[str, bytes]]]


@dataclass(frozen=True, slots=True)
class Sources:
    """Where an audience's feed comes from.

    `url` is the control plane's, `credential` what it gave this reader. `published` makes an address of the region's
    published snapshot, a fresh one for each attempt, since a presigned one expires.
    """

    url: str
    credential: str = field(repr=False)
    published: Callable[[], str] | None = None


class _NotNow(Exception):
    """Nothing was taken, and the state is as it was; another attempt may do better.

    `why` is for the metric: away (nobody answers), refused (what came does not count), disk (it cannot be written).
    """

    def __init__(self, why: str, reason: str) -> None:
        super().__init__(reason)
        self.why = why


class Follower:
    """Keeps one consumer's state in step with its feed, for as long as `run` runs."""

    def __init__(
        self,
        disk: Disk,
        audience: str,
        public_keys: PublicKeys,
        sources: Sources,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """`changed` is called, in the loop, after each change of the state."""
        self._changed = changed
        self._disk = disk
        self._audience = audience
        self._public_keys = public_keys
        self._sources = sources
        self._gap = ""  # why a snapshot is needed
        self._trouble = ""  # what was said last
        self._kept_at: float | None = None
        AGE.labels(audience).set_function(disk.store.age_s)
        self._tell(0)

    async def run(self) -> None:
        """Follow until cancelled. A fault of ours is said, and following begins anew: what is known stays good."""
        while True:
            try:
                await self._follow()
            except Exception as error:
                FAILED.labels(self._audience, "fault").inc()
                log.error("not followed", audience=self._audience, exc_info=error)
                await asyncio.sleep(AGAIN_S)

    async def _follow(self) -> None:
        failures = 0
        timeout = aiohttp.ClientTimeout(sock_connect=_CONNECT_S)
        async with aiohttp.ClientSession(connector=localhost.connector(), timeout=timeout) as session:
            while True:
                try:
                    await self._step(session)
                    await self._keep()
                except _NotNow as trouble:
                    FAILED.labels(self._audience, trouble.why).inc()
                    self._say(str(trouble))
                    failures = min(failures + 1, 16)
                    pause = min(_FIRST_PAUSE_S * 2**failures, _LONGEST_PAUSE_S)
                    # Half of it by chance: a fleet that lost its control plane does not come back as one.
                    await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - nothing secret
                else:
                    failures = 0
                    self._say("")

    async def _step(self, session: aiohttp.ClientSession) -> None:
        held = self._disk.store.held
        if held is None:
            await self._snapshot(session, [self._from_published, self._from_registry])
        elif self._gap:
            log.info("snapshot needed", audience=self._audience, reason=self._gap)
            await self._snapshot(session, [self._from_registry, self._from_published])
            self._gap = ""
        else:
            await self._poll(session, held)

    async def _poll(self, session: aiohttp.ClientSession, held: Held) -> None:
        asked = {"after": str(held.n), "generation": str(held.generation), "wait": str(WAIT_S)}
        url = f"{self._sources.url}/feeds/{self._audience}"
        status, raw = await self._get(session, url, LARGEST_BATCH, _BATCH_S, self._credential(), asked)
        if status == 410:
            self._gap = "the log no longer reaches back to what is held"
        elif status == 409:
            raise _NotNow("refused", "the registry is behind what is held: restored, and its generation not raised?")
        elif status != 200:
            raise _NotNow("away", f"the registry answers {status}")
        else:
            await self._take(self._take_batch, held, raw)

    def _take_batch(self, held: Held, raw: bytes) -> None:
        batch = decode_batch(raw, self._public_keys)
        match accept_batch(held, batch):
            case Accepted(fresh, events):
                self._disk.store.apply(fresh, events)
                self._tell(batch.head - fresh.n)
            case Gap(reason):
                self._gap = reason
            case Refused(reason):
                raise FeedRefused(reason)

    async def _snapshot(self, session: aiohttp.ClientSession, ways: Sequence[_Way]) -> None:
        """Take a snapshot the first way that leads to one."""
        troubles: list[_NotNow] = []
        for way in ways:
            try:
                source, raw = await way(session)
                await self._take(self._take_snapshot, raw)
            except _NotNow as trouble:
                troubles.append(trouble)
            else:
                SNAPSHOTS.labels(self._audience, source).inc()
                held = self._disk.store.held
                log.info("snapshot taken", source=source, held=f"{held.generation}, {held.n}" if held else "")
                self._kept_at = None
                return
        raise _NotNow(troubles[0].why, "; ".join(map(str, troubles)))

    async def _from_published(self, session: aiohttp.ClientSession) -> tuple[str, bytes]:
        if self._sources.published is None:
            raise _NotNow("away", "no published snapshot is named")
        status, raw = await self._get(session, self._sources.published(), LARGEST_SNAPSHOT, _SNAPSHOT_S)
        if status != 200:
            raise _NotNow("away", f"the published snapshot answers {status}")
        return "published", raw

    async def _from_registry(self, session: aiohttp.ClientSession) -> tuple[str, bytes]:
        url = f"{self._sources.url}/snapshots/{self._audience}"
        status, raw = await self._get(session, url, LARGEST_SNAPSHOT, _SNAPSHOT_S, self._credential())
        if status != 200:
            raise _NotNow("away", f"the registry answers {status}")
        return "registry", raw

    def _take_snapshot(self, raw: bytes) -> None:
        snapshot = decode_snapshot(raw, self._public_keys)
        held = self._disk.store.held
        match accept_snapshot(held, self._audience, snapshot):
            case Accepted(fresh):
                if self._gap and held and (fresh.generation, fresh.n) == (held.generation, held.n):
                    raise FeedRefused("a snapshot that is no newer than what is held")
                self._disk.store.replace(fresh, snapshot.records)
                self._tell(0)
            case Refused(reason):
                raise FeedRefused(reason)

    async def _take(self, take: Callable[..., None], *what: object) -> None:
        """Verify and write beside the loop: both take their time."""
        try:
            await asyncio.to_thread(take, *what)
        except (FeedRefused, ValueError) as refused:
            raise _NotNow("refused", f"refused: {refused}") from refused
        except StoreBroken as broken:
            raise _NotNow("disk", f"not written: {broken}") from broken
        self._changed()

    async def _keep(self) -> None:
        """Once an hour, and after each snapshot, keep a copy for the day the file is damaged."""
        now = time.monotonic()
        if self._kept_at is not None and now < self._kept_at + _KEEP_EVERY_S:
            return
        self._kept_at = now
        try:
            await asyncio.to_thread(self._disk.keep)
            self._disk.store.forget_dead_readers()
        except (StoreBroken, OSError) as trouble:
            FAILED.labels(self._audience, "disk").inc()
            log.error("no copy kept", audience=self._audience, reason=str(trouble))

    async def _get(
        self,
        session: aiohttp.ClientSession,
        url: str,
        largest: int,
        within_s: float,
        headers: Mapping[str, str] | None = None,
        asked: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:
        """Status and body, the body of a 200 alone and never more than `largest` bytes."""
        timeout = aiohttp.ClientTimeout(total=within_s, sock_connect=_CONNECT_S)
        try:
            async with session.get(
                url, params=asked, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                if answer.status != 200:
                    return answer.status, b""
                body = bytearray()
                async for piece in answer.content.iter_chunked(_PIECE):
                    body += piece
                    if len(body) > largest:
                        raise _NotNow("refused", f"an answer of more than {largest} bytes")
                return 200, bytes(body)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            # Its text may hold the address, and a presigned address is a secret.
            raise _NotNow("away", f"nobody answers ({type(error).__name__})") from None

    def _credential(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._sources.credential}"}

    def _tell(self, behind: int) -> None:
        held = self._disk.store.held
        POSITION.labels(self._audience).set(held.n if held else 0)
        BEHIND.labels(self._audience).set(behind)

    def _say(self, trouble: str) -> None:
        """Say what changed: the same trouble is said once."""
        if trouble == self._trouble:
            return
        self._trouble = trouble
        if trouble:
            log.warning("feed not followed", audience=self._audience, reason=trouble)
        else:
            log.info("feed followed again", audience=self._audience)
