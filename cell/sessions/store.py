"""Sessions in Redis: found by the digest of a random word, ended by idleness, by age or by hand."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self
from uuid import UUID

from redis.asyncio import Redis

from contracts.tokens import Bearer, Kind, TokenInvalid, new_bearer, parse_bearer
from kit import texts

IDLE = timedelta(hours=12)
ABSOLUTE = timedelta(days=7)
SEEN_EVERY_S = 60  # how exact "last seen" is; less would write on every request


@dataclass(frozen=True)
class Session:
    """Who is signed in, from where. `id` is the hex digest of the cookie's word."""

    id: str
    person_id: UUID
    browser: str
    address: str
    created: datetime
    seen: datetime

    @classmethod
    def read(cls, session_id: str, fields: dict[str, str]) -> Self:
        """From the fields of its Redis hash."""
        return cls(
            session_id,
            UUID(fields["person_id"]),
            fields["browser"],
            fields["address"],
            _moment(fields["created"]),
            _moment(fields["seen"]),
        )


def _moment(text: str) -> datetime:
    return datetime.fromtimestamp(int(text), UTC)


class Sessions:
    """The sessions of one workspace."""

    def __init__(self, redis: "Redis", key: str, workspace_id: UUID) -> None:
        self._redis = redis
        self._key = key
        self._prefix = f"session:{workspace_id}"

    async def begin(self, person_id: UUID, browser: str, address: str) -> Bearer:
        """A new session; the word for the cookie."""
        word = new_bearer(Kind.SESSION, self._key)
        session_id = word.digest.hex()
        stamp = str(int(datetime.now(UTC).timestamp()))
        fields = {"person_id": str(person_id), "browser": browser, "address": address, "created": stamp, "seen": stamp}
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(self._at(session_id), items=[text for pair in fields.items() for text in pair])
            pipe.expire(self._at(session_id), IDLE)
            pipe.sadd(self._of(person_id), session_id)
            pipe.expire(self._of(person_id), ABSOLUTE)
            await pipe.execute()
        return word

    async def find(self, word: str) -> Session | None:
        """The living session of a cookie's word; its idle time starts anew."""
        try:
            session_id = parse_bearer(Kind.SESSION, word).digest.hex()
        except TokenInvalid:
            return None
        session = await self.get(session_id)
        if session is None:
            return None
        stamp = datetime.now(UTC)
        if (stamp - session.seen).total_seconds() >= SEEN_EVERY_S:
            idle_s = int(IDLE.total_seconds())
            await self._redis.eval(_TOUCH, 1, self._at(session_id), int(stamp.timestamp()), idle_s)
        return session

    async def get(self, session_id: str) -> Session | None:
        """A living session by its id."""
        fields = await texts.fields(self._redis, self._at(session_id))
        if not fields:
            return None
        session = Session.read(session_id, fields)
        if datetime.now(UTC) - session.created > ABSOLUTE:
            await self.end(session.person_id, session_id)
            return None
        return session

    async def of_person(self, person_id: UUID) -> list[Session]:
        """A person's living sessions, the newest first."""
        ids = await texts.members(self._redis, self._of(person_id))
        found = [session for session in [await self.get(one) for one in ids] if session is not None]
        return sorted(found, key=lambda session: session.created, reverse=True)

    async def end(self, person_id: UUID, session_id: str) -> None:
        """End one session of this person."""
        if await self._redis.srem(self._of(person_id), session_id):
            await self._redis.delete(self._at(session_id))

    async def end_all(self, person_id: UUID, *, but: str = "") -> int:
        """End a person's sessions, `but` one perhaps; how many there were."""
        ids = [one for one in await texts.members(self._redis, self._of(person_id)) if one != but]
        if ids:
            await self._redis.delete(*(self._at(one) for one in ids))
            await self._redis.srem(self._of(person_id), *ids)
        return len(ids)

    def _at(self, session_id: str) -> str:
        return f"{self._prefix}:{session_id}"

    def _of(self, person_id: UUID) -> str:
        return f"{self._prefix}:of:{person_id}"


# A session that was ended a moment ago is not brought back.
_TOUCH = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'seen', ARGV[1])
return redis.call('EXPIRE', KEYS[1], ARGV[2])
"""
