"""What provisioning and cells may ask of the registry."""

from contracts.placing import (
    CELL_BEAT,
    PLACEMENT_ABANDON,
    PLACEMENT_ACTIVATE,
    PLACEMENT_DELETE,
    PLACEMENT_ERASED,
    PLACEMENT_RESERVE,
    PLACEMENT_UNFINISHED,
    Beat,
    Placed,
    PlacedList,
    Reserve,
    Unfinished,
)
from contracts.said import Done, OfWorkspace
from control_plane.audit.service import process
from control_plane.placement import cells
from control_plane.placement.states import Change
from control_plane.signup import service
from kit.calls import Answers, Caller
from kit.database import Database


def answer(answers: Answers, database: Database) -> None:
    """Answer the registry's operations."""

    @answers.to(PLACEMENT_RESERVE)
    async def reserve(by: Caller, wanted: Reserve) -> Placed:
        """Reserve room for a workspace."""
        return Placed.of(await service.reserve(database, process(by.name), wanted))

    @answers.to(PLACEMENT_ACTIVATE)
    async def activate(by: Caller, asked: OfWorkspace) -> Placed:
        """The workspace is in its cell."""
        return await change(by, asked, Change.ACTIVATE, "the workspace is in its cell")

    @answers.to(PLACEMENT_ABANDON)
    async def abandon(by: Caller, asked: OfWorkspace) -> Placed:
        """The workspace will never be in its cell."""
        return await change(by, asked, Change.ABANDON, "the sign-up was not finished")

    @answers.to(PLACEMENT_UNFINISHED)
    async def unfinished(by: Caller, asked: Unfinished) -> PlacedList:
        """Sign-ups that have not ended."""
        found = await service.unfinished(database, asked)
        return PlacedList(placements=[Placed.of(one) for one in found])

    @answers.to(PLACEMENT_DELETE)
    async def delete(by: Caller, asked: OfWorkspace) -> Placed:
        """The workspace's own people end it."""
        return await change(by, asked, Change.DELETE, "asked for by the workspace")

    @answers.to(PLACEMENT_ERASED)
    async def erased(by: Caller, asked: OfWorkspace) -> Placed:
        """Nothing of the workspace is left in its cell."""
        return await change(by, asked, Change.ERASED, "the cell has erased it")

    @answers.to(CELL_BEAT)
    async def beat(by: Caller, said: Beat) -> Done:
        """A cell is alive, and how loaded it is."""
        async with database.outside() as session:
            await cells.heard(session, said.cell, cells.Heard(said.load, said.growth))
        return Done()

    async def change(by: Caller, asked: OfWorkspace, what: Change, why: str) -> Placed:
        return Placed.of(await service.change(database, process(by.name), asked.workspace_id, what, why))
