"""Every operation that one process of ours may call on another, and who may: the one table of both.

A receiver asks `authorise` with each call. What is not in the table is allowed to nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Annotated, Any, Literal, Protocol
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.keys import PATTERN
from contracts.peers import Peer, PeerKind, Peers
from contracts.placements import Placement, State
from kit.calls import Operation
from kit.calls.refusals import SenderNotAllowed
from kit.database import WritersInFlight
from kit.refusals import Kind, Refusal

Key = Annotated[str, Field(pattern=f"^{PATTERN}$")]
Region = Literal["eu", "us"]
CellName = Annotated[str, Field(pattern=r"^[a-z]{2}-[0-9]{1,4}$")]
Count = Annotated[int, Field(ge=1)]


class Said(BaseModel):
    """Base of what goes in and out: nothing that is not named passes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Done(Said):
    """It is so now, whether by this call or by an earlier one."""


class OfWorkspace(Said):
    """A request about one workspace."""

    workspace_id: UUID


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
    name: Annotated[str, Field(min_length=1, max_length=120)]
    password: Annotated[str, Field(min_length=12, max_length=200, repr=False)]


class CreateWorkspace(OfWorkspace):
    """A workspace to be made, with its first admin. Repeated with the same id and key it does nothing.

    `language` is that of the mail in which the admin is asked to confirm the address.
    """

    key: Key
    name: Annotated[str, Field(min_length=1, max_length=120)]
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
    """Asks for sign-ups of a region that began at least `older_than_s` seconds ago and are not finished."""

    region: Region
    older_than_s: Annotated[int, Field(ge=0)]
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class PlacedList(Said):
    """Placements, oldest first."""

    placements: list[Placed]


class Beat(Said):
    """A cell's heartbeat: load and growth in units (a unit: the load of a typical small workspace)."""

    cell: CellName
    load: Annotated[float, Field(ge=0)]
    growth: float


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
PLACEMENT_RESERVE = Operation("placement.reserve", Reserve, Placed, writes=True, idempotent=True)
PLACEMENT_ACTIVATE = Operation("placement.activate", OfWorkspace, Placed, writes=True, idempotent=True)
PLACEMENT_ABANDON = Operation("placement.abandon", OfWorkspace, Placed, writes=True, idempotent=True)
PLACEMENT_UNFINISHED = Operation("placement.unfinished", Unfinished, PlacedList, writes=False, idempotent=True)
PLACEMENT_DELETE = Operation("placement.delete", OfWorkspace, Placed, writes=True, idempotent=True)
CELL_BEAT = Operation("cell.beat", Beat, Done, writes=True, idempotent=True)


class Scope(Enum):
    """Which senders of a kind."""

    ALL = auto()
    OF_MY_REGION = auto()  # the receiver's region
    OF_NAMED_REGION = auto()  # the region that the request names
    OF_ITS_REGION = auto()  # the region of the workspace that the request is about
    ITS_OWNER = auto()  # the cell that owns that workspace now
    ITSELF = auto()  # the cell that the request names


@dataclass(frozen=True)
class Senders:
    """Those who may call an operation."""

    kind: PeerKind
    scope: Scope


@dataclass(frozen=True)
class Rule:
    """One line of the table: which kind of process answers an operation, and who may call it there."""

    operation: Operation[Any, Any]  # operations of all types stand in one table
    receiver: PeerKind
    senders: tuple[Senders, ...]


_PROVISIONING_HERE = Senders(PeerKind.PROVISIONING, Scope.OF_MY_REGION)
_PROVISIONING_NAMED = Senders(PeerKind.PROVISIONING, Scope.OF_NAMED_REGION)
_PROVISIONING_ITS = Senders(PeerKind.PROVISIONING, Scope.OF_ITS_REGION)
_CONTROL_PLANE = Senders(PeerKind.CONTROL_PLANE, Scope.ALL)
_OWNER = Senders(PeerKind.CELL, Scope.ITS_OWNER)
_THE_CELL = Senders(PeerKind.CELL, Scope.ITSELF)

_RULES = (
    Rule(WORKSPACE_CREATE, PeerKind.CELL, (_PROVISIONING_HERE,)),
    Rule(WORKSPACE_EXISTS, PeerKind.CELL, (_PROVISIONING_HERE,)),
    Rule(WORKSPACE_UNDO, PeerKind.CELL, (_PROVISIONING_HERE,)),
    Rule(OWNERSHIP_SET, PeerKind.CELL, (_CONTROL_PLANE,)),
    Rule(PLACEMENT_RESERVE, PeerKind.CONTROL_PLANE, (_PROVISIONING_NAMED,)),
    Rule(PLACEMENT_ACTIVATE, PeerKind.CONTROL_PLANE, (_PROVISIONING_ITS,)),
    Rule(PLACEMENT_ABANDON, PeerKind.CONTROL_PLANE, (_PROVISIONING_ITS,)),
    Rule(PLACEMENT_UNFINISHED, PeerKind.CONTROL_PLANE, (_PROVISIONING_NAMED,)),
    Rule(PLACEMENT_DELETE, PeerKind.CONTROL_PLANE, (_OWNER,)),
    Rule(CELL_BEAT, PeerKind.CONTROL_PLANE, (_THE_CELL,)),
)
TABLE: Mapping[str, Rule] = {rule.operation.name: rule for rule in _RULES}


@dataclass(frozen=True)
class Home:
    """Where a workspace lives."""

    region: str
    cell: str


class Homes(Protocol):
    """Whoever knows where workspaces live: the registry. Only for operations whose senders depend on it."""

    async def home(self, workspace_id: UUID) -> Home | None:
        """Where it lives now, or None."""
        ...


class May:
    """Answers for a receiver whether a sender may call. `homes` is for the control plane alone."""

    def __init__(self, peers: Peers, *, kind: PeerKind, region: str, homes: Homes | None = None) -> None:
        self._peers = peers
        self._kind = kind
        self._region = region
        self._homes = homes

    async def __call__(self, sender: str, operation: str, request: BaseModel) -> None:
        """Return when the table allows it. Raises SenderNotAllowed."""
        peer, rule = self._peers.get(sender), TABLE.get(operation)
        if peer is not None and rule is not None and rule.receiver is self._kind:
            for senders in rule.senders:
                if peer.kind is senders.kind and await self._within(peer, senders.scope, request):
                    return
        raise SenderNotAllowed

    async def _within(self, peer: Peer, scope: Scope, request: BaseModel) -> bool:
        match scope:
            case Scope.ALL:
                return True
            case Scope.OF_MY_REGION:
                return peer.region == self._region
            case Scope.OF_NAMED_REGION:
                return peer.region == getattr(request, "region", None)
            case Scope.ITSELF:
                return peer.name == getattr(request, "cell", None)
            case Scope.OF_ITS_REGION | Scope.ITS_OWNER:
                home = await self._home(request)
                own = peer.region if scope is Scope.OF_ITS_REGION else peer.name
                return home is not None and own == (home.region if scope is Scope.OF_ITS_REGION else home.cell)

    async def _home(self, request: BaseModel) -> Home | None:
        if self._homes is None or not isinstance(request, OfWorkspace):
            return None
        return await self._homes.home(request.workspace_id)
