"""Ending sessions together with what is the reason, and with what their holders were sending themselves in them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from redis.asyncio import Redis

from cell.people import queries as people
from cell.recordings import service as recordings
from cell.sessions import kinds
from cell.sessions.store import AT_ONCE, Session, Sessions
from kit.database import Reading, Writing, now
from kit.jobs import later


async def sign_out(tx: Writing, redis: "Redis", person_id: UUID, *, but: Session | None = None) -> None:
    """End the person's sessions, `but` one perhaps, as soon as the change is durable.

    That is at once; should this process or Redis be gone by then, a job does it.
    """
    kept, moment = "" if but is None else but.id, now()
    await recordings.stop_own(tx, redis, person_id, but="" if but is None else but.line)

    tx.after_commit(lambda: Sessions(redis, "", tx.workspace_id).end_all(person_id, but=kept))
    later(tx, kinds.END, person_id, moment.isoformat(), kept)


async def sign_out_many(tx: Writing, redis: "Redis", people: Sequence[UUID]) -> None:
    """The same for as many as there are, at the cost of a few statements and one job for some hundred."""
    if not people:
        return
    moment = now()
    tx.after_commit(lambda: end_many(redis, tx.workspace_id, people))
    for start in range(0, len(people), AT_ONCE):
        some = people[start : start + AT_ONCE]
        await recordings.stop_own_of_many(tx, redis, some)
        later(tx, kinds.END_MANY, moment.isoformat(), *some)


async def end_many(redis: "Redis", workspace_id: UUID, people: Sequence[UUID], before: datetime | None = None) -> None:
    """End the sessions of these people, perhaps only those whose word is from `before` a moment."""
    await Sessions(redis, "", workspace_id).end_all_of(people, before=before)


async def end(tx: Writing, redis: "Redis", sessions: Sequence[Session]) -> None:
    """End these sessions, as their holder wants."""
    await recordings.stop_begun_in(tx, redis, [one.line for one in sessions])
    tx.after_commit(lambda: end_now(redis, tx.workspace_id, sessions))


async def end_now(redis: "Redis", workspace_id: UUID, sessions: Sequence[Session]) -> None:
    """End them, whatever the database says; by their lines, as one may have got another word meanwhile."""
    store, lines = Sessions(redis, "", workspace_id), {one.line for one in sessions}
    there = await store.of_people(list({one.person_id for one in sessions}))
    await store.end_these([one for one in there if one.line in lines])


async def local(tx: Reading, redis: "Redis") -> list[Session]:
    """The sessions that none may have where single sign-on is the only way in: begun otherwise, by who is no owner."""
    found = await Sessions(redis, "", tx.workspace_id).of_people(await tx.all(people.below_owners()))
    return [one for one in found if one.how != "sso"]


async def sign_out_local(tx: Writing, redis: "Redis") -> int:
    """End those sessions, as `sign_out` does; of how many people."""
    found, moment = await local(tx, redis), now()
    await recordings.stop_begun_in(tx, redis, [one.line for one in found])
    tx.after_commit(lambda: end_now(redis, tx.workspace_id, found))
    later(tx, kinds.END_LOCAL, moment.isoformat())
    return len({one.person_id for one in found})


async def end_earlier(redis: "Redis", workspace_id: UUID, person_id: UUID, moment: datetime, but: str) -> None:
    """End what was begun before `moment`: whoever signed in since then did so under the new state of things."""
    await Sessions(redis, "", workspace_id).end_all(person_id, but=but, before=moment)


async def end_local_earlier(tx: Reading, redis: "Redis", moment: datetime) -> None:
    """The same for those that are not by single sign-on."""
    await end_now(redis, tx.workspace_id, [one for one in await local(tx, redis) if one.since < moment])
