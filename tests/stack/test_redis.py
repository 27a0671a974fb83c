"""What Redis's helper promises: a password, and an append-only file."""

import pytest
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError


async def test_it_keeps_what_it_is_told(redis_url: str) -> None:
    async with Redis.from_url(redis_url, decode_responses=True) as redis:
        assert await redis.config_get("appendonly") == {"appendonly": "yes"}


async def test_a_stranger_learns_nothing(redis_url: str) -> None:
    async with Redis.from_url("redis://" + redis_url.rpartition("@")[2]) as redis:
        with pytest.raises(AuthenticationError):
            await redis.get("anything")
