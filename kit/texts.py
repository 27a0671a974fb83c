"""Redis answers as text: redis-py cannot tell its types that `decode_responses=True` makes every answer a str."""

from redis.asyncio import Redis


async def fields(redis: "Redis", key: str) -> dict[str, str]:
    """The fields of a hash; empty where there is none."""
    return {str(name): str(value) for name, value in (await redis.hgetall(key)).items()}


async def members(redis: "Redis", key: str) -> set[str]:
    """The members of a set; empty where there is none."""
    return {str(member) for member in await redis.smembers(key)}
