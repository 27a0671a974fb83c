"""What other processes may ask of ownership."""

from cell.ownership import service
from cell.ownership.gate import Held
from cell.resources import Cell
from contracts.placing import OWNERSHIP_SET, Owned, SetOwnership
from kit.calls import Answers, Caller


def answer(answers: Answers, cell: Cell) -> None:
    """Answer the operations of this noun."""

    @answers.to(OWNERSHIP_SET)
    async def set_ownership(by: Caller, said: SetOwnership) -> Owned:
        """The registry says who owns a workspace."""
        wanted = Held(said.epoch, said.version, said.state)
        held = await service.set_to(cell.database, cell.redis, said.workspace_id, wanted)
        return Owned(epoch=held.epoch, version=held.version, state=held.state)
