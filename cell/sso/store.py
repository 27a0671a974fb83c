"""Sign-ins on their way, in Redis: what was begun under a nonce, and what a code is worth. Each is taken once."""

import hashlib
import secrets
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from redis.asyncio import Redis

from contracts.signing_in import CODE_LIFE_S, SIGN_IN_LIFE_S, Digest, Purpose, Reference


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Begun(_Kept):
    """What a browser wants that was sent to the identity provider."""

    purpose: Purpose
    onward: Annotated[str, Field(max_length=2000)] = ""  # a path of ours
    person_id: UUID | None = None  # who tests, or proves it once more
    connection: str  # fingerprint of the connection with which it began


class Outcome(_Kept):
    """What became of it: the code stands for this."""

    nonce: Digest
    purpose: Purpose
    onward: str
    person_id: UUID | None
    reference: Reference  # the line of the sign-in log, which a test shows
    ends_at: float | None = None  # unix seconds: when the session at the identity provider ends, where that is said


class Waiting:
    """The sign-ins of one workspace that are under way."""

    def __init__(self, redis: "Redis", workspace_id: UUID) -> None:
        self._redis = redis
        self._prefix = f"sso:{workspace_id}"

    async def begin(self, begun: Begun) -> str:
        """Remember what a browser wants; the nonce for its cookie."""
        nonce = secrets.token_hex(32)
        await self._redis.set(self._begun(digest(nonce)), begun.model_dump_json(), ex=SIGN_IN_LIFE_S)
        return nonce

    async def take_begun(self, nonce: str) -> Begun | None:
        """What was begun under the nonce of that digest, once."""
        found = await self._redis.getdel(self._begun(nonce))
        return None if found is None else Begun.model_validate_json(found)

    async def leave(self, outcome: Outcome) -> str:
        """Put down what became of a sign-in; the code that takes it up."""
        code = secrets.token_hex(32)
        await self._redis.set(self._code(code), outcome.model_dump_json(), ex=CODE_LIFE_S)
        return code

    async def look(self, code: str) -> Outcome | None:
        """What a code is worth; it stays."""
        found = await self._redis.get(self._code(code))
        return None if found is None else Outcome.model_validate_json(found)

    async def take(self, code: str) -> Outcome | None:
        """The same, once: of several who take it, one gets it."""
        found = await self._redis.getdel(self._code(code))
        return None if found is None else Outcome.model_validate_json(found)

    def _begun(self, nonce: str) -> str:
        return f"{self._prefix}:begun:{nonce}"

    def _code(self, code: str) -> str:
        return f"{self._prefix}:code:{digest(code)}"


def digest(word: str) -> str:
    """What is stored and told of a random word: SHA-256 in hexadecimal."""
    return hashlib.sha256(word.encode()).hexdigest()
