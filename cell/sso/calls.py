"""What provisioning may ask of single sign-on."""

from cell.people import finding
from cell.resources import Cell
from cell.sso import giving, journal
from contracts.said import Done
from contracts.signing_in import (
    IDENTITY_GIVE,
    IDENTITY_REPORT,
    PEOPLE_FIND,
    Find,
    HandedOver,
    HandOver,
    Report,
)
from kit.calls import Answers, Caller

PER_ADDRESS, WINDOW_S = 20, 3600  # questions for one's workspaces


def answer(answers: Answers, cell: Cell) -> None:
    """Answer the operations of this noun."""

    @answers.to(IDENTITY_GIVE)
    async def give(by: Caller, said: HandOver) -> HandedOver:
        """Somebody signed in at the identity provider."""
        return HandedOver(code=await giving.give(cell, said))

    @answers.to(IDENTITY_REPORT)
    async def report(by: Caller, said: Report) -> Done:
        """Answers that were not believed."""
        await journal.report(cell, said.workspace_id, said.attempts)
        return Done()

    @answers.to(PEOPLE_FIND)
    async def find(by: Caller, asked: Find) -> Done:
        """Somebody asks which workspaces they have."""
        await cell.rates.take("find-address", asked.address, most=PER_ADDRESS, per_s=WINDOW_S)
        await finding.ask(cell, asked.email, asked.language)
        return Done()
