"""Cells that come and go: added, opened, cordoned, drained, retired, and heard of."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy import Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from control_plane.act import Act
from control_plane.peers import service as peers
from control_plane.placement import queries, records
from control_plane.placement.models import Cell
from control_plane.placement.service import WHY
from control_plane.placement.states import CellState, change_cell
from kit.database import now
from kit.refusals import Invalid, Kind, NotFound, Refusal

NAME = r"[a-z]{2}-[0-9]{1,4}"
MEASURED_OVER = timedelta(days=1)  # contracts/operations.Beat: what a cell's load is measured over
LISTED = 100  # of what a cell still owns, when retiring it is refused


class CellExists(Refusal):
    """A cell of this name is or was there; names are not given twice, since addresses name cells."""

    kind = Kind.CONFLICT
    title = "There is or was a cell of this name"
    detail = "Choose the next number of the region."


class CellRetired(Refusal):
    """The cell is gone for good."""

    kind = Kind.CONFLICT
    title = "This cell is retired"
    detail = "Add a cell with the next number of the region."


class CellNotEmpty(Refusal):
    """The cell still owns workspaces."""

    kind = Kind.CONFLICT
    title = "This cell still owns workspaces"
    detail = "Move or delete those in `workspaces` first, then retire it."


@dataclass(frozen=True)
class NewCell:
    """A cell to be: `url` is scheme://host[:port]; `capacity` in units; `weight` is how attractive it is."""

    name: str
    region: str
    url: str
    capacity: int
    weight: float = 1.0
    dedicated: bool = False


@dataclass(frozen=True)
class Heard:
    """A heartbeat: the load in units that the cell measured, and its growth in units a day."""

    load: float
    growth: float


async def add(act: Act, new: NewCell) -> Cell:
    """Register a cell; it is `joining` and takes nothing until it is opened. Raises CellExists, NotFound, Invalid."""
    _check(new)
    _check_url(new.url)
    if (await act.session.scalars(queries.region_locked(new.region))).first() is None:
        raise NotFound(f"There is no region {new.region}.")
    if await act.session.get(Cell, new.name) is not None:
        raise CellExists
    cell = Cell(
        name=new.name,
        region=new.region,
        url=new.url,
        state=CellState.JOINING.value,
        capacity=new.capacity,
        weight=new.weight,
        dedicated=new.dedicated,
        joined_at=now(),
    )
    act.session.add(cell)
    await act.session.flush()
    act.log("cell.add", "cell", cell.name, {"region": cell.region, "url": cell.url, "capacity": cell.capacity})
    for told in records.told_of_cell(cell):
        act.tell(told)
    await peers.introduce(act, cell)
    return cell


@dataclass(frozen=True)
class Changed:
    """What of a cell is different from now on; None stays. Its peer's keys are changed with it."""

    url: str | None = None
    public_keys: Sequence[str] | None = None
    capacity: int | None = None
    weight: float | None = None


async def change(act: Act, name: str, wanted: Changed, why: str) -> Cell:
    """Change a cell. A smaller capacity moves nobody off: it takes nobody new until it has room again.

    Raises NotFound, CellRetired, Invalid.
    """
    _check_why(why)
    region = (await get(act.session, name)).region
    await act.session.scalars(queries.region_locked(region))
    cell = (await act.session.scalars(_fresh(name))).one()
    if cell.state == CellState.RETIRED:
        raise CellRetired
    sizes = {"capacity": wanted.capacity or cell.capacity, "weight": wanted.weight or cell.weight}
    if sizes != {"capacity": cell.capacity, "weight": cell.weight}:
        cell.capacity, cell.weight = int(sizes["capacity"]), sizes["weight"]
        act.log("cell.resize", "cell", name, {"capacity": cell.capacity, "weight": str(cell.weight), "why": why})
    if wanted.url is not None and wanted.url != cell.url:
        _check_url(wanted.url)
        cell.url = wanted.url
        act.log("cell.change", "cell", name, {"url": wanted.url, "why": why})
        for told in records.told_of_cell(cell):
            act.tell(told)
    await peers.change_of_cell(act, cell, wanted.public_keys, why)
    return cell


async def transition(act: Act, name: str, what: str, why: str) -> Cell:
    """Open, cordon, drain or retire a cell. Raises NotFound, TransitionRefused, CellNotEmpty, Invalid."""
    _check_why(why)
    region = (await get(act.session, name)).region
    # A sign-up that is choosing now ends before the cell changes; the next one sees the change.
    await act.session.scalars(queries.region_locked(region))
    cell = (await act.session.scalars(_fresh(name))).one()
    before = CellState(cell.state)
    after = change_cell(name, before, what)
    if after is CellState.RETIRED:
        owned = (await act.session.scalars(queries.keys_on(name, LISTED))).all()
        if owned:
            raise CellNotEmpty(workspaces=list(owned), count=cell.workspaces)
    cell.state = after.value
    act.log(f"cell.{what}", "cell", name, {"from": before.value, "to": after.value, "why": why})
    if after is CellState.RETIRED:  # its address is all that feeds carry, and only that of a retired one goes
        for told in records.told_of_cell(cell):
            act.tell(told)
        await peers.part(act, cell, why)
    return cell


async def heard(session: AsyncSession, name: str, said: Heard) -> None:
    """Take a heartbeat. Raises NotFound. The caller has made sure that it is this cell that speaks.

    What a cell measures is of a whole day: a workspace younger than that counts by what was reserved for it besides.
    """
    young = select(func.coalesce(func.sum(queries.units_since(name, now() - MEASURED_OVER).c.units), 0))
    noted = (
        update(Cell)
        .where(Cell.name == name, Cell.state != CellState.RETIRED.value)
        .values(
            heard_at=now(),
            measured=said.load,
            growth=said.growth,
            reserved_then=Cell.reserved - young.scalar_subquery(),
        )
    )
    if not getattr(await session.execute(noted), "rowcount", 0):
        raise NotFound(f"There is no cell {name}.")


async def get(session: AsyncSession, name: str) -> Cell:
    """A cell. Raises NotFound."""
    cell = await session.get(Cell, name)
    if cell is None:
        raise NotFound(f"There is no cell {name}.")
    return cell


async def listed(session: AsyncSession) -> Sequence[Cell]:
    """All cells, retired ones too."""
    return (await session.scalars(queries.cells())).all()


def _fresh(name: str) -> Select[Cell]:
    return select(Cell).where(Cell.name == name).execution_options(populate_existing=True)


def _check_why(why: str) -> None:
    if not re.fullmatch(WHY, why):
        raise Invalid("Say why in up to 200 characters, such as a ticket's number; no addresses of people.")


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or url != f"{parts.scheme}://{parts.netloc}":
        raise Invalid("A cell's address is scheme://host, like https://eu-3.example, without a path.")


def _check(new: NewCell) -> None:
    if not re.fullmatch(NAME, new.name) or not new.name.startswith(f"{new.region}-"):
        raise Invalid("A cell's name is its region and a number, like eu-3.")
    if new.capacity < 1 or not 0 < new.weight <= 10:
        raise Invalid("A cell's capacity is at least 1 unit, and its weight above 0 and at most 10.")
