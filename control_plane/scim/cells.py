"""The workspace's cell as one request sees it: whose it is, whose credential, and one call for each thing."""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID, uuid4

from contracts.directory import (
    DIRECTORY_APPLY,
    DIRECTORY_FIND,
    DIRECTORY_GET,
    DIRECTORY_NOTE,
    Applied,
    Apply,
    Change,
    Find,
    Found,
    Get,
    Item,
    Note,
    Tree,
)
from contracts.directory_schema import Resource
from contracts.placements import Placement
from kit.calls import Calling
from kit.refusals import NotFound

LONGEST_ASKED = 200
_NOBODY = UUID(int=0)


class Workspaces(Protocol):
    """Whoever knows where workspaces live (`control_plane.provisioning.workspaces.Workspaces`)."""

    def get(self, key: str) -> Placement | None:
        """The workspace of that key, if it lives in this region."""
        ...


@dataclass(frozen=True)
class Cell:
    """One request at a cell. Sent again, a change has the same id, and is made once."""

    calls: Calling
    name: str
    workspace_id: UUID
    credential: str = field(repr=False)
    trace: str
    asked: str

    async def apply(self, change: Change) -> Applied:
        """Change something. Raises a Refusal."""
        said = Apply(
            workspace_id=self.workspace_id,
            credential=self.credential,
            trace=self.trace,
            request_id=uuid4().hex,
            change=change,
            asked=self.asked,
        )
        return await self.calls.call(self.name, DIRECTORY_APPLY, said)

    async def find(
        self,
        resource: Resource,
        tree: Tree | None,
        *,
        sort_by: tuple[str, ...] = (),
        descending: bool = False,
        start: int = 1,
        count: int = 0,
        members: bool = False,
    ) -> Found:
        """Those that fit. Raises a Refusal."""
        said = Find(
            workspace_id=self.workspace_id,
            credential=self.credential,
            trace=self.trace,
            resource=resource,
            tree=tree,
            sort_by=sort_by,
            descending=descending,
            start=start,
            count=count,
            members=members,
        )
        return await self.calls.call(self.name, DIRECTORY_FIND, said)

    async def get(self, resource: Resource, id: UUID, *, members: bool = True) -> Item:
        """One. Raises a Refusal."""
        said = Get(
            workspace_id=self.workspace_id,
            credential=self.credential,
            trace=self.trace,
            resource=resource,
            id=id,
            members=members,
        )
        return await self.calls.call(self.name, DIRECTORY_GET, said)

    async def prove(self) -> None:
        """Whether the credential counts: nobody is asked for. Raises CredentialRefused, another Refusal."""
        with suppress(NotFound):
            await self.get(Resource.GROUP, _NOBODY, members=False)

    async def note(self, reason: str, detail: str) -> None:
        """Tell the provisioning log of what was refused here. Raises a Refusal."""
        said = Note(
            workspace_id=self.workspace_id,
            credential=self.credential,
            trace=self.trace,
            asked=self.asked,
            reason=reason[:40],
            detail=detail[:300],
        )
        await self.calls.call(self.name, DIRECTORY_NOTE, said)
