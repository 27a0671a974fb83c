"""What a real Redis says of itself gets to a scrape, and nothing is shown of one that is away."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from prometheus_client import REGISTRY
from redis.asyncio import Redis
from redis.exceptions import OutOfMemoryError

from kit import redis_facts
from tests.waiting import eventually

GAUGES = [
    ("memory_bytes", "state", "used"),
    ("clients", "state", "used"),
    ("clients", "state", "most"),
    *(("saved", "what", what) for what in ("log", "rewrite", "snapshot")),
]
COUNTERS = ("evicted_keys", "refused_connections", "commands", "errors", "late_writes")


def shown(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(f"cellcast_redis_{name}", labels)


@pytest.fixture
async def redis(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Redis]:
    monkeypatch.setattr(redis_facts, "EVERY_S", 0.05)
    async with Redis.from_url(redis_url) as one:
        yield one


async def test_every_fact_is_one_that_redis_says(redis: Redis) -> None:
    async with redis_facts.watched(redis):
        await eventually(lambda: shown("commands_total") is not None, 10)
        for name, label, value in GAUGES:
            assert shown(name, **{label: value}) is not None, (name, value)
        for name in COUNTERS:
            assert shown(f"{name}_total") is not None, name
        assert [shown("saved", what=what) for what in ("log", "rewrite", "snapshot")] == [1, 1, 1]
        assert (shown("memory_bytes", state="used") or 0) > 100_000
        assert shown("memory_bytes", state="most") is None, "without a limit there is no most"
    assert shown("commands_total") is None


async def test_a_full_memory_and_what_it_costs_are_seen(redis: Redis) -> None:
    try:
        await redis.config_set("maxmemory", "200mb")
        async with redis_facts.watched(redis):
            await eventually(lambda: shown("memory_bytes", state="most") == 200 * 2**20, 10)
            before = shown("errors_total") or 0
            await redis.config_set("maxmemory", "1kb")
            with pytest.raises(OutOfMemoryError):
                await redis.set("one", "more")
            await eventually(lambda: shown("memory_bytes", state="most") == 1024, 10)
            await eventually(lambda: (shown("errors_total") or 0) > before, 10)
            await redis.config_set("maxmemory", "0")
            await eventually(lambda: shown("memory_bytes", state="most") is None, 10)
    finally:
        await redis.config_set("maxmemory", "0")


async def test_a_disk_that_takes_nothing_is_seen(redis: Redis) -> None:
    async with redis_facts.watched(redis):
        await eventually(lambda: shown("saved", what="snapshot") == 1, 10)
        try:
            await redis.config_set("dbfilename", "x" * 300)  # longer than a name may be
            await redis.bgsave()
            await eventually(lambda: shown("saved", what="snapshot") == 0, 10)
        finally:
            await redis.config_set("dbfilename", "dump.rdb")
            await redis.bgsave()
        await eventually(lambda: shown("saved", what="snapshot") == 1, 10)


async def test_of_one_that_answers_no_more_nothing_is_shown_until_it_does(redis: Redis, redis_url: str) -> None:
    password = urlsplit(redis_url).password or ""
    asker = "asks-for-facts"
    async with Redis.from_url(redis_url, client_name=asker) as asking, redis_facts.watched(asking):
        await eventually(lambda: shown("commands_total") is not None, 10)
        try:
            await redis.config_set("requirepass", "another")
            for one in await redis.client_list():  # that one alone: other tests keep connections to this Redis
                if one["name"] == asker:
                    await redis.client_kill_filter(_id=one["id"])
            await eventually(lambda: shown("commands_total") is None, 10)
        finally:
            await redis.config_set("requirepass", password)
        await eventually(lambda: shown("commands_total") is not None, 10)
