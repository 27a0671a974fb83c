"""Statements of the registry, each named for what it finds."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Insert, Select, Subquery, Update, insert, literal, select, update

from contracts.placements import State
from control_plane.ownership.models import OwnershipUntold
from control_plane.placement.models import Cell, PlacementRow, Region, Transition, Workspace
from kit.database import now

GONE = State.DELETED.value


class Filter(NamedTuple):
    """Which workspaces to list; `after` is the last key of the page before."""

    region: str | None = None
    cell: str | None = None
    state: str | None = None
    after: str | None = None
    limit: int = 100


def region_locked(name: str) -> Select[Region]:
    """The region, locked against every other change of how full its cells are.

    NO KEY UPDATE: rows that refer to the region may be written meanwhile.
    """
    return select(Region).where(Region.name == name).with_for_update(key_share=True)


def cells_of(region: str) -> Select[Cell]:
    """All cells of a region, as they are now and not as this session last saw them."""
    return select(Cell).where(Cell.region == region).order_by(Cell.name).execution_options(populate_existing=True)


def cell_fresh(name: str) -> Select[Cell]:
    """A cell, as it is now."""
    return select(Cell).where(Cell.name == name).execution_options(populate_existing=True)


def cells() -> Select[Cell]:
    """All cells."""
    return select(Cell).order_by(Cell.region, Cell.name)


def by_key(key: str) -> Select[Workspace, PlacementRow]:
    """A workspace and its placement."""
    return (
        select(Workspace, PlacementRow)
        .join(PlacementRow, PlacementRow.workspace_id == Workspace.id)
        .where(Workspace.key == key)
    )


def by_key_locked(key: str) -> Select[Workspace, PlacementRow]:
    """The same, locked until the transaction ends."""
    return by_key(key).with_for_update(of=PlacementRow).execution_options(populate_existing=True)


def untold(workspace_id: UUID) -> Select[UUID]:
    """The workspace, if its cell has not answered yet that it holds the latest placement."""
    return select(OwnershipUntold.workspace_id).where(OwnershipUntold.workspace_id == workspace_id)


def lifted(by: int) -> Update:
    """Every placement that is not gone, its version raised."""
    return (
        update(PlacementRow)
        .where(PlacementRow.state != GONE)
        .values(version=PlacementRow.version + by, changed_at=now())
        .execution_options(synchronize_session=False)
    )


def noted_of_all(change: str, by: str, why: str) -> Insert:
    """A row of history for every placement that is not gone, from its state to the same one."""
    one = PlacementRow
    rows = select(
        one.workspace_id, one.version, one.epoch, one.changed_at, literal(by), literal(change), literal(why),
        one.state, one.state, one.cell, one.cell,
    ).where(one.state != GONE)  # fmt: skip
    columns = ["workspace_id", "version", "epoch", "at", "by", "change", "why"]
    return insert(Transition).from_select([*columns, "from_state", "to_state", "from_cell", "to_cell"], rows)


def by_id_locked(workspace_id: UUID) -> Select[Workspace, PlacementRow]:
    """A workspace and its placement, locked until the transaction ends."""
    return (
        select(Workspace, PlacementRow)
        .join(PlacementRow, PlacementRow.workspace_id == Workspace.id)
        .where(Workspace.id == workspace_id)
        .with_for_update(of=PlacementRow)
        .execution_options(populate_existing=True)
    )


def by_request(request_key: str) -> Select[Workspace, PlacementRow]:
    """What a request made, if it was made already."""
    return (
        select(Workspace, PlacementRow)
        .join(PlacementRow, PlacementRow.workspace_id == Workspace.id)
        .where(Workspace.request_key == request_key)
    )


def listed(wanted: Filter) -> Select[Workspace, PlacementRow]:
    """A page of workspaces by key; deleted ones only when asked for by state."""
    found = (
        select(Workspace, PlacementRow)
        .join(PlacementRow, PlacementRow.workspace_id == Workspace.id)
        .order_by(Workspace.key)
        .limit(wanted.limit)
    )
    if wanted.region:
        found = found.where(Workspace.region == wanted.region)
    if wanted.cell:
        found = found.where(PlacementRow.cell == wanted.cell)
    if wanted.after:
        found = found.where(Workspace.key > wanted.after)
    return found.where(PlacementRow.state == wanted.state if wanted.state else PlacementRow.state != GONE)


def keys_on(cell: str, limit: int) -> Select[str]:
    """Keys of workspaces that a cell still owns."""
    return (
        select(Workspace.key)
        .join(PlacementRow, PlacementRow.workspace_id == Workspace.id)
        .where(PlacementRow.cell == cell, PlacementRow.state != GONE)
        .order_by(Workspace.key)
        .limit(limit)
    )


def units_since(cell: str, moment: datetime) -> Subquery:
    """What is reserved on a cell for workspaces that began after a moment."""
    return (
        select(Workspace.units)
        .join(PlacementRow, PlacementRow.workspace_id == Workspace.id)
        .where(PlacementRow.cell == cell, PlacementRow.state != GONE, Workspace.created_at > moment)
        .subquery()
    )


def history(workspace_id: UUID) -> Select[Transition]:
    """All changes of a placement, in order."""
    return select(Transition).where(Transition.workspace_id == workspace_id).order_by(Transition.version)


def occupied(cell: str, units: int, workspaces: int, large: int) -> Update:
    """Count tenants that came (or, negative, went). The caller holds the region's lock."""
    return (
        update(Cell)
        .where(Cell.name == cell)
        .values(reserved=Cell.reserved + units, workspaces=Cell.workspaces + workspaces, large=Cell.large + large)
    )
