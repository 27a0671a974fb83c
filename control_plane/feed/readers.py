"""Who may read which feeds: credentials that operators issue and revoke."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.feed import is_audience
from control_plane.act import Act
from control_plane.feed.models import FeedReader
from control_plane.words import Kind, Word, new_word
from kit.database import now
from kit.refusals import Invalid, NotFound


async def issue(act: Act, name: str, audiences: Sequence[str]) -> Word:
    """A credential for `name`, in place of the one it had. Raises Invalid for what is no audience."""
    wrong = [one for one in audiences if not is_audience(one)]
    if wrong or not audiences:
        raise Invalid(f"Name audiences: routing, identity/REGION or cell/NAME, not {', '.join(wrong) or 'none'}.")
    word = new_word(Kind.READER, name)
    facts = {"digest": word.digest, "audiences": sorted(set(audiences)), "created_at": now(), "revoked_at": None}
    issued = insert(FeedReader).values(name=name, **facts)
    await act.session.execute(issued.on_conflict_do_update(index_elements=["name"], set_=facts))
    act.log("feed-reader.issue", "feed-reader", name, {"audiences": sorted(set(audiences))})
    return word


async def revoke(act: Act, name: str) -> FeedReader:
    """End a credential; its next poll is refused. Raises NotFound."""
    reader = await act.session.get(FeedReader, name)
    if reader is None:
        raise NotFound
    if reader.revoked_at is None:
        reader.revoked_at = now()
        act.log("feed-reader.revoke", "feed-reader", name)
    return reader


async def living(session: AsyncSession, word: Word) -> FeedReader | None:
    """The reader of a credential that still counts."""
    found = select(FeedReader).where(FeedReader.digest == word.digest, FeedReader.revoked_at.is_(None))
    return (await session.scalars(found)).first()


async def listed(session: AsyncSession) -> Sequence[FeedReader]:
    """All readers, revoked ones too."""
    return (await session.scalars(select(FeedReader).order_by(FeedReader.name))).all()
