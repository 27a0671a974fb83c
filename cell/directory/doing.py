"""A change that is under way: who asked, in which transaction, what the logs are to say of it."""

import time
from dataclasses import dataclass, field
from uuid import UUID

from cell.actors import Actor, ActorKind
from cell.audit import direct as audit
from cell.audit.acts import Act
from cell.directory import journal, statements
from cell.resources import Cell
from contracts.directory import Apply, CredentialRefused, VersionDiffers
from contracts.directory_schema import Resource
from kit.database import Writing
from kit.direct import DirectWriting, Row
from kit.refusals import NotFound

SURE_S = 0.25  # a change that took no longer is made by a token that has just been looked at
_ITEM = {Resource.PERSON: statements.ITEM_OF_PERSON, Resource.GROUP: statements.ITEM_OF_GROUP}
_NOTE = {Resource.PERSON: statements.NOTE_PERSON, Resource.GROUP: statements.NOTE_GROUP}


class Heavier(Exception):
    """More hangs on a person than a row: begin anew with a transaction in which `people.service` is at hand."""


class DoneBefore(Exception):
    """The same request was done already; `answer` is what it did."""

    def __init__(self, answer: bytes) -> None:
        super().__init__()
        self.answer = answer


@dataclass
class Doing:
    """One attempt at a change. `slow` is the transaction as the other nouns' services take it, where there is one.

    `rehearsal`: it is taken back, so nothing that does not go back with the transaction may come of it.
    """

    cell: Cell
    said: Apply
    tx: DirectWriting
    slow: Writing | None = None
    rehearsal: bool = False
    token: tuple[UUID, str] | None = None  # id and name, once the credential was looked at
    acts: list[Act] = field(default_factory=list)
    _looked_at: float = 0.0  # when the credential was
    _head: Row | None = None  # the end of the audit log, where a statement has brought it along

    @property
    def workspace_id(self) -> UUID:
        """The workspace's id."""
        return self.said.workspace_id

    @property
    def by(self) -> Actor:
        """The token as the audit log names it."""
        assert self.token is not None
        return Actor(ActorKind.DIRECTORY, self.token[0], self.token[1])

    @property
    def resource(self) -> Resource:
        """What sort of thing is changed."""
        return self.said.change.resource

    def heavily(self) -> Writing:
        """The transaction of other nouns' services. Raises Heavier where it has to be opened first."""
        if self.slow is None:
            raise Heavier
        return self.slow

    async def load(self, statement: str, *values: object) -> Row:
        """The rows that are changed, locked, once it is clear that whoever asks may, and asks for the first time.

        Raises CredentialRefused, DoneBefore, NotFound.
        """
        row = await self._asked(statement, *values)
        if row is None:  # there is no such thing; that is told only to those who may ask
            row = await self._asked(statements.LOAD_CALLER)
            assert row is not None
            await self._meet(row)
            raise NotFound
        await self._meet(row)
        return row

    def expect(self, versions: list[int] | None, actual: int) -> None:
        """Raises VersionDiffers where it is none of these."""
        if versions is not None and actual not in versions:
            raise VersionDiffers(version=actual)

    async def note(
        self, statement: str, subject: UUID | None, name: str, *values: object, result: str, detail: str = ""
    ) -> bytes:
        """Make the change and its line in the log, whose `detail` names what is changed; the answer."""
        assert self.token is not None
        said = self.said
        row = await self.tx.row(
            statement,
            self.workspace_id,
            subject,
            self.token[0],
            bytes.fromhex(said.request_id),
            said.trace,
            said.asked,
            said.change.verb,
            said.change.resource.value,
            name,
            result,
            *values,
            detail[: journal.LONGEST_DETAIL],
        )
        if row is not None and "seq" in row:
            self._head = row
        return answer(None if row is None else row[0], changed=result == "changed")

    async def unchanged(self, subject: UUID, name: str) -> bytes:
        """Everything is so already; that it was asked for is noted."""
        return await self.note(_NOTE[self.resource], subject, name, result="unchanged")

    async def finish(self) -> None:
        """The audit log, last: its head puts the changes of a workspace in order. Raises CredentialRefused."""
        if self.slow is not None:
            await self.slow.flush()
        await audit.append(self.tx, self.by, self.acts, self._head)
        if time.monotonic() - self._looked_at > SURE_S:  # it waited for others, and the token may have ended meanwhile
            caller = await self.tx.row(statements.CREDENTIAL, self.workspace_id, bytes.fromhex(self.said.credential))
            if caller is None or not caller["lives"]:
                raise CredentialRefused

    async def _asked(self, statement: str, *values: object) -> Row | None:
        self._looked_at = time.monotonic()
        digest, request = bytes.fromhex(self.said.credential), bytes.fromhex(self.said.request_id)
        return await self.tx.row(statement, self.workspace_id, digest, request, *values)

    async def _meet(self, row: Row) -> None:
        if row["token_id"] is None:
            raise CredentialRefused
        self.token = (row["token_id"], row["token_name"])
        if row["did"] is not None:
            item = await self.tx.value(_ITEM[self.resource], self.workspace_id, row["done"])
            raise DoneBefore(answer(item, changed=row["result"] == "changed"))


def answer(item: str | None, *, changed: bool) -> bytes:
    """An `Applied` as JSON; `item` is JSON already."""
    return f'{{"item":{item or "null"},"changed":{"true" if changed else "false"}}}'.encode()
