"""Provisioning tokens: several at once, so that one replaces another without a gap; each ends by itself or by hand."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from cell.actors import Actor
from cell.audit import service as audit
from cell.directory import kinds, queries
from cell.directory.models import ProvisioningToken, Upkeep
from cell.workspaces import service as workspaces
from contracts.tokens import Bearer, Kind, new_bearer
from kit.database import Writing, now
from kit.jobs import later
from kit.refusals import Kind as Why
from kit.refusals import Refusal

MOST = 10  # that live at once
OVERLAP = timedelta(days=7)  # in which the old token goes on, at most, once another was made in its place


class TooManyTokens(Refusal):
    """As many as may live at once."""

    kind = Why.CONFLICT
    title = "A workspace can have 10 provisioning tokens"
    detail = "Revoke one that is no longer used."


class TokenEnded(Refusal):
    """It cannot be replaced any more."""

    kind = Why.CONFLICT
    title = "This token has ended"
    detail = "Create a new one."


class NewToken(BaseModel):
    """What an admin says about a new token."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    expires_in_days: Annotated[int | None, Field(ge=1, le=1096, description="None: never")] = None


@dataclass(frozen=True)
class MadeToken:
    """The token's row and its word, which is shown this once."""

    token: ProvisioningToken
    word: Bearer


async def create(tx: Writing, by: Actor, key: str, new: NewToken) -> MadeToken:
    """Store a token, hashed. Raises TooManyTokens."""
    moment = await _room_for_one(tx)
    ends = None if new.expires_in_days is None else moment + timedelta(days=new.expires_in_days)
    return await _made(tx, by, key, new.name, ends, "directory.token.create")


async def rotate(tx: Writing, by: Actor, key: str, token_id: UUID) -> MadeToken:
    """Another token of the same name and length; this one goes on for a week, or until its own end if that is nearer.

    Raises TokenEnded, TooManyTokens, NotFound.
    """
    moment = await _room_for_one(tx)
    old = await tx.one(queries.token(token_id))
    if not living(old, moment):
        raise TokenEnded
    ends = None if old.expires_at is None else moment + (old.expires_at - old.created_at)
    old.expires_at = min(one for one in (old.expires_at, moment + OVERLAP) if one is not None)
    return await _made(tx, by, key, old.name, ends, "directory.token.rotate")


async def revoke(tx: Writing, by: Actor, token_id: UUID) -> ProvisioningToken:
    """End a token; its next request is refused. Raises NotFound."""
    token = await tx.one(queries.token(token_id))
    if token.revoked_at is None:
        token.revoked_at = now()
        target = audit.Target("provisioning-token", token.id)
        await audit.append(tx, by, "directory.token.revoke", target, {"name": token.name})
    return token


def living(token: ProvisioningToken, at: datetime) -> bool:
    """Whether it may still be used."""
    return token.revoked_at is None and (token.expires_at is None or token.expires_at > at)


async def _room_for_one(tx: Writing) -> datetime:
    """The present moment, at which one more may live; whoever makes another waits until this is done.

    Raises TooManyTokens.
    """
    await workspaces.get_locked(tx)
    moment = now()
    if len(await tx.all(queries.living(moment))) >= MOST:
        raise TooManyTokens
    return moment


async def _made(tx: Writing, by: Actor, key: str, name: str, ends: datetime | None, action: str) -> MadeToken:
    word, moment = new_bearer(Kind.DIRECTORY, key), now()
    token = ProvisioningToken(name=name, digest=word.digest, created_by=by.id, created_at=moment, expires_at=ends)
    tx.add(token)
    if await tx.first(queries.upkeep()) is None:
        tx.add(Upkeep(since=moment))
        later(tx, kinds.LOOK_AFTER)
    await tx.flush()
    details: dict[str, str | int | bool | list[str]] = {"name": name}
    if ends is not None:
        details["expires_at"] = ends.isoformat()
    await audit.append(tx, by, action, audit.Target("provisioning-token", token.id), details)
    return MadeToken(token, word)
