"""A sign-up in three steps, each repeatable: room is reserved, the cell makes the workspace, it becomes active.

Making it in the cell decides: from then on the sign-up is finished, by whoever comes first, the person's own request,
its repetition or the sweep. Until then it may be taken back, and the cell sees to it that one of the two happens.
Nothing is remembered here, so that there is nothing to lose.
"""

from dataclasses import dataclass, field
from typing import Protocol

from contracts.peers import REGISTRY, Peer, PeerKind
from contracts.placements import State
from contracts.placing import (
    PLACEMENT_ABANDON,
    PLACEMENT_ACTIVATE,
    PLACEMENT_RESERVE,
    PLACEMENT_UNFINISHED,
    WORKSPACE_CREATE,
    WORKSPACE_EXISTS,
    WORKSPACE_UNDO,
    CreateWorkspace,
    FirstAdmin,
    Placed,
    Reserve,
    Unfinished,
    WorkspaceUndone,
    WorkspaceWhole,
)
from contracts.said import OfWorkspace, Region
from kit import logs
from kit.calls import Calling, PeerUnavailable
from kit.refusals import Refusal

log = logs.get("sign-up")


class Known(Protocol):
    """Whoever knows the peers (`contracts.peers.Peers`)."""

    def get(self, name: str) -> Peer | None:
        """The peer of that name."""
        ...


@dataclass(frozen=True)
class SignUp:
    """What a person asked for. `request_key` comes with the form: sent twice, it makes one workspace."""

    request_key: str
    company: str
    admin: FirstAdmin = field(repr=False)
    language: str = "en"


class SignUps:
    """The sign-ups of one region."""

    def __init__(self, calls: Calling, peers: Known, region: Region) -> None:
        self._calls = calls
        self._peers = peers
        self._region = region

    async def sign_up(self, wanted: SignUp) -> Placed:
        """Make a workspace; the one that this request made before, if it did.

        Raises WorkspaceUndone where the sweep was faster, PeerUnavailable (ask again: nothing is lost), and what the
        registry or the cell refuse.
        """
        reserve = Reserve(region=self._region, request_key=wanted.request_key)
        placed = await self._calls.call(REGISTRY, PLACEMENT_RESERVE, reserve)
        if placed.state is State.DELETED:
            raise WorkspaceUndone
        create = CreateWorkspace(
            workspace_id=placed.workspace_id,
            key=placed.key,
            name=wanted.company,
            admin=wanted.admin,
            language=wanted.language,
        )
        await self._calls.call(self._cell(placed), WORKSPACE_CREATE, create)
        return await self._calls.call(REGISTRY, PLACEMENT_ACTIVATE, _about(placed))

    async def sweep(self, older_than_s: int) -> int:
        """Bring sign-ups to an end that began so long ago and have none; how many now have one."""
        asked, ended = Unfinished(region=self._region, older_than_s=older_than_s), 0
        while True:
            found = (await self._calls.call(REGISTRY, PLACEMENT_UNFINISHED, asked)).placements
            for placed in found:
                try:
                    await self._end(placed)
                    ended += 1
                except Refusal as refusal:  # its cell may be away: the others go on, and it is looked at again
                    log.warning("not ended", workspace_id=str(placed.workspace_id), reason=refusal.slug)
            if len(found) < asked.limit:
                return ended
            asked = asked.model_copy(update={"after": found[-1].workspace_id})

    async def _end(self, placed: Placed) -> None:
        """The cell says which end: what is there becomes active, what is not there never will be."""
        cell, about = self._cell(placed), _about(placed)
        there = (await self._calls.call(cell, WORKSPACE_EXISTS, about)).exists
        if not there:
            try:
                await self._calls.call(cell, WORKSPACE_UNDO, about)
            except WorkspaceWhole:
                there = True  # its own request was just faster
        await self._calls.call(REGISTRY, PLACEMENT_ACTIVATE if there else PLACEMENT_ABANDON, about)
        log.info("sign-up ended", workspace_id=str(placed.workspace_id), end="active" if there else "undone")

    def _cell(self, placed: Placed) -> str:
        """The cell, if it is one of this region: what people type goes to no other."""
        peer = self._peers.get(placed.cell)
        if peer is None or peer.kind is not PeerKind.CELL or peer.region != self._region:
            log.error("not a cell of this region", cell=placed.cell)
            raise PeerUnavailable
        return peer.name


def _about(placed: Placed) -> OfWorkspace:
    return OfWorkspace(workspace_id=placed.workspace_id)
