"""Ending a person's sessions together with what is the reason: a role, a password, being switched off or removed."""

from datetime import datetime
from uuid import UUID

from redis.asyncio import Redis

from cell.sessions import kinds
from cell.sessions.store import Sessions
from kit import live
from kit.database import Writing, now
from kit.jobs import later

ENDED = "sessions"  # the live event after which streams look at once whether theirs goes on


def sign_out(tx: Writing, redis: "Redis", person_id: UUID, *, but: str = "") -> None:
    """End the person's sessions, `but` one perhaps, as soon as the change is durable.

    That is at once; should this process or Redis be gone by then, a job does it.
    """
    sessions, moment = Sessions(redis, "", tx.workspace_id), now()

    async def end() -> None:
        await sessions.end_all(person_id, but=but)
        await live.tell(redis, tx.workspace_id, ENDED, {})

    tx.after_commit(end)
    later(tx, kinds.END, person_id, moment.isoformat(), but)


async def end_earlier(redis: "Redis", workspace_id: UUID, person_id: UUID, moment: datetime, but: str) -> None:
    """End what was begun before `moment`: whoever signed in since then did so under the new state of things."""
    await Sessions(redis, "", workspace_id).end_all(person_id, but=but, before=moment)
