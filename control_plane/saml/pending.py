"""What is remembered between a request and its answer, in provisioning's Redis: random words, ids and times.

A request begins with a random handle, which the browser keeps in a cookie; its SAML ID is the handle's hash. So whoever
sees the ID, the identity provider first of all, cannot make the cookie, and one record answers for both.
"""

import hashlib
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from contracts.signing_in import SIGN_IN_LIFE_S, Purpose
from kit.refusals import Kind, Refusal

_COOKIE = "__Host-saml-"


class MemoryAway(Refusal):
    """Redis does not answer: nobody's sign-in can be told from a repeated one, so none goes on."""

    kind = Kind.UNAVAILABLE
    title = "Signing in does not work at the moment"
    detail = "Nothing is lost. Try again in a moment."
    retry_after_s = 3


@dataclass(frozen=True)
class Asked:
    """A request of ours: for which workspace, for whose nonce at the cell, what for, and when."""

    workspace_id: UUID
    key: str
    nonce: str
    purpose: Purpose
    asked_at: datetime

    def to_json(self) -> str:
        """As it is kept."""
        return json.dumps([str(self.workspace_id), self.key, self.nonce, self.purpose.value, self.asked_at.timestamp()])

    @classmethod
    def from_json(cls, text: bytes | str) -> "Asked":
        """What `to_json` wrote."""
        workspace_id, key, nonce, purpose, at = json.loads(text)
        return cls(UUID(workspace_id), key, nonce, Purpose(purpose), datetime.fromtimestamp(at, UTC))


def request_id_of(handle: str) -> str:
    """The SAML ID of the request that began with this handle; an xs:ID begins with no digit."""
    return "_" + hashlib.sha256(b"saml request 1\0" + handle.encode()).hexdigest()


def cookie_name(request_id: str) -> str:
    """Where the browser keeps the request's handle: one cookie a request, since people open several tabs."""
    return f"{_COOKIE}{request_id[1:13]}"


class Pending:
    """Requests that wait for an answer, and assertions that were used."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def add(self, asked: Asked) -> str:
        """Remember a request for ten minutes; its handle. Raises MemoryAway."""
        handle = secrets.token_hex(32)
        with _away():
            await self._redis.set(_request(request_id_of(handle)), asked.to_json(), ex=SIGN_IN_LIFE_S)
        return handle

    async def look(self, handle: str) -> Asked | None:
        """The request that began with this handle, if it still waits. Raises MemoryAway."""
        with _away():
            found = await self._redis.get(_request(request_id_of(handle)))
        return None if found is None else Asked.from_json(found)

    async def take(self, request_id: str) -> Asked | None:
        """The request, once. Raises MemoryAway."""
        with _away():
            found = await self._redis.getdel(_request(request_id))
        return None if found is None else Asked.from_json(found)

    async def first_use(self, idp_entity_id: str, assertion_id: str, until: datetime) -> bool:
        """True the first time that an assertion comes; it is remembered until it counts no more. Raises MemoryAway."""
        left = max(1, int((until - datetime.now(UTC)).total_seconds()) + 1)
        name = hashlib.sha256(f"{idp_entity_id}\0{assertion_id}".encode()).hexdigest()
        with _away():
            return bool(await self._redis.set(f"saml:assertion:{name}", "", nx=True, ex=left))


def _request(request_id: str) -> str:
    # Hashed once more: an answer's InResponseTo is anybody's word, of any length.
    return f"saml:request:{hashlib.sha256(request_id.encode()).hexdigest()}"


@contextmanager
def _away() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError):
        raise MemoryAway from None
