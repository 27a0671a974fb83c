"""The registry as operators see it: the JSON of the API and of `--json`."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from control_plane.placement import models
from control_plane.placement.service import Placed, facts_of


class Cell(BaseModel):
    """A cell; loads and capacity in units, `growth` in units a day."""

    name: str
    region: str
    url: str
    state: str
    capacity: int
    weight: float
    dedicated: bool
    reserved: int
    load: float
    growth: float
    workspaces: int
    large: int
    heard_at: datetime | None
    joined_at: datetime


class Cells(BaseModel):
    """All cells."""

    items: list[Cell]


class Workspace(BaseModel):
    """A workspace and its placement."""

    id: UUID
    key: str
    region: str
    size: str
    cell: str
    epoch: int
    state: str
    version: int
    created_at: datetime


class Reserved(Workspace):
    """A workspace to be made; `sign_up_url` is the region's provisioning, which takes what the control plane must not.

    None: the control plane was not told where that region's provisioning is.
    """

    sign_up_url: str | None


class Workspaces(BaseModel):
    """A page of workspaces; `after` leads to the next one."""

    items: list[Workspace]
    after: str | None


class Decision(BaseModel):
    """A placement decision; `verdicts` are cell, score, parts (points lost) and reason, best first."""

    key: str
    region: str
    size: str
    chosen: str
    at: datetime
    verdicts: list[dict[str, object]]


class Transition(BaseModel):
    """One change of a placement."""

    version: int
    epoch: int
    at: datetime
    by: str
    change: str
    why: str
    from_state: str | None
    to_state: str
    from_cell: str | None
    to_cell: str


class History(BaseModel):
    """Every change of a placement, in order."""

    key: str
    items: list[Transition]


def cell(row: models.Cell) -> Cell:
    """A cell's row, shown."""
    facts = {name: getattr(row, name) for name in Cell.model_fields if name != "load"}
    return Cell(**facts, load=facts_of(row).load)


def workspace(placed: Placed) -> Workspace:
    """A workspace and its placement, shown."""
    row, at = placed.workspace, placed.placement
    return Workspace(
        id=row.id,
        key=row.key,
        region=row.region,
        size=row.size,
        cell=at.cell,
        epoch=at.epoch,
        state=at.state.value,
        version=at.version,
        created_at=row.created_at,
    )


def reserved(placed: Placed, sign_up_url: str | None) -> Reserved:
    """A reservation, shown."""
    return Reserved(**workspace(placed).model_dump(), sign_up_url=sign_up_url)


def decision(placed: Placed, row: models.DecisionRow) -> Decision:
    """A stored decision, shown."""
    of = placed.workspace
    return Decision(key=of.key, region=of.region, size=of.size, chosen=row.cell, at=row.at, verdicts=row.verdicts)


def transition(row: models.Transition) -> Transition:
    """A transition's row, shown."""
    return Transition(**{name: getattr(row, name) for name in Transition.model_fields})
