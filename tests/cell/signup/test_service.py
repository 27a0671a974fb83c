"""A workspace is made as a whole, once, or never; and what other processes may ask of this cell."""

import asyncio
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from cell.audit.models import AuditEntry
from cell.calls import make_answers
from cell.people import passwords
from cell.people import service as people
from cell.people.models import Person
from cell.signup import service
from cell.workspaces import service as workspaces
from cell.workspaces.models import Ownership, WorkspaceKey
from contracts import operations
from contracts.keys import new_key
from contracts.peers import PeerKind, Peers
from contracts.placing import CreateWorkspace, FirstAdmin, WorkspaceDiffers, WorkspaceUndone, WorkspaceWhole
from kit.database import Database
from kit.signing import SigningKey
from tests.cell.world import PASSWORD, World

ADA = FirstAdmin(email="Ada@example.com", name="Ada", password=PASSWORD)


@pytest.fixture
def database(world: World) -> Database:
    return world.cell.database


def wanted(**other: object) -> CreateWorkspace:
    facts = {"workspace_id": uuid4(), "key": new_key(), "name": "Acme", "admin": ADA, **other}
    return CreateWorkspace.model_validate(facts)


async def test_a_workspace_is_there_with_its_owner_and_an_entry_of_each(database: Database) -> None:
    new = wanted()
    assert not await service.exists(database, new.workspace_id)
    await service.create(database, new)
    assert await service.exists(database, new.workspace_id)
    assert await workspaces.id_of(database, new.key) == new.workspace_id
    async with database.reading(new.workspace_id) as tx:
        workspace = await workspaces.get(tx)
        owner = await people.account(tx, "ada@example.com")
        acts = await tx.all(select(AuditEntry.action).order_by(AuditEntry.seq))
    assert owner is not None and (owner.person.role, owner.person.email) == ("owner", "Ada@example.com")
    assert await passwords.matches(owner.hash, PASSWORD)
    assert (workspace.name, workspace.open_links_limit, workspace.confirmed_at) == ("Acme", service.FEW_LINKS, None)
    assert acts == ["workspace.create", "person.create"]


async def test_the_same_request_again_and_at_once_makes_it_once(database: Database) -> None:
    new = wanted()
    await asyncio.gather(*(service.create(database, new) for _ in range(4)))
    await service.create(database, new)
    assert await _count(database, new.workspace_id, Person) == 1


async def test_another_of_the_same_id_or_key_is_refused(database: Database) -> None:
    new = wanted()
    await service.create(database, new)
    for other in (
        wanted(workspace_id=new.workspace_id),
        wanted(key=new.key),
        wanted(workspace_id=new.workspace_id, key=new.key, admin=FirstAdmin(**{**ADA.model_dump(), "email": "x@y.zz"})),
    ):
        with pytest.raises(WorkspaceDiffers):
            await service.create(database, other)
    assert await _count(database, new.workspace_id, Person) == 1


async def test_one_that_was_undone_is_never_made(database: Database) -> None:
    new = wanted()
    await service.undo(database, new.workspace_id)
    await service.undo(database, new.workspace_id)
    with pytest.raises(WorkspaceUndone):
        await service.create(database, new)
    assert not await service.exists(database, new.workspace_id)
    async with database.outside() as session:
        assert await session.get(WorkspaceKey, new.key) is None


async def test_one_that_is_here_is_not_undone(database: Database) -> None:
    new = wanted()
    await service.create(database, new)
    with pytest.raises(WorkspaceWhole):
        await service.undo(database, new.workspace_id)
    assert await service.exists(database, new.workspace_id)


@pytest.mark.parametrize("number", range(20))
async def test_of_making_and_undoing_at_once_one_wins(database: Database, number: int) -> None:
    new = wanted()

    async def make() -> bool:
        try:
            await service.create(database, new)
        except WorkspaceUndone:
            return False
        return True

    async def undo() -> bool:
        await asyncio.sleep(number * 0.005)  # from before the password is hashed until after the commit
        try:
            await service.undo(database, new.workspace_id)
        except WorkspaceWhole:
            return False
        return True

    made, undone = await asyncio.gather(make(), undo())
    assert made is not undone
    assert await service.exists(database, new.workspace_id) is made
    assert await _count(database, new.workspace_id, Person) == int(made)


async def test_what_fails_leaves_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*args: object) -> None:
        raise RuntimeError

    new = wanted()
    with monkeypatch.context() as patched:
        patched.setattr(people, "create", broken)
        with pytest.raises(RuntimeError):
            await service.create(database, new)
    async with database.outside() as session:
        assert await session.get(Ownership, new.workspace_id) is None
        assert await session.get(WorkspaceKey, new.key) is None
    await service.create(database, new)


def test_the_cell_answers_what_the_table_says(world: World) -> None:
    answers = make_answers(world.cell, SigningKey.new(), Peers())
    assert answers.operations == {name for name, rule in operations.TABLE.items() if rule.receiver is PeerKind.CELL}


async def _count(database: Database, workspace_id: UUID, model: type[Person]) -> int:
    async with database.reading(workspace_id) as tx:
        return await tx.one(select(func.count()).select_from(model))
