"""Calls by which a workspace comes to be, is owned and goes: sign-up, ownership, placement, heartbeats."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from contracts.placements import Placement, State
from contracts.said import CellName, Count, Done, Key, OfWorkspace, OneLine, Region, Said
from kit.calls import Operation
from kit.database_errors import WritersInFlight
from kit.refusals import Kind, Refusal


class RegionFull(Refusal):
    """No cell of the region has room; the registry's log says why, and `cellcast placement` to an operator."""

    kind = Kind.UNAVAILABLE
    title = "This region takes no new workspaces at the moment"
    detail = "Nothing was kept. We are making room: try again later today."
    retry_after_s = 3600


# Of a heartbeat, a hundred times the largest cell. JSON has numbers that become infinite, which no score survives.
MOST_UNITS = 1e9


class WorkspaceUndone(Refusal):
    """The sweep took this sign-up back before the workspace was made."""

    kind = Kind.GONE
    title = "This sign-up was taken back"
    detail = "It took too long. Begin again; nothing of it was kept."


class WorkspaceWhole(Refusal):
    """The workspace was made after all, so its sign-up is to be finished and not taken back."""

    kind = Kind.CONFLICT
    title = "This workspace is here"
    detail = "Its sign-up can be finished. To remove a workspace, delete it."


class WorkspaceDiffers(Refusal):
    """A workspace of this id or key is here with other facts."""

    kind = Kind.CONFLICT
    title = "This workspace was created with other facts"
    detail = "A repeated request has to be the same."


class FirstAdmin(Said):
    """Who founds a workspace. Personal data: it goes from provisioning to the cell and stays there."""

    email: Annotated[str, Field(min_length=3, max_length=254)]
    name: OneLine
    password: Annotated[str, Field(min_length=12, max_length=200, repr=False)]


class CreateWorkspace(OfWorkspace):
    """A workspace to be made, with its first admin. Repeated with the same id and key it does nothing.

    `language` is that of the mail in which the admin is asked to confirm the address.
    """

    key: Key
    name: OneLine
    admin: FirstAdmin
    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")] = "en"


class Existing(Said):
    """Whether the workspace is in this cell. It is there as a whole or not at all."""

    exists: bool


class SetOwnership(OfWorkspace):
    """What the registry says of a workspace; applied where (epoch, version) is higher than what the cell holds."""

    epoch: Count
    version: Count
    state: State


class Owned(Said):
    """What the cell holds now."""

    epoch: int
    version: int
    state: State


class Reserve(Said):
    """A sign-up: a cell is chosen and room reserved. The same `request_key` answers with what it made."""

    region: Region
    request_key: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{16,64}$")]
    size: Literal["small", "medium", "large", "dedicated"] = "small"


class Placed(Said):
    """A placement as it crosses a call."""

    workspace_id: UUID
    key: Key
    cell: CellName
    epoch: int
    state: State
    version: int

    @classmethod
    def of(cls, one: Placement) -> "Placed":
        """The same, from the registry's form."""
        return cls(
            workspace_id=one.workspace_id,
            key=one.key,
            cell=one.cell,
            epoch=one.epoch,
            state=one.state,
            version=one.version,
        )


class Unfinished(Said):
    """Asks for sign-ups of a region that began at least `older_than_s` seconds ago and are not finished.

    By id, from the one `after`: those whose cell is away for long do not hide the others.
    """

    region: Region
    older_than_s: Annotated[int, Field(ge=0)]
    after: UUID | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class PlacedList(Said):
    """Placements, by id."""

    placements: list[Placed]


class Beat(Said):
    """A cell's heartbeat: load and growth in units (a unit: the load of a typical small workspace)."""

    cell: CellName
    load: Annotated[float, Field(ge=0, le=MOST_UNITS)]
    growth: Annotated[float, Field(ge=-MOST_UNITS, le=MOST_UNITS)]


# What a cell answers.
WORKSPACE_CREATE = Operation(
    "workspace.create",
    CreateWorkspace,
    Done,
    writes=True,
    idempotent=True,
    refusals=(WorkspaceUndone, WorkspaceDiffers),
)
WORKSPACE_EXISTS = Operation("workspace.exists", OfWorkspace, Existing, writes=False, idempotent=True)
# Sees to it that a workspace which is not here is never made: a request that is still on its way comes too late.
WORKSPACE_UNDO = Operation(
    "workspace.undo", OfWorkspace, Done, writes=True, idempotent=True, refusals=(WorkspaceWhole,)
)
# Longer than the lock is waited for: an answer is better than not knowing.
OWNERSHIP_SET = Operation(
    "ownership.set", SetOwnership, Owned, writes=True, idempotent=True, within_s=10, refusals=(WritersInFlight,)
)
# What the control plane answers.
PLACEMENT_RESERVE = Operation(
    "placement.reserve", Reserve, Placed, writes=True, idempotent=True, refusals=(RegionFull,)
)
PLACEMENT_ACTIVATE = Operation("placement.activate", OfWorkspace, Placed, writes=True, idempotent=True)
PLACEMENT_ABANDON = Operation("placement.abandon", OfWorkspace, Placed, writes=True, idempotent=True)
PLACEMENT_UNFINISHED = Operation("placement.unfinished", Unfinished, PlacedList, writes=False, idempotent=True)
PLACEMENT_DELETE = Operation("placement.delete", OfWorkspace, Placed, writes=True, idempotent=True)
# Nothing of it is left in the cell; only then does the workspace no longer count as the cell's.
PLACEMENT_ERASED = Operation("placement.erased", OfWorkspace, Placed, writes=True, idempotent=True)
CELL_BEAT = Operation("cell.beat", Beat, Done, writes=True, idempotent=True)
