"""What a provisioning process holds open. Made once, closed at the end."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import cast

from quart import current_app
from redis.asyncio import Redis

from contracts.feed import identity_audience
from contracts.feed_state import FeedState, following
from contracts.operations import May
from contracts.peers import PeerKind
from control_plane.provisioning.finding import Finding
from control_plane.provisioning.saga import SignUps
from control_plane.provisioning.settings import ProvisioningSettings
from control_plane.provisioning.workspaces import Keys, Workspaces
from control_plane.saml import calls as saml
from control_plane.saml.domains import Dns, Domains
from control_plane.saml.fetching import Fetching, System
from control_plane.saml.judging import Judges
from control_plane.saml.pending import Pending
from control_plane.saml.reports import Reports
from control_plane.saml.sign_in import SignIn
from control_plane.saml.sp_metadata import Site
from control_plane.scim.app import Scim
from kit import pools
from kit.addresses import Addresses
from kit.calls import Answers, Calling, Calls, RedisNonces
from kit.health import Checks
from kit.rates import Rates


@dataclass(frozen=True)
class Provisioning:
    """A region's provisioning as its code sees it."""

    settings: ProvisioningSettings
    feed: FeedState
    redis: Redis
    rates: Rates
    sign_ups: SignUps
    sign_in: SignIn
    finding: Finding
    answers: Answers
    judges: Judges
    reports: Reports
    scim: Scim

    @property
    def checks(self) -> Checks:
        """What has to answer. The control plane is not asked: without it only sign-ups wait."""
        return {"redis": self.redis.ping}

    def unnamed(self, address: str) -> str:
        """What stands for a network address in limits: nobody without this process's key finds the address in it."""
        return hashlib.sha256(self.settings.signing_key.sign("address 1", address.encode())).hexdigest()[:32]


@asynccontextmanager
async def opened(settings: ProvisioningSettings) -> AsyncIterator[Provisioning]:
    """Open everything, before any thread is started; close it when the block ends. Raises StoreBroken, OSError."""
    keys = Keys()
    async with (
        following(identity_audience(settings.region), settings.feed, keys.kinds) as feed,
        Calls(settings.name, settings.signing_key, feed.peers) as calls,
        assembled(settings, feed, keys, calls) as provisioning,
    ):
        yield provisioning


@asynccontextmanager
async def assembled(
    settings: ProvisioningSettings, feed: FeedState, keys: Keys, calls: Calling
) -> AsyncIterator[Provisioning]:
    """What stands on a feed and a way to call others."""
    async with AsyncExitStack() as stack:
        redis: Redis = Redis.from_url(settings.redis_url, socket_timeout=5, socket_connect_timeout=2)
        stack.push_async_callback(redis.aclose)
        pools.watch(redis.connection_pool, "redis", pools.of_redis)
        workspaces = Workspaces(feed, keys, settings.region)
        judges = Judges(settings.saml_keys, settings.saml_processes)
        stack.callback(judges.close)
        reports = Reports(calls, workspaces.cell_of)
        stack.push_async_callback(reports.close)
        finding = Finding(calls, feed.peers, settings.region)
        stack.push_async_callback(finding.close)
        site, pending = Site(settings.url), Pending(redis)
        sign_in = SignIn(site, settings.go_url, settings.saml_keys, workspaces, pending, judges, calls, reports)
        may = May(feed.peers, kind=PeerKind.PROVISIONING, region=settings.region, homes=workspaces)
        answers = Answers(settings.name, settings.signing_key, feed.peers, RedisNonces(redis), may)
        fetching = Fetching(System(), local_too=settings.metadata_allow_local)
        saml.answer(answers, sign_in, fetching, Domains(Dns(settings.name_server)))
        sign_ups = SignUps(calls, feed.peers, settings.region)
        rates = Rates(settings.redis_url)
        addresses = Addresses(settings.trusted_proxies)
        scim = Scim(settings.url, workspaces, calls, addresses, settings.scim_per_second)
        stack.push_async_callback(scim.close)
        yield Provisioning(settings, feed, redis, rates, sign_ups, sign_in, finding, answers, judges, reports, scim)


def current() -> Provisioning:
    """The process of the request at hand."""
    return cast(Provisioning, current_app.extensions["provisioning"])
