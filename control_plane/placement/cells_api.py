"""Cells, for operators."""

from typing import Annotated

from pydantic import BaseModel, Field

from contracts.peers import PeerKind
from control_plane import resources
from control_plane.act import acting
from control_plane.operators.subjects import Operator
from control_plane.peers import service as peers
from control_plane.peers.api import PublicKeyList
from control_plane.placement import cells, service, shown
from control_plane.placement.states import CELL_RULES
from kit.refusals import NotFound
from kit.web import Routes

routes = Routes("cells-api")
V1 = "/api/operators/v1"


class NewCell(BaseModel):
    """A cell to register, with the keys by which its calls are known; `open` lets it take workspaces at once."""

    name: Annotated[str, Field(max_length=31)]
    region: Annotated[str, Field(max_length=31)]
    url: Annotated[str, Field(max_length=300)]
    capacity: Annotated[int, Field(ge=1, le=10_000_000)]
    weight: Annotated[float, Field(gt=0, le=10)] = 1.0
    dedicated: bool = False
    public_keys: PublicKeyList = []
    open: bool = False


class CellAdded(shown.Cell):
    """A cell that was registered; `feed_token` is its credential for its feed, shown this once.

    None without public keys: a cell that makes and answers no calls follows no feed, and cannot be opened.
    """

    feed_token: str | None


class ChangedCell(BaseModel):
    """What is different from now on; what is left out stays."""

    url: Annotated[str | None, Field(max_length=300)] = None
    public_keys: PublicKeyList | None = None
    capacity: Annotated[int | None, Field(ge=1, le=10_000_000)] = None
    weight: Annotated[float | None, Field(gt=0, le=10)] = None
    why: Annotated[str, Field(pattern=rf"^{service.WHY}$")]


class Why(BaseModel):
    """An operator's reason."""

    why: Annotated[str, Field(pattern=rf"^{service.WHY}$")]


@routes.get(f"{V1}/cells", document=True)
async def index(by: Operator) -> shown.Cells:
    """All cells."""
    async with resources.current().database.outside() as session:
        return shown.Cells(items=[shown.cell(one) for one in await cells.listed(session)])


@routes.post(f"{V1}/cells", document=True, status=201)
async def add(by: Operator, new: NewCell) -> CellAdded:
    """Register a cell and its peer."""
    wanted = cells.NewCell(**new.model_dump(exclude={"open", "public_keys"}))
    token = None
    async with acting(resources.current().database, by.actor) as act:
        cell = await cells.add(act, wanted)
        if new.public_keys:
            peer = peers.wanted(new.name, PeerKind.CELL, new.region, new.url, new.public_keys)
            token = (await peers.add(act, peer)).text
        if new.open:
            await peers.must_be_callable(act.session, new.name)
            await cells.transition(act, new.name, "open", "opened as it was added")
        return CellAdded(**shown.cell(cell).model_dump(), feed_token=token)


@routes.get(f"{V1}/cells/<name>", document=True)
async def show(by: Operator, name: str) -> shown.Cell:
    """One cell."""
    async with resources.current().database.outside() as session:
        return shown.cell(await cells.get(session, name))


@routes.post(f"{V1}/cells/<name>/change", document=True)
async def change(by: Operator, name: str, wanted: ChangedCell) -> shown.Cell:
    """Give a cell another address, other keys, or another size."""
    to = cells.Changed(wanted.url, wanted.public_keys, wanted.capacity, wanted.weight)
    async with acting(resources.current().database, by.actor) as act:
        return shown.cell(await cells.change(act, name, to, wanted.why))


@routes.post(f"{V1}/cells/<name>/<what>", document=True)
async def transition(by: Operator, name: str, what: str, wanted: Why) -> shown.Cell:
    """Open, cordon, drain or retire a cell."""
    if what not in CELL_RULES:
        raise NotFound
    async with acting(resources.current().database, by.actor) as act:
        if what == "open":
            await cells.get(act.session, name)
            await peers.must_be_callable(act.session, name)
        return shown.cell(await cells.transition(act, name, what, wanted.why))
