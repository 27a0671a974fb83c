"""What the feeds carry of peers: to a region's provisioning its cells, to each cell its region's provisioning."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts import feed
from contracts.peers import PEER, Peer, PeerKind, peer_record
from control_plane.feed.log import Told
from control_plane.feed.snapshots import Pages, Source
from control_plane.peers.models import PeerRow
from control_plane.placement.models import Cell
from control_plane.placement.states import CellState


def peer_of(row: PeerRow) -> Peer:
    """A row as everybody else knows it."""
    return Peer(row.name, PeerKind(row.kind), row.region, row.url, tuple(row.public_keys))


async def audiences(session: AsyncSession, row: PeerRow) -> list[str]:
    """Who is told of a peer. The caller holds the region's lock: no cell joins meanwhile."""
    if row.kind == PeerKind.CELL:
        return [feed.identity_audience(row.region)]
    cells = select(Cell.name).where(Cell.region == row.region, Cell.state != CellState.RETIRED.value)
    return [feed.cell_audience(name) for name in (await session.scalars(cells.order_by(Cell.name))).all()]


def told(audience: str, row: PeerRow, *, gone: bool = False) -> Told:
    """What an audience hears of a peer."""
    return Told(audience, PEER, row.name, None if gone else peer_record(peer_of(row)))


async def _peers(session: AsyncSession, audience: str) -> Pages:
    kind, _, name = audience.partition("/")
    found = select(PeerRow).order_by(PeerRow.name)
    if kind == "identity":
        found = found.where(PeerRow.kind == PeerKind.CELL.value, PeerRow.region == name)
    elif kind == "cell":
        its = select(Cell.region).where(Cell.name == name, Cell.state != CellState.RETIRED.value)
        found = found.where(PeerRow.kind == PeerKind.PROVISIONING.value, PeerRow.region.in_(its))
    else:  # routers call nobody
        return
    rows = (await session.scalars(found)).all()
    yield [feed.member_json(row.name, peer_record(peer_of(row))) for row in rows]


SOURCE = Source(PEER, _peers)
