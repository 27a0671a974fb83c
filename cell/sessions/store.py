"""Sessions in Redis: found by the digest of a random word, ended by idleness, by age or by hand."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, Self, cast
from uuid import UUID

from redis.asyncio import Redis

from contracts.tokens import Bearer, Kind, TokenInvalid, new_bearer, parse_bearer
from kit import live, texts

LONGEST = timedelta(days=30)  # of any session, whatever a workspace's policy says
AT_ONCE = 500  # that one round trip asks for
ENDED = "sessions"  # the live event after which streams look at once whether theirs goes on
SEEN_EVERY_S = 60  # how exact "last seen" is; less would write on every request

How = Literal["password", "passkey", "sso"]


@dataclass(frozen=True)
class Session:
    """Who is signed in, how and from where. `id` is the hex digest of the cookie's word."""

    id: str
    person_id: UUID
    browser: str
    address: str
    created: datetime
    seen: datetime
    how: How  # what the person proved themselves with first
    proved_at: datetime  # when they last proved who they are
    since: datetime  # when it got its present word
    factor: str = ""  # the second factor, where there was one: totp | passkey | recovery
    line: str = ""  # stays the same under every word: by it one knows what was begun in the session
    until: datetime | None = None  # when the session at the identity provider ends, where that is said

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
            cast(How, fields.get("how", "password")),  # a session begun by an earlier version says nothing
            _moment(fields.get("proved", fields["created"])),
            _moment(fields.get("since", fields["created"])),
            fields.get("factor", ""),
            fields.get("line", session_id),
            _moment(fields["until"]) if fields.get("until") else None,
        )

    def over(self, idle: timedelta, absolute: timedelta) -> bool:
        """Whether it has been idle, or has lasted, for too long, or longer than it was given."""
        moment = datetime.now(UTC)
        given = self.until is not None and moment >= self.until
        return given or moment - self.seen > idle or moment - self.created > absolute


def _moment(text: str) -> datetime:
    return datetime.fromtimestamp(float(text), UTC)


def _stamp() -> str:
    return f"{datetime.now(UTC).timestamp():.3f}"


class Sessions:
    """The sessions of one workspace. Whatever ends one, or its word, tells the workspace's streams."""

    def __init__(self, redis: "Redis", key: str, workspace_id: UUID) -> None:
        self._redis = redis
        self._key = key
        self._workspace_id = workspace_id
        self._prefix = f"session:{workspace_id}"

    async def begin(
        self,
        person_id: UUID,
        browser: str,
        address: str,
        how: How = "password",
        factor: str = "",
        until: float | None = None,
    ) -> Bearer:
        """A new session of somebody who has just proved who they are; the word for the cookie."""
        word = new_bearer(Kind.SESSION, self._key)
        session_id = word.digest.hex()
        stamp = _stamp()
        fields = {
            "person_id": str(person_id),
            "browser": browser,
            "address": address,
            "created": stamp,
            "seen": stamp,
            "how": how,
            "proved": stamp,
            "since": stamp,
            "factor": factor,
            "line": secrets.token_hex(8),
            "until": "" if until is None else f"{until:.3f}",
        }
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(self._at(session_id), items=[text for pair in fields.items() for text in pair])
            pipe.expire(self._at(session_id), LONGEST)
            pipe.sadd(self._of(person_id), session_id)
            pipe.expire(self._of(person_id), LONGEST)
            await pipe.execute()
        return word

    async def find(self, word: str) -> Session | None:
        """The session of a cookie's word; whether it may go on is for `keep` to say."""
        try:
            return await self.get(parse_bearer(Kind.SESSION, word).digest.hex())
        except TokenInvalid:
            return None

    async def keep(self, session: Session, idle: timedelta, absolute: timedelta) -> bool:
        """Whether the session may go on; if so its idle time starts anew, if not it ends."""
        if session.over(idle, absolute):
            await self.end(session.person_id, session.id)
            return False
        if (datetime.now(UTC) - session.seen).total_seconds() >= SEEN_EVERY_S:
            idle_s = int(idle.total_seconds()) + SEEN_EVERY_S
            await self._redis.eval(_TOUCH, 1, self._at(session.id), _stamp(), idle_s)
        return True

    async def get(self, session_id: str) -> Session | None:
        """A session by its id."""
        fields = await texts.fields(self._redis, self._at(session_id))
        return Session.read(session_id, fields) if fields else None

    async def of_person(self, person_id: UUID) -> list[Session]:
        """A person's sessions, the newest first."""
        ids = await texts.members(self._redis, self._of(person_id))
        found = [session for session in [await self.get(one) for one in ids] if session is not None]
        return sorted(found, key=lambda session: session.created, reverse=True)

    async def of_people(self, people: Sequence[UUID]) -> list[Session]:
        """The sessions of many people, in no order."""
        ids: list[str] = []
        for start in range(0, len(people), AT_ONCE):
            async with self._redis.pipeline(transaction=False) as pipe:
                for person_id in people[start : start + AT_ONCE]:
                    pipe.smembers(self._of(person_id))
                ids += [one for found in await pipe.execute() for one in found]
        sessions: list[Session] = []
        for start in range(0, len(ids), AT_ONCE):
            some = ids[start : start + AT_ONCE]
            async with self._redis.pipeline(transaction=False) as pipe:
                for one in some:
                    pipe.hgetall(self._at(one))
                held = zip(some, await pipe.execute(), strict=True)
            sessions += [Session.read(one, fields) for one, fields in held if fields]
        return sessions

    async def end_these(self, sessions: Sequence[Session]) -> None:
        """End many at once."""
        for start in range(0, len(sessions), AT_ONCE):
            async with self._redis.pipeline(transaction=True) as pipe:
                for one in sessions[start : start + AT_ONCE]:
                    pipe.srem(self._of(one.person_id), one.id)
                    pipe.delete(self._at(one.id))
                await pipe.execute()
        await self._tell()

    async def end(self, person_id: UUID, session_id: str) -> None:
        """End one session of this person."""
        await self._redis.eval(_END, 2, self._of(person_id), self._at(session_id), session_id)
        await self._tell()

    async def end_all(self, person_id: UUID, *, but: str = "", before: datetime | None = None) -> None:
        """End a person's sessions: `but` one perhaps, perhaps only those whose word is from `before` a moment."""
        await self._redis.eval(_END_ALL, 1, self._of(person_id), self._at(""), but, _until(before))
        await self._tell()

    async def end_all_of(self, people: Sequence[UUID], *, before: datetime | None = None) -> None:
        """The same for many people."""
        for start in range(0, len(people), AT_ONCE):
            async with self._redis.pipeline(transaction=False) as pipe:
                for person_id in people[start : start + AT_ONCE]:
                    pipe.eval(_END_ALL, 1, self._of(person_id), self._at(""), "", _until(before))
                await pipe.execute()
        await self._tell()

    async def rotate(self, session: Session, *, proved: bool = False) -> Bearer | None:
        """The session goes on under another word, as it must when its holder rises; None where it has ended meanwhile.

        `proved`: the person has just proved who they are once more.
        """
        word = new_bearer(Kind.SESSION, self._key)
        new_id = word.digest.hex()
        keys = (self._at(session.id), self._at(new_id), self._of(session.person_id))
        went_on = await self._redis.eval(_ROTATE, 3, *keys, session.id, new_id, _stamp(), int(proved))
        await self._tell()  # what listens by the old word hears no more
        return word if went_on else None

    async def _tell(self) -> None:
        await live.tell(self._redis, self._workspace_id, ENDED, {})

    def _at(self, session_id: str) -> str:
        return f"{self._prefix}:{session_id}"

    def _of(self, person_id: UUID) -> str:
        return f"{self._prefix}:of:{person_id}"


def _until(before: datetime | None) -> str:
    return "" if before is None else f"{before.timestamp():.3f}"


# A session that was ended a moment ago is not brought back.
_TOUCH = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'seen', ARGV[1])
return redis.call('EXPIRE', KEYS[1], ARGV[2])
"""

# Ending and rotating are one step each: a session that gets another word at this very moment does not slip through.
# KEYS[1] the person's set, KEYS[2] the hash; ARGV the id.
_END = """
if redis.call('SREM', KEYS[1], ARGV[1]) == 1 then return redis.call('DEL', KEYS[2]) end
return 0
"""

# KEYS[1] the person's set; ARGV how hashes begin, the id that stays, and before when the word has to be from.
_END_ALL = """
for _, id in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local at = ARGV[1] .. id
  local since = redis.call('HGET', at, 'since') or redis.call('HGET', at, 'created')
  if id ~= ARGV[2] and (ARGV[3] == '' or not since or tonumber(since) < tonumber(ARGV[3])) then
    redis.call('DEL', at)
    redis.call('SREM', KEYS[1], id)
  end
end
return 1
"""

# KEYS[1] the old hash, KEYS[2] the new one, KEYS[3] the person's set; ARGV old id, new id, now, whether proved.
_ROTATE = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('RENAME', KEYS[1], KEYS[2])
redis.call('SREM', KEYS[3], ARGV[1])
redis.call('SADD', KEYS[3], ARGV[2])
redis.call('HSET', KEYS[2], 'since', ARGV[3])
if ARGV[4] == '1' then redis.call('HSET', KEYS[2], 'proved', ARGV[3]) end
return 1
"""
