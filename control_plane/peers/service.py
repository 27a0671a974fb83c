"""Peers that come, change their keys and go; each change is logged and told with the transaction that makes it."""

import re
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts import feed
from contracts.peers import Peer, PeerKind
from control_plane.act import Act
from control_plane.audit.service import Details
from control_plane.feed import readers
from control_plane.feed.models import FeedReader
from control_plane.peers import records
from control_plane.peers.models import PeerRow
from control_plane.placement import queries
from control_plane.placement.models import Cell
from control_plane.words import NAME, Word
from kit.database import now
from kit.refusals import Invalid, Kind, NotFound, Refusal
from kit.signing import PublicKeys

MOST_KEYS = 2  # the one in use and the one that follows it


class PeerExists(Refusal):
    """A peer of this name is there."""

    kind = Kind.CONFLICT
    title = "There is a peer of this name"
    detail = "Change it with `cellcast peers change`, or a cell with `cellcast cells change`."


class CellHasNoKey(Refusal):
    """Nobody can call this cell, so every sign-up that is placed on it would fail."""

    kind = Kind.CONFLICT
    title = "This cell has no public key, so nobody can call it"
    detail = "Name it, then open the cell: cellcast cells change CELL --public-key KEY --why ..."


def wanted(name: str, kind: PeerKind, region: str, url: str, public_keys: Sequence[str]) -> Peer:
    """A peer as an operator names it. Raises Invalid for one that cannot be."""
    if not url or not 1 <= len(public_keys) <= MOST_KEYS:
        raise Invalid(f"A peer has an address, and one public key, or {MOST_KEYS} while it is being changed.")
    if kind is PeerKind.PROVISIONING and not (re.fullmatch(NAME, name) and name.startswith("provisioning-")):
        raise Invalid("A provisioning process is called provisioning-REGION.")
    try:
        return Peer(name, kind, region, url, tuple(public_keys))
    except ValueError as error:
        raise Invalid(f"This is no peer: {error}.") from None


async def add(act: Act, new: Peer) -> Word:
    """Register a peer; its credential for the feed of its audience. Raises NotFound for its region, PeerExists."""
    await _lock(act.session, new.region)
    if await act.session.get(PeerRow, new.name) is not None:
        raise PeerExists
    await _put(act, new, "peer.add", {})
    own = feed.cell_audience(new.name) if new.kind is PeerKind.CELL else feed.identity_audience(new.region)
    return await readers.issue(act, new.name, [own])


async def change(act: Act, name: str, url: str | None, public_keys: Sequence[str] | None, why: str) -> PeerRow:
    """Give a peer another address or other keys, in place of those it had. Raises NotFound, Invalid."""
    row = await get(act.session, name)
    await _lock(act.session, row.region)
    await act.session.refresh(row)
    held = records.peer_of(row)
    changed = wanted(name, held.kind, held.region, url or held.url, public_keys or held.public_keys)
    return await _put(act, changed, "peer.change", {"why": why})


async def change_of_cell(act: Act, cell: Cell, public_keys: Sequence[str] | None, why: str) -> None:
    """Give a cell's peer the cell's address, and other keys; one that has none yet gets one with its keys."""
    row = await act.session.get(PeerRow, cell.name)
    keys = public_keys or (row.public_keys if row is not None else None)
    same = row is not None and (row.url, row.public_keys) == (cell.url, list(keys or []))
    if keys and not same:
        peer = wanted(cell.name, PeerKind.CELL, cell.region, cell.url, keys)
        await _put(act, peer, "peer.change" if row is not None else "peer.add", {"why": why})


async def remove(act: Act, name: str, why: str) -> None:
    """End a peer: what it signs counts no longer, and its credential for feeds neither. Raises NotFound."""
    row = await get(act.session, name)
    await _lock(act.session, row.region)
    for audience in await records.audiences(act.session, row):
        act.tell(records.told(audience, row, gone=True))
    await act.session.delete(row)
    if await act.session.get(FeedReader, name) is not None:
        await readers.revoke(act, name)
    act.log("peer.remove", "peer", name, {"why": why})


async def introduce(act: Act, cell: Cell) -> None:
    """Tell a cell that joins of its region's provisioning. The caller holds the region's lock."""
    for row in await _provisioning(act.session, cell.region):
        act.tell(records.told(feed.cell_audience(cell.name), row))


async def must_be_callable(session: AsyncSession, cell: str) -> None:
    """Return for a cell that is a peer. Raises CellHasNoKey."""
    if await session.get(PeerRow, cell) is None:
        raise CellHasNoKey


async def part(act: Act, cell: Cell, why: str) -> None:
    """End the peer of a cell that retires, and what its own feed says. The caller holds the region's lock."""
    for row in await _provisioning(act.session, cell.region):
        act.tell(records.told(feed.cell_audience(cell.name), row, gone=True))
    if await act.session.get(PeerRow, cell.name) is not None:
        await remove(act, cell.name, why)


async def get(session: AsyncSession, name: str) -> PeerRow:
    """A peer. Raises NotFound."""
    row = await session.get(PeerRow, name)
    if row is None:
        raise NotFound(f"There is no peer {name}.")
    return row


async def listed(session: AsyncSession) -> Sequence[PeerRow]:
    """All peers."""
    return (await session.scalars(select(PeerRow).order_by(PeerRow.name))).all()


async def _put(act: Act, peer: Peer, action: str, details: Details) -> PeerRow:
    row = await act.session.get(PeerRow, peer.name)
    if row is None:
        row = PeerRow(name=peer.name, kind=peer.kind.value, region=peer.region)
        act.session.add(row)
    row.url, row.public_keys, row.changed_at = peer.url, list(peer.public_keys), now()
    await act.session.flush()
    keys = PublicKeys.from_text(",".join(peer.public_keys)).ids
    facts: Details = {"kind": row.kind, "region": row.region, "url": row.url, "keys": keys}
    act.log(action, "peer", row.name, facts | details)
    for audience in await records.audiences(act.session, row):
        act.tell(records.told(audience, row))
    return row


async def _lock(session: AsyncSession, region: str) -> None:
    """Hold the region: a cell that joins or retires meanwhile would miss what is told, or hear too much."""
    if (await session.scalars(queries.region_locked(region))).first() is None:
        raise NotFound(f"There is no region {region}.")


async def _provisioning(session: AsyncSession, region: str) -> Sequence[PeerRow]:
    found = select(PeerRow).where(PeerRow.kind == PeerKind.PROVISIONING.value, PeerRow.region == region)
    return (await session.scalars(found.order_by(PeerRow.name))).all()
