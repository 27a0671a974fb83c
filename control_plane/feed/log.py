"""The log of each audience: appended to inside the change's transaction, read in batches, bounded by compaction."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import delete, func, insert, literal, select, text, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession

from contracts import feed
from control_plane.feed.models import FeedEvent, FeedGeneration, FeedHead
from kit.database import now
from kit.refusals import Kind, NotFound, Refusal

CHANNEL = "cellcast_feed"  # PostgreSQL's NOTIFY; the payload is the audience


class SnapshotNeeded(Refusal):
    """The log no longer reaches back to where the consumer stands, or a new generation began."""

    kind = Kind.GONE
    title = "The feed has moved on past this position"
    detail = "Fetch the snapshot, then read on from its position."


class FeedBehind(Refusal):
    """The consumer knows more than this registry: it was restored to an older state."""

    kind = Kind.CONFLICT
    title = "This registry is behind what the consumer has already seen"
    detail = (
        "After a restore of the registry an operator raises the generation: cellcast control-plane raise-generation."
    )


@dataclass(frozen=True)
class Told:
    """What an audience is to hear: the record from now on, or None where there is none any more."""

    audience: str
    kind: str
    key: str
    record: feed.Record | None


async def append(session: AsyncSession, told: Iterable[Told]) -> None:
    """Add events, in the order given, to each audience's log. Heads stay locked until the transaction ends.

    Audiences are taken by name, so that two transactions never wait for one another in a ring.
    """
    by_audience = groupby(sorted(told, key=lambda one: one.audience), key=lambda one: one.audience)
    for audience, ones in by_audience:
        head = await _locked_head(session, audience)
        rows = []
        for one in ones:
            head.n += 1
            body = feed.event_json(feed.Event(head.n, now(), one.kind, one.key, one.record))
            head.mark = feed.next_mark(head.mark, body)
            rows.append({"audience": audience, "n": head.n, "body": body, "mark": head.mark})
        await session.execute(insert(FeedEvent), rows)
        await session.execute(select(func.pg_notify(CHANNEL, audience)))
    await session.flush()


async def _locked_head(session: AsyncSession, audience: str) -> FeedHead:
    wanted = select(FeedHead).where(FeedHead.audience == audience).with_for_update()
    head = (await session.scalars(wanted.execution_options(populate_existing=True))).first()
    if head is not None:
        return head
    # A raise of the generation holds this table: a new feed begins in the old one before it or in the new one after.
    await session.execute(text("lock table feed_heads in row exclusive mode"))
    generation = await _generation(session)
    mark = feed.first_mark(audience, generation)
    begun = postgresql.insert(FeedHead).values(
        audience=audience, generation=generation, n=0, mark=mark, floor=0, floor_mark=mark
    )
    await session.execute(begun.on_conflict_do_nothing())
    return (await session.scalars(wanted)).one()


async def _generation(session: AsyncSession) -> int:
    return int((await session.execute(select(func.max(FeedGeneration.generation)))).scalar_one())


async def read(session: AsyncSession, audience: str, generation: int, after: int) -> tuple[feed.BatchHead, list[str]]:
    """The events beyond `after`, as many as fit into a batch; none when there is nothing new.

    Raises NotFound, SnapshotNeeded, FeedBehind. The session is one that has done nothing yet.
    """
    await one_view(session)
    head = await session.get(FeedHead, audience)
    if head is None:
        raise NotFound
    if (generation, after) > (head.generation, head.n):
        raise FeedBehind(generation=head.generation, n=head.n)
    if generation < head.generation or after < head.floor:
        raise SnapshotNeeded(generation=head.generation, n=head.n)
    # From `after` on: its own row has the mark that the batch begins at.
    found = (
        select(FeedEvent.n, FeedEvent.body, FeedEvent.mark)
        .where(FeedEvent.audience == audience, FeedEvent.n >= after)
        .order_by(FeedEvent.n)
        .limit(feed.BATCH_EVENTS + 1)
    )
    rows = [(row.n, row.body, row.mark) for row in await session.execute(found)]
    mark = rows.pop(0)[2] if after > head.floor else head.floor_mark
    return _cut(head, after, mark, rows)


def _cut(
    head: FeedHead, after: int, mark: str, rows: Sequence[tuple[int, str, str]]
) -> tuple[feed.BatchHead, list[str]]:
    bodies: list[str] = []
    size, upto, upto_mark = 0, after, mark
    for n, body, its_mark in rows[: feed.BATCH_EVENTS]:
        bodies.append(body)
        upto, upto_mark = n, its_mark
        size += len(body) + 1
        if size >= feed.BATCH_BYTES:
            break
    made = feed.BatchHead(head.audience, head.generation, after, mark, upto, upto_mark, head.n, now())
    return made, bodies


async def one_view(session: AsyncSession) -> None:
    """Have every statement of this transaction see the same state: a feed's end and what stands before it agree."""
    await session.execute(text("set transaction isolation level repeatable read, read only"))


async def mark_at(session: AsyncSession, audience: str, generation: int, n: int) -> str | None:
    """The mark at a position from which the log can be read on; None for any other position."""
    head = await session.get(FeedHead, audience)
    if head is None or head.generation != generation:
        return None
    if n == head.floor:
        return head.floor_mark
    found: str | None = await session.scalar(
        select(FeedEvent.mark).where(FeedEvent.audience == audience, FeedEvent.n == n)
    )
    return found


async def compact(session: AsyncSession, audience: str, keep: int) -> int:
    """Drop all but the newest `keep` events; how many went. Whoever is further behind takes a snapshot."""
    head = await _locked_head(session, audience)
    floor = head.n - keep
    if floor <= head.floor:
        return 0
    dropped = floor - head.floor
    at_floor = select(FeedEvent.mark).where(FeedEvent.audience == audience, FeedEvent.n == floor)
    head.floor_mark = (await session.execute(at_floor)).scalar_one()
    head.floor = floor
    await session.execute(delete(FeedEvent).where(FeedEvent.audience == audience, FeedEvent.n <= floor))
    await session.flush()
    return dropped


async def raise_generation(session: AsyncSession) -> int:
    """Begin a new generation of every feed, after a restore of the registry; consumers take snapshots. Its number.

    The number is the clock's: a registry restored twice from the same backup must not give the same one twice.
    """
    await session.execute(text("lock table feed_heads in share row exclusive mode"))
    at = now()
    generation = max(await _generation(session) + 1, int(at.timestamp()))
    session.add(FeedGeneration(generation=generation, begun_at=at))
    for audience in (await session.scalars(select(FeedHead.audience))).all():
        mark = feed.first_mark(audience, generation)
        begun = {"generation": generation, "n": 0, "mark": mark, "floor": 0, "floor_mark": mark}
        await session.execute(update(FeedHead).where(FeedHead.audience == audience).values(begun))
        await session.execute(select(func.pg_notify(literal(CHANNEL), audience)))
    await session.execute(delete(FeedEvent))
    await session.flush()
    return generation


async def heads(session: AsyncSession) -> Sequence[FeedHead]:
    """Where every feed stands."""
    return (await session.scalars(select(FeedHead).order_by(FeedHead.audience))).all()
