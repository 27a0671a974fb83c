"""An identity provider for tests: it asks the directory what provisioning would ask, with a token of its own."""

import secrets
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from cell.actors import Actor
from cell.directory import credentials, reading, service
from cell.directory.tally import Tally
from cell.people.service import actor_of
from cell.resources import Cell
from contracts.directory import (
    Applied,
    Apply,
    Change,
    Create,
    Document,
    Erase,
    Find,
    Found,
    Get,
    Item,
    Patch,
    Path,
    Replace,
    Step,
    Tree,
    Verb,
)
from contracts.directory_schema import Resource
from tests.cell.world import Workspace, World


def step(verb: str, attribute: str, value: Any = None, *, some: Tree | None = None, part: str = "") -> Step:
    """One step of a patch."""
    return Step(verb=Verb(verb), path=Path(attribute=attribute, some=some, part=part), value=value)


@dataclass
class Idp:
    """One token of one workspace."""

    cell: Cell
    workspace: Workspace
    made: credentials.MadeToken
    tally: Tally = field(init=False)

    def __post_init__(self) -> None:
        """Count what is read."""
        self.tally = Tally(self.cell.database)

    @property
    def credential(self) -> str:
        """What goes with each call."""
        return self.made.word.digest.hex()

    def asks(self, change: Change, request_id: str = "") -> Apply:
        """A change as it is called."""
        return Apply(
            workspace_id=self.workspace.id,
            credential=self.credential,
            trace="trace",
            request_id=request_id or secrets.token_hex(16),
            change=change,
            asked="PATCH /Users/1",
        )

    async def apply(self, change: Change, request_id: str = "") -> Applied:
        """Make a change."""
        answer = await service.apply(self.cell, self.tally, self.asks(change, request_id))
        return Applied.model_validate_json(answer)

    async def create(self, user_name: str = "", **document: Any) -> Item:
        """A new person."""
        given = {"user_name": user_name or f"{secrets.token_hex(6)}@example.com", **document}
        return kept(await self.apply(Create(resource=Resource.PERSON, document=given)))

    async def create_group(self, display_name: str = "", *members: UUID, **document: Any) -> Item:
        """A new group."""
        given = {"display_name": display_name or secrets.token_hex(6), **document}
        if members:
            given["members"] = [{"value": str(one)} for one in members]
        return kept(await self.apply(Create(resource=Resource.GROUP, document=given)))

    async def patch(self, person_id: UUID, *steps: Step, expected: int | None = None) -> Applied:
        """Change a person."""
        change = Patch(resource=Resource.PERSON, id=person_id, steps=list(steps), expected=_one_of(expected))
        return await self.apply(change)

    async def patch_group(self, group_id: UUID, *steps: Step, expected: int | None = None) -> Applied:
        """Change a group."""
        return await self.apply(
            Patch(
                resource=Resource.GROUP,
                id=group_id,
                steps=list(steps),
                expected=_one_of(expected),
            )
        )

    async def replace(self, person_id: UUID, document: Document, expected: int | None = None) -> Applied:
        """Change all of a person."""
        return await self.apply(
            Replace(
                resource=Resource.PERSON,
                id=person_id,
                document=document,
                expected=_one_of(expected),
            )
        )

    async def switch(self, person_id: UUID, active: bool) -> Applied:
        """Switch a person on or off."""
        return await self.patch(person_id, step("replace", "active", active))

    async def erase(self, one: UUID, resource: Resource = Resource.PERSON) -> Applied:
        """Delete a person or a group."""
        return await self.apply(Erase(resource=resource, id=one))

    async def get(self, one: UUID, resource: Resource = Resource.PERSON, *, members: bool = True) -> Item:
        """Look at one."""
        said = Get(
            workspace_id=self.workspace.id, credential=self.credential, resource=resource, id=one, members=members
        )
        return Item.model_validate_json(await reading.get(self.cell, self.tally, said))

    async def find(self, tree: Tree | None = None, resource: Resource = Resource.PERSON, **more: Any) -> Found:
        """Look for some."""
        said = Find(workspace_id=self.workspace.id, credential=self.credential, resource=resource, tree=tree, **more)
        return Found.model_validate_json(await reading.find(self.cell, self.tally, said))

    async def members(self, group_id: UUID) -> set[str]:
        """The ids of who is in a group."""
        found = await self.get(group_id, Resource.GROUP)
        return {one["value"] for one in found.document.get("members", [])}


def _one_of(version: int | None) -> list[int] | None:
    return None if version is None else [version]


def kept(applied: Applied) -> Item:
    """The item that a change left."""
    assert applied.item is not None
    return applied.item


async def connect(world: World, workspace: Workspace, name: str = "Entra ID", by: Actor | None = None) -> Idp:
    """A token for a workspace."""
    async with world.cell.database.writing(workspace.id) as tx:
        new = credentials.NewToken(name=name)
        made = await credentials.create(tx, by or actor_of(workspace.admin), workspace.key, new)
    return Idp(world.cell, workspace, made)


@pytest.fixture
async def idp(world: World, workspace: Workspace) -> Idp:
    """The identity provider of the test's workspace."""
    return await connect(world, workspace)
