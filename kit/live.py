"""Telling open pages what changed: names and ids over Redis pub/sub. Pages read the rows themselves."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from redis.asyncio import Redis

CONFIRM_S = 5


def _channel(workspace_id: UUID) -> str:
    return f"live:{workspace_id}"


async def tell(redis: "Redis", workspace_id: UUID, event: str, facts: dict[str, str]) -> None:
    """Tell every listener of the workspace. A lost event is mended when a page reads its list again."""
    await redis.publish(_channel(workspace_id), json.dumps({"event": event, "facts": facts}))


@asynccontextmanager
async def listen(redis: "Redis", workspace_id: UUID) -> AsyncIterator["Listener"]:
    """Listen to a workspace until the block ends."""
    subscription = redis.pubsub(ignore_subscribe_messages=True)
    try:
        await subscription.subscribe(_channel(workspace_id))
        await subscription.get_message(timeout=CONFIRM_S)  # Redis confirms: from here on nothing is missed
        yield Listener(subscription)
    finally:
        await subscription.aclose()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped


class Listener:
    """One open page's ear."""

    def __init__(self, subscription: object) -> None:
        self._subscription = subscription

    async def next(self, timeout_s: float) -> tuple[str, dict[str, str]] | None:
        """The next event, or None after `timeout_s`. Raises redis.exceptions.RedisError when Redis goes away."""
        message = await self._subscription.get_message(timeout=timeout_s)  # type: ignore[attr-defined]
        if message is None:
            await asyncio.sleep(0)
            return None
        told = json.loads(message["data"])
        return str(told["event"]), {str(key): str(value) for key, value in told["facts"].items()}
