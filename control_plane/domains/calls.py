"""What cells may ask of the registry about domains."""

from contracts.said import Done
from contracts.signing_in import DOMAINS_SET, SetDomains
from control_plane.audit.service import process
from control_plane.domains import service
from kit.calls import Answers, Caller
from kit.database import Database


def answer(answers: Answers, database: Database) -> None:
    """Answer the registry's operations."""

    @answers.to(DOMAINS_SET)
    async def set_domains(by: Caller, asked: SetDomains) -> Done:
        """All that the workspace has verified."""
        await service.set_domains(database, process(by.name), asked.workspace_id, asked.digests)
        return Done()
