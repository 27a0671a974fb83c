"""Every operation that one process of ours may call on another, and who may: the one table of both.

A receiver asks `authorise` with each call. What is not in the table is allowed to nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Protocol
from uuid import UUID

from pydantic import BaseModel

from contracts import directory, placing, signing_in
from contracts.peers import Peer, PeerKind, Peers
from contracts.said import OfWorkspace
from kit.calls import Operation
from kit.calls.refusals import SenderNotAllowed


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
    Rule(placing.WORKSPACE_CREATE, PeerKind.CELL, (_PROVISIONING_HERE,)),
    Rule(placing.WORKSPACE_EXISTS, PeerKind.CELL, (_PROVISIONING_HERE,)),
    Rule(placing.WORKSPACE_UNDO, PeerKind.CELL, (_PROVISIONING_HERE,)),
    Rule(placing.OWNERSHIP_SET, PeerKind.CELL, (_CONTROL_PLANE,)),
    Rule(placing.PLACEMENT_RESERVE, PeerKind.CONTROL_PLANE, (_PROVISIONING_NAMED,)),
    Rule(placing.PLACEMENT_ACTIVATE, PeerKind.CONTROL_PLANE, (_PROVISIONING_ITS,)),
    Rule(placing.PLACEMENT_ABANDON, PeerKind.CONTROL_PLANE, (_PROVISIONING_ITS,)),
    Rule(placing.PLACEMENT_UNFINISHED, PeerKind.CONTROL_PLANE, (_PROVISIONING_NAMED,)),
    Rule(placing.PLACEMENT_DELETE, PeerKind.CONTROL_PLANE, (_OWNER,)),
    Rule(placing.PLACEMENT_ERASED, PeerKind.CONTROL_PLANE, (_OWNER,)),
    Rule(placing.CELL_BEAT, PeerKind.CONTROL_PLANE, (_THE_CELL,)),
    Rule(signing_in.SAML_BEGIN, PeerKind.PROVISIONING, (_OWNER,)),
    Rule(signing_in.SAML_FACTS, PeerKind.PROVISIONING, (_OWNER,)),
    Rule(signing_in.SAML_METADATA, PeerKind.PROVISIONING, (_OWNER,)),
    Rule(signing_in.DOMAIN_CHECK, PeerKind.PROVISIONING, (_OWNER,)),
    Rule(signing_in.IDENTITY_GIVE, PeerKind.CELL, (_PROVISIONING_HERE,)),
    Rule(signing_in.IDENTITY_REPORT, PeerKind.CELL, (_PROVISIONING_HERE,)),
    Rule(signing_in.PEOPLE_FIND, PeerKind.CELL, (_PROVISIONING_HERE,)),
    Rule(directory.DIRECTORY_APPLY, PeerKind.CELL, (_PROVISIONING_HERE,)),
    Rule(directory.DIRECTORY_FIND, PeerKind.CELL, (_PROVISIONING_HERE,)),
    Rule(directory.DIRECTORY_GET, PeerKind.CELL, (_PROVISIONING_HERE,)),
    Rule(directory.DIRECTORY_NOTE, PeerKind.CELL, (_PROVISIONING_HERE,)),
    Rule(signing_in.SSO_SET, PeerKind.CONTROL_PLANE, (_OWNER,)),
    Rule(signing_in.DOMAINS_SET, PeerKind.CONTROL_PLANE, (_OWNER,)),
)
TABLE: Mapping[str, Rule] = {rule.operation.name: rule for rule in _RULES}


@dataclass(frozen=True)
class Home:
    """Where a workspace lives."""

    region: str
    cell: str


class Homes(Protocol):
    """Whoever knows where workspaces live: the registry, and provisioning from its feed."""

    async def home(self, workspace_id: UUID) -> Home | None:
        """Where it lives now, or None."""
        ...


class May:
    """Answers for a receiver whether a sender may call. `homes` is for those who answer owners."""

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
