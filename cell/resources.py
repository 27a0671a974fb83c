"""What a process of the cell holds open: database, Redis, bucket, limits, wake-ups. Made once, closed at the end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import cast

from redis.asyncio import Redis

from cell.audit import keyring
from cell.settings import CellSettings
from contracts.feed import cell_audience
from contracts.feed_state import FeedState, following
from contracts.identity import SSO, connection_of
from contracts.peers import Peers
from kit import pools
from kit.calls import Calling, Calls
from kit.database import Database
from kit.health import Checks
from kit.jobs import outbox
from kit.jobs.broker import Brokers
from kit.rates import Rates
from kit.storage import Bucket, S3Config


@dataclass(frozen=True)
class Cell:
    """The cell as its code sees it."""

    settings: CellSettings
    database: Database
    redis: Redis
    bucket: Bucket
    rates: Rates
    brokers: Brokers
    feed: FeedState | None = None  # of the web process, where the settings name one
    calls: Calling | None = None  # of web and workers, likewise; a worker knows the registry alone

    @property
    def checks(self) -> Checks:
        """What has to answer."""
        return {"postgres": self.database.ping, "redis": self.redis.ping, "s3": self.bucket.check}


@asynccontextmanager
async def opened(settings: CellSettings, process: str) -> AsyncIterator[Cell]:
    """Open everything for `process` (web, worker, scheduler); close it when the block ends.

    Raises StoreBroken, OSError where the web process cannot follow its feed; to be called before threads are started.
    """
    async with AsyncExitStack() as stack:
        feed = None
        if process == "web" and settings.feed is not None:
            kinds = {SSO: connection_of}
            feed = await stack.enter_async_context(following(cell_audience(settings.name), settings.feed, kinds))
        calls = _calls(settings, feed)
        if calls is not None:
            await stack.enter_async_context(calls)
        async with _servers(settings, process) as cell:
            yield replace(cell, feed=feed, calls=calls)


def _calls(settings: CellSettings, feed: FeedState | None) -> Calls | None:
    if settings.feed is None or settings.signing_key is None:
        return None
    return Calls(settings.name, settings.signing_key, Peers([settings.feed.registry]) if feed is None else feed.peers)


@asynccontextmanager
async def _servers(settings: CellSettings, process: str) -> AsyncIterator[Cell]:
    database = Database(settings.database_url, name=f"{settings.name}-{process}")
    redis: Redis = Redis.from_url(
        settings.redis_url, socket_timeout=5, socket_connect_timeout=2, health_check_interval=15, decode_responses=True
    )
    pools.watch(redis.connection_pool, "redis", pools.of_redis)
    brokers = Brokers(settings.redis_url)
    outbox.use(brokers.kick)
    s3 = S3Config(
        endpoint=settings.s3_endpoint,
        bucket=settings.s3_bucket,
        region=settings.s3_region,
        access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key.get_secret_value(),
    )
    keyring.use(keyring.Keyring(bytes.fromhex(settings.master_key.get_secret_value())))
    bucket = Bucket(s3)
    try:
        yield Cell(settings, database, redis, bucket, Rates(settings.redis_url), brokers)
    finally:
        await brokers.close()
        await bucket.close()
        await redis.aclose()
        await database.close()


def stopping() -> asyncio.Event:
    """Set when this web process is told to stop: what streams without an end then ends."""
    from quart import current_app

    return cast(asyncio.Event, current_app.extensions["stopping"])


def current() -> Cell:
    """The cell of the request at hand."""
    from quart import current_app  # not above: workers and commands start sooner without it

    return cast(Cell, current_app.extensions["cell"])
