"""Changes of the directory, each one transaction; who may ask for them."""

from dataclasses import dataclass

from cell.audit.acts import Act
from cell.directory import groups, journal, persons
from cell.directory.doing import Doing, DoneBefore, Heavier
from cell.directory.tally import Tally
from cell.resources import Cell
from cell.workspaces import service as workspaces
from contracts.directory import Applied, Apply, Create, Erase, Taken
from contracts.directory_schema import Resource
from kit.database_errors import DoneAlready, Entangled
from kit.refusals import Refusal

ATTEMPTS = 3
_OF = {
    "uq_directory_people_user_name": "user_name",
    "uq_people_email_norm": "user_name",  # a member whom the directory does not know has it as their address
    "uq_directory_people_external_id": "external_id",
    "uq_directory_groups_display_name": "display_name",
    "uq_directory_groups_external_id": "external_id",
}


async def apply(cell: Cell, tally: Tally, said: Apply) -> bytes:
    """Make a change; an `Applied` as JSON. Once made it is only told again when the same request comes again.

    Raises CredentialRefused, NotFound, and the refusals of `contracts.directory`; a refusal is noted in the log.
    """
    for attempt in range(1, ATTEMPTS + 1):
        doing: list[Doing] = []
        try:
            return await _once(cell, said, doing)
        except (DoneAlready, Entangled) as refusal:
            # Perhaps this very request was done meanwhile, or somebody whom it was held against: look once more.
            if attempt < ATTEMPTS and not (attempt > 1 and _attribute(refusal)):
                continue
            meant = Taken(attribute=_attribute(refusal)) if _attribute(refusal) else refusal
            await journal.refused(cell.database, said, _token(doing), meant)
            raise meant from None
        except Refusal as refusal:
            await journal.refused(cell.database, said, _token(doing), refusal)
            raise
        finally:
            token = _token(doing)
            if token is not None:
                tally.used(said.workspace_id, token[0])
    raise AssertionError("the last attempt answers or raises")


class _TakenBack(Exception):
    """Ends the transaction of a rehearsal. `answer` is what would have been told."""

    def __init__(self, answer: bytes) -> None:
        super().__init__()
        self.answer = answer


@dataclass(frozen=True)
class Rehearsed:
    """What a change would do: what it would leave, and what the audit log would say."""

    applied: Applied
    acts: list[Act]


async def rehearse(cell: Cell, said: Apply) -> Rehearsed:
    """Find out what a change would do by making it and taking it back. Nothing is noted, and no use is counted.

    Not for an erasure, which ends more than its transaction takes back. Raises what `apply` raises.
    """
    doings: list[Doing] = []
    try:
        answer = await _once(cell, said, doings, rehearsal=True)
    except _TakenBack as back:
        answer = back.answer
    except DoneAlready as refusal:
        if attribute := _attribute(refusal):
            raise Taken(attribute=attribute) from None
        raise
    return Rehearsed(Applied.model_validate_json(answer), doings[-1].acts)


async def _once(cell: Cell, said: Apply, doings: list[Doing], *, rehearsal: bool = False) -> bytes:
    try:
        try:
            async with cell.database.writing_directly(said.workspace_id) as direct:
                doings.append(Doing(cell, said, direct, rehearsal=rehearsal))
                return await _do(doings[-1])
        except Heavier:
            async with cell.database.writing(said.workspace_id) as tx:
                await workspaces.get_locked(tx)  # before any row: other acts upon members begin with it
                doings.append(Doing(cell, said, await tx.direct(), tx, rehearsal))
                return await _do(doings[-1])
    except DoneBefore as before:
        return before.answer


async def _do(doing: Doing) -> bytes:
    change, person = doing.said.change, doing.resource is Resource.PERSON
    if isinstance(change, Create):
        answer = await (persons.create if person else groups.create)(doing, change)
    elif isinstance(change, Erase):
        answer = await (persons.erase if person else groups.erase)(doing, change)
    else:
        answer = await (persons.change if person else groups.change)(doing, change)
    if doing.rehearsal:
        raise _TakenBack(answer)
    await doing.finish()
    return answer


def _attribute(refusal: Refusal) -> str | None:
    return _OF.get(refusal.index) if isinstance(refusal, DoneAlready) else None


def _token(doings: list[Doing]) -> journal.Token | None:
    return next((one.token for one in reversed(doings) if one.token is not None), None)
