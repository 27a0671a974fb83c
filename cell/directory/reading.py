"""Answers to identity providers that only ask, as JSON that was made in the database."""

from cell.directory import finding, journal, statements
from cell.directory.tally import Tally
from cell.resources import Cell
from contracts.directory import CredentialRefused, Find, Get
from contracts.directory_schema import Resource
from kit.direct import Row
from kit.refusals import NotFound


async def find(cell: Cell, tally: Tally, said: Find) -> bytes:
    """A `Found` as JSON. Raises CredentialRefused, ValueRefused."""
    text, values = finding.statement(said)
    try:
        async with cell.database.reading_directly(said.workspace_id) as tx:
            row = _allowed(await tx.row(text, *values))
    except CredentialRefused as refusal:
        await journal.refused(cell.database, said, None, refusal)
        raise
    tally.used(said.workspace_id, row["token_id"], said.resource.value)
    return f'{{"total":{row["total"]},"items":{row["items"]}}}'.encode()


async def get(cell: Cell, tally: Tally, said: Get) -> bytes:
    """An `Item` as JSON. Raises CredentialRefused, NotFound."""
    statement = statements.GET_PERSON
    if said.resource is Resource.GROUP:
        statement = statements.GET_GROUP_WITH_MEMBERS if said.members else statements.GET_GROUP
    try:
        async with cell.database.reading_directly(said.workspace_id) as tx:
            row = _allowed(await tx.row(statement, said.workspace_id, bytes.fromhex(said.credential), said.id))
    except CredentialRefused as refusal:
        await journal.refused(cell.database, said, None, refusal)
        raise
    tally.used(said.workspace_id, row["token_id"], said.resource.value)
    if row["answer"] is None:
        raise NotFound
    return str(row["answer"]).encode()


def _allowed(row: Row | None) -> Row:
    if row is None or row["token_id"] is None:
        raise CredentialRefused
    return row
