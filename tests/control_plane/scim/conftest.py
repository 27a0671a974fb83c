from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast

import pytest

from cell.app import make_app
from cell.calls import make_answers
from cell.directory.credentials import NewToken, create
from cell.people import passwords
from cell.people.service import actor_of
from cell.resources import Cell
from contracts.placements import Placement, State
from tests.cell.world import PASSWORD
from tests.cell.world import World as CellWorld
from tests.control_plane.scim.world import CELL, Client, World
from tests.control_plane.scim.world import world as scim_world

Clients = Callable[[], Awaitable[Client]]


@pytest.fixture(scope="package")
async def scim() -> AsyncIterator[World]:
    """One SCIM for all tests, before a model of a cell; each has a workspace of its own."""
    async with scim_world() as made:
        yield made


@pytest.fixture(scope="package")
async def whole(cell: Cell) -> AsyncIterator[World]:
    """The same before a real cell."""
    async with scim_world(answering=lambda key, peers: make_answers(cell, key, peers)) as made:
        yield made


@pytest.fixture(scope="package")
async def cell_world(cell: Cell) -> CellWorld:
    """Where workspaces of a real cell are founded."""
    return CellWorld(cell, make_app(cell), await passwords.hashed(PASSWORD))


@pytest.fixture
def modelled(scim: World) -> Client:
    """A client of a fresh workspace in the model."""
    return scim.client()


@pytest.fixture(params=["model", "cell"])
def clients(request: pytest.FixtureRequest, scim: World, whole: World, cell_world: CellWorld) -> Clients:
    """Makes clients of fresh workspaces: in the model, and in a real cell, which do the same."""

    async def in_model() -> Client:
        return scim.client()

    async def in_cell() -> Client:
        workspace = await cell_world.found()
        whole.placements[workspace.key] = Placement(workspace.id, workspace.key, CELL, 1, State.ACTIVE, 1)
        async with cell_world.cell.database.writing(workspace.id) as tx:
            made = await create(tx, actor_of(workspace.admin), workspace.key, NewToken(name="tests"))
        return whole.client(made.word)

    return {"model": in_model, "cell": in_cell}[cast(str, request.param)]


@pytest.fixture
async def client(clients: Clients) -> Client:
    """A client of a fresh workspace."""
    return await clients()
