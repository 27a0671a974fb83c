"""What provisioning asks of the directory: some of the hottest paths of a cell, so answers pass through as JSON."""

from cell.directory import journal, reading, service
from cell.directory.tally import Tally
from cell.resources import Cell
from contracts.directory import (
    DIRECTORY_APPLY,
    DIRECTORY_FIND,
    DIRECTORY_GET,
    DIRECTORY_NOTE,
    Apply,
    Find,
    Get,
    Note,
)
from contracts.said import Done
from kit.calls import Answers, Caller


def answer(answers: Answers, cell: Cell) -> None:
    """Answer the operations of this noun."""
    tally = Tally(cell.database)
    cell.database.before_close(tally.write)

    @answers.to(DIRECTORY_APPLY)
    async def apply(by: Caller, said: Apply) -> bytes:
        """An identity provider changes a person or a group."""
        return await service.apply(cell, tally, said)

    @answers.to(DIRECTORY_FIND)
    async def find(by: Caller, said: Find) -> bytes:
        """It looks for some."""
        return await reading.find(cell, tally, said)

    @answers.to(DIRECTORY_GET)
    async def get(by: Caller, said: Get) -> bytes:
        """It looks at one."""
        return await reading.get(cell, tally, said)

    @answers.to(DIRECTORY_NOTE)
    async def note(by: Caller, said: Note) -> Done:
        """Provisioning refused something by itself."""
        await journal.note(cell.database, said)
        return Done()
