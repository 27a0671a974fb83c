"""Publishes snapshots to a bucket in each region, and keeps the logs bounded; one process of several does it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from prometheus_client import Gauge
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from contracts import feed
from control_plane.feed import log
from control_plane.feed.models import FeedHead, FeedSnapshot
from control_plane.feed.snapshots import Made, Snapshots
from kit import logs
from kit.database import Database, now
from kit.rounds import rounds
from kit.storage import Bucket, StorageError

_LOCK = 7_219_046  # any number that nothing else locks
HEAD = Gauge("cellcast_feed_head", "Number of the last event of a feed", ["audience"])
PUBLISHED = Gauge(
    "cellcast_feed_published", "Number of the last event in the published snapshot", ["audience", "region"]
)

talk = logs.get("publisher")

# The region that an audience's snapshot stays in; None for one that every region has.
Home = Callable[[AsyncSession, str], Awaitable[str | None]]


class Publisher:
    """Sees to the snapshots in the buckets (region -> bucket), and that no log grows beyond `keep` events."""

    def __init__(
        self, database: Database, snapshots: Snapshots, buckets: Mapping[str, Bucket], home: Home, keep: int
    ) -> None:
        self._database = database
        self._snapshots = snapshots
        self._buckets = buckets
        self._home = home
        self._keep = keep

    async def run(self, every_s: float, stop: asyncio.Event) -> None:
        """Do a round every `every_s` seconds until `stop` is set."""
        await rounds("publish", self.round, stop, every_s=every_s)

    async def round(self) -> int:
        """Publish what changed, compact what is long; how many objects were written. None while another does it."""
        async with self._database.outside() as session:
            mine = (await session.execute(text(f"select pg_try_advisory_xact_lock({_LOCK})"))).scalar_one()
            return await self._all() if mine else 0

    async def _all(self) -> int:
        async with self._database.outside() as session:
            heads = await log.heads(session)
        written = 0
        for head in heads:
            HEAD.labels(head.audience).set(head.n)
            written += await self._publish(head)
            async with self._database.outside() as session:
                await log.compact(session, head.audience, self._keep)
        return written

    async def _publish(self, head: FeedHead) -> int:
        async with self._database.outside() as session:
            home = await self._home(session, head.audience)
            found = select(FeedSnapshot).where(FeedSnapshot.audience == head.audience)
            there = {one.region: one for one in (await session.scalars(found)).all()}
        keys = [key.id for key in self._snapshots.keys]
        stale = [
            region
            for region in self._buckets
            if home in (None, region) and not (region in there and _current(there[region], head, keys))
        ]
        if not stale:
            return 0
        made = await self._snapshots.make(head.audience)
        written = 0
        for region in stale:
            try:
                await self._buckets[region].put(
                    feed.snapshot_object(head.audience), made.raw, "application/octet-stream"
                )
            except StorageError as error:  # the other regions' buckets are not to wait for this one
                talk.warning("not published", audience=head.audience, region=region, reason=str(error))
                continue
            await self._note(made, region, keys)
            written += 1
        return written

    async def _note(self, made: Made, region: str, keys: list[str]) -> None:
        facts = {
            "generation": made.generation,
            "n": made.n,
            "mark": made.mark,
            "made_at": now(),
            "key_ids": keys,
            "size": len(made.raw),
        }
        noted = insert(FeedSnapshot).values(audience=made.audience, region=region, **facts)
        async with self._database.outside() as session:
            await session.execute(noted.on_conflict_do_update(index_elements=["audience", "region"], set_=facts))
        PUBLISHED.labels(made.audience, region).set(made.n)


def _current(there: FeedSnapshot, head: FeedHead, keys: list[str]) -> bool:
    return (there.generation, there.n, there.mark, there.key_ids) == (head.generation, head.n, head.mark, keys)
