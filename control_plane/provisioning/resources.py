"""What a provisioning process holds open. Made once, closed at the end."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

from quart import current_app
from redis.asyncio import Redis

from contracts.feed import identity_audience
from contracts.feed_state import FeedState, following
from control_plane.provisioning.saga import SignUps
from control_plane.provisioning.settings import ProvisioningSettings
from kit.calls import Calls
from kit.rates import Rates


@dataclass(frozen=True)
class Provisioning:
    """A region's provisioning as its code sees it."""

    settings: ProvisioningSettings
    feed: FeedState
    redis: Redis
    rates: Rates
    sign_ups: SignUps

    def unnamed(self, address: str) -> str:
        """What stands for a network address in limits: nobody without this process's key finds the address in it."""
        return hashlib.sha256(self.settings.signing_key.sign("address 1", address.encode())).hexdigest()[:32]


@asynccontextmanager
async def opened(settings: ProvisioningSettings) -> AsyncIterator[Provisioning]:
    """Open everything, before any thread is started; close it when the block ends. Raises StoreBroken, OSError."""
    async with following(identity_audience(settings.region), settings.feed) as feed:
        redis: Redis = Redis.from_url(settings.redis_url, socket_timeout=5, socket_connect_timeout=2)
        async with Calls(settings.name, settings.signing_key, feed.peers) as calls:
            try:
                sign_ups = SignUps(calls, feed.peers, settings.region)
                yield Provisioning(settings, feed, redis, Rates(settings.redis_url), sign_ups)
            finally:
                await redis.aclose()


def current() -> Provisioning:
    """The process of the request at hand."""
    return cast(Provisioning, current_app.extensions["provisioning"])
