"""How often: limits kept in Redis, shared by all processes of a cell. With Redis away the answer is no."""

from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter

from kit.refusals import TooManyRequests


class Rates:
    """Counts attempts. Names are ours, keys may be addresses or hashes and are gone after their window."""

    def __init__(self, redis_url: str) -> None:
        storage = RedisStorage(f"async+{redis_url}", implementation="redispy", key_prefix="rate")
        self._limiter = MovingWindowRateLimiter(storage)

    async def take(self, name: str, key: str, *, most: int, per_s: int) -> None:
        """Count one attempt. Raises TooManyRequests beyond `most` in the last `per_s` seconds."""
        if not await self._limiter.hit(RateLimitItemPerSecond(most, per_s), name, key):
            raise TooManyRequests(retry_after_s=per_s)

    async def check(self, name: str, key: str, *, most: int, per_s: int) -> None:
        """Raise TooManyRequests where the limit is used up, without counting an attempt."""
        if not await self._limiter.test(RateLimitItemPerSecond(most, per_s), name, key):
            raise TooManyRequests(retry_after_s=per_s)
