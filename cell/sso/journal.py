"""The sign-in log: what each answer of the identity provider said and what became of it, for 30 days.

A line is written once, by its reference. What it holds of an answer is bounded: anybody can have one written who
begins a sign-in and then sends whatever they like.
"""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

from cell.people.models import Person
from cell.resources import Cell
from cell.sso import kinds, queries
from cell.sso.models import SignIn
from contracts.signing_in import Answer, Attempt, HandOver, Purpose
from kit import logs
from kit.cursors import Cursor
from kit.database import Reading, Writing, now
from kit.jobs import later
from kit.refusals import TooManyRequests

KEPT = timedelta(days=30)
DAY_S = 86_400
LARGEST = 16_000  # characters of the attributes of one answer
# Refused answers that one workspace may have noted; a hundred people who try ten times an hour are fewer.
MOST_REFUSED, WINDOW_S = 1000, 3600
_REFERENCE = "0123456789abcdefghijklmnopqrstuvwxyz"

log = logs.get("sso")


def new_reference() -> str:
    """A reference, for what has none from provisioning."""
    return "".join(secrets.choice(_REFERENCE) for _ in range(10))


async def came_in(tx: Writing, said: HandOver, person: Person | None, role: str) -> None:
    """Note somebody who came in, or who would have: `person` is None for a test of somebody who would be created."""
    await _note(tx, said, None, person, role)


async def refused(tx: Writing, said: HandOver, reason: str) -> None:
    """Note somebody whom the identity provider vouched for and who did not come in."""
    await _note(tx, said, reason, None, "")


async def turned_away(cell: Cell, workspace_id: UUID, reference: str, reason: str) -> None:
    """Note that somebody who was admitted did not come in, as the browser showed once it was there."""
    async with cell.database.writing(workspace_id) as tx:
        await tx.execute(queries.turned_away(reference, reason))


async def no_way_in(cell: Cell, workspace_id: UUID, reason: str) -> None:
    """Note that a browser came back with a code that opens nothing; within the bounds of what is refused."""
    said = Attempt(reference=new_reference(), at=now(), purpose=None, reason=reason, hint="")
    await report(cell, workspace_id, [said])


async def report(cell: Cell, workspace_id: UUID, attempts: Sequence[Attempt]) -> None:
    """Note answers that provisioning refused; those that were noted before are left as they are."""
    async with cell.database.writing(workspace_id) as tx:
        for one in attempts:
            try:
                await cell.rates.take("sso-refused", str(workspace_id), most=MOST_REFUSED, per_s=WINDOW_S)
            except TooManyRequests:
                log.warning("sign-ins not noted: too many", workspace_id=str(workspace_id))
                break
            purpose = None if one.purpose is None else one.purpose.value
            facts = {"at": one.at, "purpose": purpose, "reason": one.reason, "hint": one.hint}
            name = one.answer.name_id
            await _write(tx, {**facts, "reference": one.reference, "name": name, "said": {}}, one.answer)


async def find(
    tx: Reading, *, before: Cursor | None, limit: int, name: str, outcome: str, purpose: str
) -> tuple[list[SignIn], Cursor | None]:
    """A page of the log, newest first, and where the next one begins."""
    found = list(await tx.all(queries.newest(before, limit + 1, name, outcome, purpose)))
    shown = found[:limit]
    return shown, (shown[-1].at, shown[-1].id) if len(found) > limit else None


async def forget_old(tx: Writing) -> int:
    """Remove what is older than the log is kept; how many lines."""
    return await tx.execute(queries.forget_before(now() - KEPT))


async def look_after(tx: Writing) -> None:
    """See to it that the daily job runs, as long as there is something to look after."""
    if await tx.changed(queries.look_after(tx.workspace_id, now())) is not None:
        later(tx, kinds.UPKEEP, at=now() + timedelta(seconds=DAY_S))


async def _note(tx: Writing, said: HandOver, reason: str | None, person: Person | None, role: str) -> None:
    handed = {"email": said.email, "name": said.name, "groups": list(said.groups[:50]), "role": role}
    facts: dict[str, object] = {
        "at": now(),
        "purpose": said.purpose.value,
        "reason": reason,
        "hint": "",
        "reference": said.reference,
        "person_id": None if person is None else person.id,
        "name": said.name_id if person is None else person.name,
        "said": {**handed, "name_id": said.name_id, "name_id_format": said.name_id_format},
    }
    await _write(tx, facts, said.answer)


async def _write(tx: Writing, facts: dict[str, object], answer: Answer) -> None:
    row = {"workspace_id": tx.workspace_id, "id": uuid4(), "person_id": None, **facts}
    await tx.changed(queries.note({**row, "answer": bounded(answer).model_dump(mode="json", exclude_defaults=True)}))
    await look_after(tx)


def bounded(answer: Answer) -> Answer:
    """The answer with as many of its attributes as the log takes."""
    left = LARGEST
    kept: list[tuple[str, tuple[str, ...]]] = []
    for name, values in answer.attributes:
        left -= len(name) + sum(map(len, values))
        if left < 0:
            kept.append((name, ("…",)))
            break
        kept.append((name, values))
    return answer.model_copy(update={"attributes": tuple(kept)})


def is_test(sign_in: SignIn) -> bool:
    """Whether a line is of a test, which opened nothing."""
    return sign_in.purpose == Purpose.TEST.value
