"""What waits a few minutes in Redis, sealed: the secret of an app without a first code, codes not yet shown."""

import json
from base64 import b64decode, b64encode
from datetime import timedelta
from uuid import UUID

from redis.asyncio import Redis

from cell.factors import sealing
from cell.settings import CellSettings

LIFE = timedelta(minutes=15)


class PendingSecrets:
    """Those of one workspace, one of each kind a person."""

    def __init__(self, redis: "Redis", workspace_id: UUID) -> None:
        self._redis = redis
        self._workspace_id = workspace_id

    async def keep(self, person_id: UUID, sealed: bytes) -> None:
        """Keep the sealed secret of an app."""
        await self._redis.set(self._at("app", person_id), b64encode(sealed).decode(), ex=LIFE)

    async def find(self, person_id: UUID) -> bytes | None:
        """The sealed secret."""
        found = await self._redis.get(self._at("app", person_id))
        return None if found is None else b64decode(str(found))

    async def drop(self, person_id: UUID) -> None:
        """Forget it."""
        await self._redis.delete(self._at("app", person_id))

    async def show(self, settings: CellSettings, person_id: UUID, codes: list[str]) -> None:
        """Keep recovery codes until the next page shows them."""
        sealed = sealing.seal(settings, self._workspace_id, person_id, json.dumps(codes).encode())
        await self._redis.set(self._at("codes", person_id), b64encode(sealed).decode(), ex=LIFE)

    async def shown(self, settings: CellSettings, person_id: UUID) -> list[str] | None:
        """Those codes, once."""
        found = await self._redis.getdel(self._at("codes", person_id))
        if found is None:
            return None
        text = sealing.opened(settings, self._workspace_id, person_id, b64decode(str(found)))
        return [str(one) for one in json.loads(text)]

    def _at(self, what: str, person_id: UUID) -> str:
        return f"pending-{what}:{self._workspace_id}:{person_id}"
