"""Feeds for operators: where each stands, who may read, and a new generation after a restore."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from control_plane import resources
from control_plane.act import acting
from control_plane.feed import log, readers
from control_plane.feed.models import FeedReader
from control_plane.operators.subjects import Operator
from control_plane.placement import service as placement
from control_plane.placement.service import WHY
from control_plane.words import NAME
from kit.web import Routes

routes = Routes("feed-api")


class Why(BaseModel):
    """An operator's reason."""

    why: Annotated[str, Field(pattern=rf"^{WHY}$")]


class Feed(BaseModel):
    """Where a feed stands; its log holds the events after `floor`."""

    audience: str
    generation: int
    n: int
    floor: int


class Feeds(BaseModel):
    """All feeds, and the ids of the keys that sign them now."""

    items: list[Feed]
    signing_keys: list[str]


class Generation(BaseModel):
    """A generation that has begun."""

    generation: int


class NewReader(BaseModel):
    """A credential to issue."""

    name: Annotated[str, Field(pattern=rf"^{NAME}$")]
    audiences: Annotated[list[str], Field(min_length=1, max_length=20)]


class ReaderShown(BaseModel):
    """A reader without its credential."""

    name: str
    audiences: list[str]
    created_at: datetime
    revoked_at: datetime | None


class Readers(BaseModel):
    """All readers."""

    items: list[ReaderShown]


class ReaderIssued(BaseModel):
    """A credential, shown this once."""

    name: str
    audiences: list[str]
    token: str


@routes.get("/api/operators/v1/feeds", document=True)
async def index(by: Operator) -> Feeds:
    """Where every feed stands."""
    plane = resources.current()
    async with plane.database.outside() as session:
        heads = await log.heads(session)
    items = [Feed(audience=one.audience, generation=one.generation, n=one.n, floor=one.floor) for one in heads]
    return Feeds(items=items, signing_keys=[key.id for key in plane.signing_keys])


@routes.post("/api/operators/v1/feeds/raise-generation", document=True)
async def raise_generation(by: Operator, wanted: Why) -> Generation:
    """Begin a new generation, after a restore of the registry: consumers take its snapshots, cells its word."""
    async with acting(resources.current().database, by.actor) as act:
        generation = await log.raise_generation(act.session)
        lifted = await placement.restored(act, wanted.why)
        act.log("feeds.raise-generation", "generation", str(generation), {"why": wanted.why, "workspaces": lifted})
    return Generation(generation=generation)


@routes.get("/api/operators/v1/feed-readers", document=True)
async def reader_index(by: Operator) -> Readers:
    """All readers, revoked ones too."""
    async with resources.current().database.outside() as session:
        return Readers(items=[_shown(one) for one in await readers.listed(session)])


@routes.post("/api/operators/v1/feed-readers", document=True, status=201)
async def issue(by: Operator, new: NewReader) -> ReaderIssued:
    """Issue a credential, in place of the one that the reader had."""
    async with acting(resources.current().database, by.actor) as act:
        word = await readers.issue(act, new.name, new.audiences)
    return ReaderIssued(name=new.name, audiences=sorted(set(new.audiences)), token=word.text)


@routes.post("/api/operators/v1/feed-readers/<name>/revoke", document=True)
async def revoke(by: Operator, name: str) -> ReaderShown:
    """End a credential."""
    async with acting(resources.current().database, by.actor) as act:
        return _shown(await readers.revoke(act, name))


def _shown(reader: FeedReader) -> ReaderShown:
    return ReaderShown(
        name=reader.name,
        audiences=reader.audiences,
        created_at=reader.created_at,
        revoked_at=reader.revoked_at,
    )
