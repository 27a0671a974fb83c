"""Snapshots come to each region's bucket, only there, as often as something changed; logs stay bounded."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from contracts import feed
from control_plane.feed.publisher import Publisher
from control_plane.feed.snapshots import Snapshots
from control_plane.placement.records import SOURCES, home_region
from kit.signing import PublicKeys, SigningKey
from kit.storage import Bucket, NotFound, S3Config
from tests.control_plane.world import World
from tests.servers.s3 import S3Server


@dataclass
class Published:
    """Two regions' buckets and what publishes to them."""

    world: World
    buckets: dict[str, Bucket]

    def by(self, *keys: SigningKey, keep: int = 1000) -> Publisher:
        snapshots = Snapshots(self.world.plane.database, SOURCES, keys or self.world.plane.signing_keys)
        return Publisher(self.world.plane.database, snapshots, self.buckets, home_region, keep)

    async def found(self, region: str, audience: str, public: PublicKeys | None = None) -> feed.Snapshot:
        raw = await self.buckets[region].get(feed.snapshot_object(audience))
        return feed.decode_snapshot(raw, public or self.world.public)


@pytest.fixture
async def published(world: World, s3_server: S3Server) -> AsyncIterator[Published]:
    buckets = {region: Bucket(s3_server.new_bucket()) for region in ("eu", "us")}
    yield Published(world, buckets)
    for bucket in buckets.values():
        await bucket.close()


async def test_each_region_has_its_own_and_the_routers_snapshots(published: Published) -> None:
    await published.world.add_cell("eu-1")
    at = await published.world.active()
    assert await published.by().round() == 5  # routing twice, identity of each region, cell/eu-1
    for region in ("eu", "us"):
        assert set((await published.found(region, "routing")).records["workspace"]) == {at.key}
    assert set((await published.found("eu", "identity/eu")).records["workspace"]) == {at.key}
    assert (await published.found("us", "identity/us")).records["workspace"] == {}
    for region, audience in (("us", "identity/eu"), ("us", "cell/eu-1"), ("eu", "identity/us")):
        with pytest.raises(NotFound):
            await published.found(region, audience)


async def test_only_what_changed_is_published_again(published: Published) -> None:
    await published.world.add_cell("eu-1")
    publisher = published.by()
    await publisher.round()
    assert await publisher.round() == 0
    await published.world.add_cell("us-1")
    assert await publisher.round() == 4  # routing twice, identity/us, cell/us-1
    assert (await published.found("us", "routing")).n == 2


async def test_a_change_of_key_is_published_with_both_then_with_the_new_one(published: Published) -> None:
    old, new = published.world.plane.signing_keys[0], SigningKey.new()
    for keys in ((old,), (old, new), (new,)):
        assert await published.by(*keys).round() == 4
        for key in (old, new):
            if key in keys:
                await published.found("eu", "routing", PublicKeys([key.public]))
            else:
                with pytest.raises(feed.FeedRefused):
                    await published.found("eu", "routing", PublicKeys([key.public]))


async def test_a_bucket_that_is_away_does_not_keep_the_others_waiting(published: Published) -> None:
    gone = S3Config("http://127.0.0.1:9", "gone", "eu-test-1", "key", "secret")
    published.buckets["eu"] = Bucket(gone)
    assert await published.by().round() == 2  # routing and identity/us, in the other region


async def test_a_round_keeps_the_logs_bounded(published: Published) -> None:
    await published.world.add_cell("eu-1")
    for _ in range(10):
        await published.world.reserve()
    await published.by(keep=4).round()
    heads = {one["audience"]: one for one in (await published.world.api("/feeds"))["items"]}
    assert (heads["routing"]["n"], heads["routing"]["floor"]) == (11, 7)


async def test_of_two_processes_one_publishes(published: Published) -> None:
    await published.world.add_cell("eu-1")
    written = await asyncio.gather(published.by().round(), published.by().round())
    assert sorted(written) == [0, 5]
    assert await published.by().round() == 0
