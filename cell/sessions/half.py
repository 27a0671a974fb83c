"""Sign-ins that are half done: a password was right, or a passkey was asked for. Minutes in Redis, and a cookie."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from redis.asyncio import Redis

from kit import texts

LIFE = timedelta(minutes=10)


def cookie_name(key: str) -> str:
    """The cookie of one workspace; nothing is signed in by it."""
    return f"__Host-p-{key}"


@dataclass(frozen=True)
class Half:
    """Who has shown a password (nobody, where a passkey alone is to do), and where they want to go."""

    id: str
    person_id: UUID | None
    password_of: str  # when the password that was shown was chosen: another one ends this
    onward: str


class Halves:
    """The half-done sign-ins of one workspace."""

    def __init__(self, redis: "Redis", workspace_id: UUID) -> None:
        self._redis = redis
        self._prefix = f"half:{workspace_id}"

    async def begin(self, person_id: UUID | None, password_of: str, onward: str) -> str:
        """A new one; the word for the cookie."""
        word = secrets.token_hex(32)
        at = self._at(_digest(word))
        fields = {"person_id": str(person_id or ""), "password_of": password_of, "onward": onward}
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(at, items=[text for pair in fields.items() for text in pair])
            pipe.expire(at, LIFE)
            await pipe.execute()
        return word

    async def find(self, word: str) -> Half | None:
        """The one of a cookie's word."""
        if not word:
            return None
        half_id = _digest(word)
        fields = await texts.fields(self._redis, self._at(half_id))
        if "onward" not in fields:
            return None
        person_id = UUID(fields["person_id"]) if fields["person_id"] else None
        return Half(half_id, person_id, fields["password_of"], fields["onward"])

    async def end(self, half: Half) -> bool:
        """End it; False where somebody did so before: of two who complete it one is signed in."""
        return bool(await self._redis.delete(self._at(half.id)))

    def challenges(self) -> "Challenges":
        """Where challenges for passkeys are kept meanwhile."""
        return Challenges(self._redis, self._prefix)

    def _at(self, half_id: str) -> str:
        return f"{self._prefix}:{half_id}"


class Challenges:
    """Challenges for passkeys, each kept for somebody (a session, a half-done sign-in) and given back once."""

    def __init__(self, redis: "Redis", prefix: str) -> None:
        self._redis = redis
        self._prefix = f"{prefix}:challenge"

    async def keep(self, holder: str, challenge: str) -> None:
        """Keep it in place of an earlier one."""
        await self._redis.set(f"{self._prefix}:{holder}", challenge, ex=LIFE)

    async def take(self, holder: str) -> str | None:
        """The challenge, once."""
        found = await self._redis.getdel(f"{self._prefix}:{holder}")
        return None if found is None else str(found)


def _digest(word: str) -> str:
    return hashlib.sha256(b"cellcast half 1\0" + word.encode()).hexdigest()
