"""Answers to identity providers that only ask, as JSON that was made in the database."""

from uuid import UUID

from cell.directory import finding, journal, statements
from cell.directory.tally import Tally
from cell.resources import Cell
from contracts.directory import CredentialRefused, Find, Get
from contracts.directory_schema import Resource
from kit.refusals import NotFound


async def find(cell: Cell, tally: Tally, said: Find) -> bytes:
    """A `Found` as JSON. Raises CredentialRefused, ValueRefused."""
    text, values = finding.statement(said)
    token, total, items = await cell.database.read_directly(said.workspace_id, text, *values)
    await _meet(cell, tally, said, token)
    return f'{{"total":{total},"items":{items}}}'.encode()


async def get(cell: Cell, tally: Tally, said: Get) -> bytes:
    """An `Item` as JSON. Raises CredentialRefused, NotFound."""
    statement = statements.GET_PERSON
    if said.resource is Resource.GROUP:
        statement = statements.GET_GROUP_WITH_MEMBERS if said.members else statements.GET_GROUP
    digest = bytes.fromhex(said.credential)
    token, item = await cell.database.read_directly(said.workspace_id, statement, said.workspace_id, digest, said.id)
    await _meet(cell, tally, said, token)
    if item is None:
        raise NotFound
    return str(item).encode()


async def _meet(cell: Cell, tally: Tally, said: Find | Get, token: str | None) -> None:
    """Count who asked. Raises CredentialRefused."""
    if token is None:
        refusal = CredentialRefused()
        await journal.refused(cell.database, said, None, refusal)
        raise refusal
    tally.used(said.workspace_id, UUID(token), said.resource.value)
