"""What the feeds carry of the registry: cells and placements, to whom, and all there is for snapshots."""

from collections.abc import Iterable

from sqlalchemy import Text, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts import feed, records
from contracts.placements import ROUTING, CellAddress, Placement, State
from control_plane.domains import records as domains
from control_plane.feed.log import Told
from control_plane.feed.snapshots import Pages, Source
from control_plane.peers import records as peers
from control_plane.placement.models import Cell, PlacementRow, Workspace
from control_plane.placement.queries import GONE
from control_plane.placement.states import CellState
from control_plane.sso import records as sso

PAGE = 5000


def told_of_cell(cell: Cell) -> Iterable[Told]:
    """A cell for those who need its address; a tombstone once it is retired."""
    record = None if cell.state == CellState.RETIRED else _cell_record(cell)
    for audience in (ROUTING, feed.identity_audience(cell.region), feed.cell_audience(cell.name)):
        yield Told(audience, records.CELL, cell.name, record)


def told_of_placement(region: str, before: Placement | None, now: Placement) -> Iterable[Told]:
    """A placement for those whom it concerns; a tombstone once it is deleted, and for a cell that it left."""
    record = None if now.state is State.DELETED else records.placement_record(now)
    for audience in (ROUTING, feed.identity_audience(region), feed.cell_audience(now.cell)):
        yield Told(audience, records.WORKSPACE, now.key, record)
    if before is not None and before.cell != now.cell:
        yield Told(feed.cell_audience(before.cell), records.WORKSPACE, now.key, None)


async def home_region(session: AsyncSession, audience: str) -> str | None:
    """The region that an audience belongs to; None for the routers', which are everywhere."""
    kind, _, name = audience.partition("/")
    if kind == "cell":
        found: str | None = await session.scalar(select(Cell.region).where(Cell.name == name))
        return found
    return name or None


async def _cells(session: AsyncSession, audience: str) -> Pages:
    kind, _, name = audience.partition("/")
    found = select(Cell).where(Cell.state != CellState.RETIRED.value).order_by(Cell.name)
    if kind == "identity":
        found = found.where(Cell.region == name)
    elif kind == "cell":
        found = found.where(Cell.name == name)
    yield [feed.member_json(cell.name, _cell_record(cell)) for cell in (await session.scalars(found)).all()]


async def _placements(session: AsyncSession, audience: str) -> Pages:
    kind, _, name = audience.partition("/")
    at = PlacementRow
    record = func.json_build_array(Workspace.id, at.cell, at.epoch, at.state, at.version)
    found = (
        # As text, made by the database: a million rows become members in seconds. Keys need no escaping.
        select(func.concat('"', Workspace.key, '":', cast(record, Text)))
        .join(PlacementRow, PlacementRow.workspace_id == Workspace.id)
        .where(PlacementRow.state != GONE)
        .execution_options(yield_per=PAGE)
    )
    if kind == "identity":
        found = found.where(Workspace.region == name)
    elif kind == "cell":
        found = found.where(PlacementRow.cell == name)
    async for page in (await session.stream_scalars(found)).partitions(PAGE):
        yield page


def _cell_record(cell: Cell) -> feed.Record:
    return records.cell_record(CellAddress(cell.name, cell.region, cell.url))


SOURCES = (
    Source(records.CELL, _cells),
    peers.SOURCE,
    Source(records.WORKSPACE, _placements),
    sso.SOURCE,
    domains.SOURCE,
)
