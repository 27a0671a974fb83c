"""The hand-over: provisioning says who signed in, the cell decides, and answers a code that the browser brings.

What was begun is taken first and once. Whatever fails after that leaves nothing half done: the person begins anew.
"""

from uuid import UUID

from cell.people import queries as people_queries
from cell.people import service as people
from cell.people.models import Person
from cell.resources import Cell
from cell.sso import connections, deciding, journal, saving
from cell.sso.reasons import Denied, Reason
from cell.sso.store import Begun, Outcome, Waiting
from cell.workspaces import service as workspaces
from contracts.identity import Connection
from contracts.signing_in import HandOver, NotAdmitted, Purpose, SignInUnknown, SsoOff
from kit import logs
from kit.database import Writing
from kit.refusals import NotFound

log = logs.get("sso")

_REFUSALS = {Reason.SSO_OFF: SsoOff, Reason.CONNECTION_CHANGED: SsoOff, Reason.TOOK_TOO_LONG: SignInUnknown}


async def give(cell: Cell, said: HandOver) -> str:
    """Decide, note it, and put down what the code is worth. Raises SignInUnknown, SsoOff, NotAdmitted, NotFound."""
    key = await workspaces.key_of(cell.database, said.workspace_id)
    if key is None:
        raise NotFound
    waiting = Waiting(cell.redis, said.workspace_id)
    begun = await waiting.take_begun(said.nonce)
    connection = connections.of(cell, key)
    person: Person | None = None
    try:
        fitting = _fitting(begun, connection, said)
        async with cell.database.writing(said.workspace_id) as tx:
            person = await _decided(tx, cell, key, *fitting, said)
    except Denied as denied:
        async with cell.database.writing(said.workspace_id) as tx:
            await journal.refused(tx, said, denied.reason.code)
        log.info("sign-in refused", reason=denied.reason.code, reference=said.reference)
        if said.purpose is not Purpose.TEST or denied.reason in _REFUSALS:
            raise _refusal(denied.reason) from None
    assert begun is not None  # without it nothing was fitting
    return await waiting.leave(
        Outcome(
            nonce=said.nonce,
            purpose=said.purpose,
            onward=begun.onward,
            person_id=begun.person_id if person is None else person.id,
            reference=said.reference,
            ends_at=None if said.ends_at is None else said.ends_at.timestamp(),
        )
    )


def _fitting(begun: Begun | None, connection: Connection | None, said: HandOver) -> tuple[Begun, Connection]:
    """What was begun and the connection, if this is their hand-over. Raises Denied."""
    if begun is None or begun.purpose is not said.purpose:
        raise Denied(Reason.TOOK_TOO_LONG)
    if connection is None or connection.workspace_id != said.workspace_id:
        raise Denied(Reason.SSO_OFF)
    if not connection.enabled and said.purpose is not Purpose.TEST:
        raise Denied(Reason.SSO_OFF)
    if connection.idp_entity_id != said.idp_entity_id:
        raise Denied(Reason.CONNECTION_CHANGED)
    return begun, connection


async def _decided(
    tx: Writing, cell: Cell, key: str, begun: Begun, connection: Connection, said: HandOver
) -> Person | None:
    """Who comes in; for a test nobody does, and nothing changes but that it succeeded. Raises Denied."""
    if said.purpose is Purpose.TEST:
        found = await deciding.decide(tx, connection, said)
        await journal.came_in(tx, said, found.person, found.as_what)
        tester = None if begun.person_id is None else await tx.first(people_queries.by_id(begun.person_id))
        if tester is not None and begun.connection == connections.fingerprint(connection):
            await saving.tested(tx, cell, key, people.actor_of(tester), connection)
        return None
    if said.purpose is Purpose.FRESH:
        found = await deciding.decide(tx, connection, said)
        if found.person is None or found.identity is None or found.person.id != begun.person_id:
            raise Denied(Reason.ANOTHER_PERSON)
        person = found.person
    else:
        person = await deciding.admit(tx, cell, connection, said)
    await journal.came_in(tx, said, person, person.role)
    return person


def _refusal(reason: Reason) -> Exception:
    known = _REFUSALS.get(reason)
    return NotAdmitted(reason=reason.code) if known is None else known()


def person_of(outcome: Outcome) -> UUID:
    """Who came in."""
    assert outcome.person_id is not None and outcome.purpose is not Purpose.TEST
    return outcome.person_id
