"""What provisioning may ask of a sign-up."""

from cell.resources import Cell
from cell.signup import service
from contracts.placing import WORKSPACE_CREATE, WORKSPACE_EXISTS, WORKSPACE_UNDO, CreateWorkspace, Existing
from contracts.said import Done, OfWorkspace
from kit.calls import Answers, Caller


def answer(answers: Answers, cell: Cell) -> None:
    """Answer the operations of this noun."""

    @answers.to(WORKSPACE_CREATE)
    async def create(by: Caller, wanted: CreateWorkspace) -> Done:
        """Make a workspace."""
        await service.create(cell.database, wanted)
        return Done()

    @answers.to(WORKSPACE_EXISTS)
    async def exists(by: Caller, asked: OfWorkspace) -> Existing:
        """Whether it is here."""
        return Existing(exists=await service.exists(cell.database, asked.workspace_id))

    @answers.to(WORKSPACE_UNDO)
    async def undo(by: Caller, asked: OfWorkspace) -> Done:
        """See to it that it is never made."""
        await service.undo(cell.database, asked.workspace_id)
        return Done()
