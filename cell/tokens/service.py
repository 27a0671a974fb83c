"""Making, using and revoking API tokens."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy import update

from cell.actors import Actor
from cell.audit import service as audit
from cell.tokens import queries
from cell.tokens.models import ApiToken
from contracts.tokens import Bearer, Kind, new_bearer
from kit.database import Writing, now

ScopeName = Literal["links:read", "links:write", "recordings:read", "recordings:write"]
SCOPES: tuple[ScopeName, ...] = ("links:read", "links:write", "recordings:read", "recordings:write")
USED_EVERY = timedelta(minutes=1)  # how exact "last used" is; less would write on every call


class NewToken(BaseModel):
    """What an admin says about a new token."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    scopes: Annotated[list[ScopeName], Field(min_length=1, max_length=len(SCOPES))]
    expires_in_days: Annotated[int | None, Field(ge=1, le=366, description="None: never")] = None


@dataclass(frozen=True)
class MadeToken:
    """The token's row and its word, which is shown this once."""

    token: ApiToken
    word: Bearer


async def create(tx: Writing, by: Actor, key: str, new: NewToken) -> MadeToken:
    """Store a token, hashed."""
    word = new_bearer(Kind.API, key)
    moment = now()
    token = ApiToken(
        name=new.name,
        digest=word.digest,
        scopes=sorted(set(new.scopes)),
        created_by=by.id,
        created_at=moment,
        expires_at=None if new.expires_in_days is None else moment + timedelta(days=new.expires_in_days),
    )
    tx.add(token)
    await tx.flush()
    await audit.append(tx, by, "token.create", audit.Target("token", token.id), {"scopes": list(token.scopes)})
    return MadeToken(token, word)


async def revoke(tx: Writing, by: Actor, token_id: UUID) -> ApiToken:
    """End a token; its next call is refused. Raises NotFound."""
    token = await tx.one(queries.by_id(token_id))
    if token.revoked_at is None:
        token.revoked_at = now()
        await audit.append(tx, by, "token.revoke", audit.Target("token", token.id))
    return token


async def used(tx: Writing, token_id: UUID) -> None:
    """Remember that the token was used just now."""
    await tx.execute(update(ApiToken).where(ApiToken.id == token_id).values(last_used_at=now()))
