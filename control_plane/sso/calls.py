"""What cells may ask of the registry about connections."""

from contracts.said import Done
from contracts.signing_in import SSO_SET, SetSso
from control_plane.audit.service import process
from control_plane.sso import service
from kit.calls import Answers, Caller
from kit.database import Database


def answer(answers: Answers, database: Database) -> None:
    """Answer the registry's operations."""

    @answers.to(SSO_SET)
    async def set_sso(by: Caller, asked: SetSso) -> Done:
        """The workspace's connection from now on."""
        await service.set_connection(database, process(by.name), asked.workspace_id, asked.connection)
        return Done()
