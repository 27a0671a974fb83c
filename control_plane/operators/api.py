"""Operators' tokens, for operators."""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, Field

from control_plane import resources
from control_plane.act import acting
from control_plane.operators import service
from control_plane.operators.models import OperatorToken
from control_plane.operators.subjects import Operator
from control_plane.words import NAME
from kit.web import Routes

routes = Routes("operators")

Name = Annotated[str, Field(pattern=rf"^{NAME}$")]
Days = Annotated[int, Field(ge=1, le=service.LONGEST_DAYS)]
DEFAULT_DAYS = 90


class NewOperator(BaseModel):
    """A token to issue."""

    name: Name
    days: Days = DEFAULT_DAYS


class Rotation(BaseModel):
    """A token to replace; the present one counts for another `overlap_minutes`."""

    days: Days = DEFAULT_DAYS
    overlap_minutes: Annotated[int, Field(ge=0, le=7 * 24 * 60)] = 60


class Token(BaseModel):
    """A token without its word."""

    name: str
    id: str
    issued_by: str
    issued_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


class NewToken(Token):
    """A token with its word, shown this once."""

    token: str


class Tokens(BaseModel):
    """All tokens."""

    items: list[Token]


class Revoked(BaseModel):
    """How many tokens ended."""

    name: str
    tokens: int


@routes.get("/api/operators/v1/operators", document=True)
async def index(by: Operator) -> Tokens:
    """All tokens, ended ones too."""
    async with resources.current().database.outside() as session:
        return Tokens(items=[_shown(one) for one in await service.listed(session)])


@routes.post("/api/operators/v1/operators", document=True, status=201)
async def issue(by: Operator, new: NewOperator) -> NewToken:
    """Issue a token for a new operator."""
    async with acting(resources.current().database, by.actor) as act:
        return shown_once(await service.issue(act, new.name, new.days))


@routes.post("/api/operators/v1/operators/<name>/rotate", document=True)
async def rotate(by: Operator, name: str, wanted: Rotation) -> NewToken:
    """Replace an operator's token."""
    async with acting(resources.current().database, by.actor) as act:
        overlap = timedelta(minutes=wanted.overlap_minutes)
        return shown_once(await service.rotate(act, name, wanted.days, overlap))


@routes.post("/api/operators/v1/operators/<name>/revoke", document=True)
async def revoke(by: Operator, name: str) -> Revoked:
    """End all tokens of an operator."""
    async with acting(resources.current().database, by.actor) as act:
        return Revoked(name=name, tokens=await service.revoke(act, name))


def shown_once(issued: service.Issued) -> NewToken:
    """A token as it is handed out."""
    return NewToken(**_shown(issued.token).model_dump(), token=issued.word.text)


def _shown(token: OperatorToken) -> Token:
    return Token(
        name=token.name,
        id=str(token.id),
        issued_by=token.issued_by,
        issued_at=token.issued_at,
        expires_at=token.expires_at,
        used_at=token.used_at,
        revoked_at=token.revoked_at,
    )
