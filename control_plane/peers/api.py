"""Peers for operators: who signs calls, with which keys."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from contracts.peers import PeerKind
from control_plane import resources
from control_plane.act import acting
from control_plane.operators.subjects import Operator
from control_plane.peers import service
from control_plane.peers.models import PeerRow
from control_plane.placement.service import WHY
from kit.refusals import Invalid
from kit.web import Routes

routes = Routes("peers-api")
V1 = "/api/operators/v1"

PublicKey = Annotated[str, Field(max_length=64)]  # base64 of a raw Ed25519 key
PublicKeyList = Annotated[list[PublicKey], Field(max_length=service.MOST_KEYS)]


class NewPeer(BaseModel):
    """A peer to register. Cells are registered as cells."""

    name: Annotated[str, Field(max_length=31)]
    kind: Literal["provisioning"]
    region: Annotated[str, Field(max_length=31)]
    url: Annotated[str, Field(max_length=300)]
    public_keys: PublicKeyList


class ChangedPeer(BaseModel):
    """What is different from now on; what is left out stays."""

    url: Annotated[str | None, Field(max_length=300)] = None
    public_keys: PublicKeyList | None = None
    why: Annotated[str, Field(pattern=rf"^{WHY}$")]


class Why(BaseModel):
    """An operator's reason."""

    why: Annotated[str, Field(pattern=rf"^{WHY}$")]


class PeerShown(BaseModel):
    """A peer; several public keys while one is being changed."""

    name: str
    kind: str
    region: str
    url: str
    public_keys: list[str]
    changed_at: datetime


class PeerAdded(PeerShown):
    """A peer that was registered; `feed_token` is its credential for its feed, shown this once."""

    feed_token: str


class Peers(BaseModel):
    """All peers; the control plane itself is none of them, since everybody pins its keys."""

    items: list[PeerShown]


@routes.get(f"{V1}/peers", document=True)
async def index(by: Operator) -> Peers:
    """All peers."""
    async with resources.current().database.outside() as session:
        return Peers(items=[_shown(one) for one in await service.listed(session)])


@routes.post(f"{V1}/peers", document=True, status=201)
async def add(by: Operator, new: NewPeer) -> PeerAdded:
    """Register a provisioning process."""
    peer = service.wanted(new.name, PeerKind(new.kind), new.region, new.url, new.public_keys)
    async with acting(resources.current().database, by.actor) as act:
        word = await service.add(act, peer)
        return PeerAdded(**_shown(await service.get(act.session, new.name)).model_dump(), feed_token=word.text)


@routes.post(f"{V1}/peers/<name>/change", document=True)
async def change(by: Operator, name: str, wanted: ChangedPeer) -> PeerShown:
    """Give a peer another address or other keys."""
    async with acting(resources.current().database, by.actor) as act:
        held = await service.get(act.session, name)
        if wanted.url is not None and held.kind == PeerKind.CELL:
            raise Invalid("The address of a cell is changed with `cellcast cells change`.")
        return _shown(await service.change(act, name, wanted.url, wanted.public_keys, wanted.why))


@routes.post(f"{V1}/peers/<name>/remove", document=True)
async def remove(by: Operator, name: str, wanted: Why) -> PeerShown:
    """End a peer and its credential."""
    async with acting(resources.current().database, by.actor) as act:
        was = _shown(await service.get(act.session, name))
        await service.remove(act, name, wanted.why)
        return was


def _shown(row: PeerRow) -> PeerShown:
    return PeerShown(**{name: getattr(row, name) for name in PeerShown.model_fields})
