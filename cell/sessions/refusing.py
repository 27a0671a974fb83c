"""Sign-ins that were refused, in the audit log: known people only, and however many, two entries in a quarter hour.

The first is written at once, with what else comes in that time counted and written at its end. Counting is in Redis
and the entries are a job's, so that the answer is the same work whether there is such a person or not.
"""

import hashlib
from contextlib import suppress
from typing import Literal
from uuid import UUID, uuid4

from cell.actors import SYSTEM
from cell.audit import service as audit
from cell.people import queries as people
from cell.people import service
from cell.resources import Cell
from cell.sessions import kinds
from kit import texts
from kit.database import now
from kit.database_errors import WorkspaceFrozen
from kit.jobs import later

KEPT_S = int(2 * kinds.REFUSED_EVERY.total_seconds())  # a count whose job is late

Reason = Literal[
    "wrong-password",
    "too-many-attempts",
    "sso-enforced",
    "outside-networks",
    "code-wrong",
    "too-many-codes",
    "passkey-wrong",
    "proof-wrong",
]

# KEYS[1] the count; ARGV reason, network address, life. The second opens what is counted until the window ends.
_COUNT = """
local count = redis.call('HINCRBY', KEYS[1], 'count', 1)
redis.call('HSET', KEYS[1], 'reason:' .. ARGV[1], 1, 'address', ARGV[2])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[3]) end
return count
"""


async def note(cell: Cell, workspace_id: UUID, email: str, reason: Reason, address: str) -> None:
    """Somebody said to be of this address was refused; nothing is noted while the workspace is frozen."""
    email_norm = service.normalised(email)
    digest = hashlib.sha256(email_norm.encode()).hexdigest()
    count = int(await cell.redis.eval(_COUNT, 1, _at(workspace_id, digest), reason, address, KEPT_S))
    if count > 2:  # the first is told at once, and the second sees to it that the rest is
        return
    with suppress(WorkspaceFrozen):
        async with cell.database.writing(workspace_id) as tx:
            person = await tx.first(people.by_email(email_norm))
            who = uuid4() if person is None else person.id
            if count == 1:
                later(tx, kinds.REFUSED, who, digest, reason)
            else:
                later(tx, kinds.REFUSED, who, digest, "", at=now() + kinds.REFUSED_EVERY)


async def tell(cell: Cell, workspace_id: UUID, person_id: UUID, digest: str, reason: str) -> None:
    """Write the entry, if there is such a person: of the first, or without `reason` of all that came after it."""
    counted = await texts.fields(cell.redis, _at(workspace_id, digest))
    if not reason:
        await cell.redis.delete(_at(workspace_id, digest))
    reasons = (
        [reason] if reason else sorted(one.removeprefix("reason:") for one in counted if one.startswith("reason:"))
    )
    async with cell.database.writing(workspace_id) as tx:
        person = await tx.first(people.by_id(person_id))
        if person is None:
            return
        details: dict[str, str | int | bool | list[str]] = {
            "reasons": reasons if person.active else ["switched-off"],
            "count": 1 if reason else max(int(counted.get("count", "2")) - 1, 1),
        }
        about = {"name": person.name, "email": person.email, "address": counted.get("address", "")}
        target = audit.Target("person", person.id, person.id, about)
        await audit.append(tx, SYSTEM, "session.refuse", target, details)


def _at(workspace_id: UUID, digest: str) -> str:
    return f"refused:{workspace_id}:{digest}"
