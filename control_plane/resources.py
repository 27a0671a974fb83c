"""What the control plane's process holds open. Made once, closed at the end."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

from quart import current_app

from control_plane.feed.batches import Batches
from control_plane.feed.bell import Bell
from control_plane.feed.snapshots import Snapshots
from control_plane.peers.known import KnownPeers
from control_plane.placement.records import SOURCES
from control_plane.settings import BucketSettings, ControlPlaneSettings
from kit.database import Database
from kit.health import Checks
from kit.signing import SigningKey
from kit.storage import Bucket, S3Config

POOL = 20  # connections; a poll that waits holds none


@dataclass(frozen=True)
class ControlPlane:
    """The global part as its code sees it."""

    settings: ControlPlaneSettings
    database: Database
    bell: Bell
    batches: Batches
    snapshots: Snapshots
    signing_keys: tuple[SigningKey, ...]
    buckets: Mapping[str, Bucket]
    peers: KnownPeers

    @property
    def checks(self) -> Checks:
        """What has to answer; the buckets are only written now and then."""
        return {"postgres": self.database.ping}


@asynccontextmanager
async def opened(settings: ControlPlaneSettings) -> AsyncIterator[ControlPlane]:
    """Open everything; close it when the block ends."""
    database = Database(settings.database_url, name="control-plane", pool_size=POOL)
    keys = tuple(key for key in (settings.signing_key, settings.next_signing_key) if key is not None)
    buckets = {region: Bucket(_config(one)) for region, one in settings.snapshot_buckets.items()}
    bell = Bell(settings.database_url)
    snapshots = Snapshots(database, SOURCES, keys)
    try:
        batches = Batches(database, bell, keys)
        yield ControlPlane(settings, database, bell, batches, snapshots, keys, buckets, KnownPeers(database))
    finally:
        for bucket in buckets.values():
            await bucket.close()
        await database.close()


def _config(one: BucketSettings) -> S3Config:
    return S3Config(one.endpoint, one.bucket, one.region, one.access_key, one.secret_key.get_secret_value())


def current() -> ControlPlane:
    """The control plane of the request at hand."""
    return cast(ControlPlane, current_app.extensions["control_plane"])
