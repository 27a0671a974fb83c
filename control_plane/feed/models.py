"""Tables of the feeds."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from control_plane.base import Base


class FeedGeneration(Base):
    """The generations there were; the highest one counts. An operator adds one after a restore."""

    __tablename__ = "feed_generations"

    generation: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    begun_at: Mapped[datetime]


class FeedHead(Base):
    """The end of an audience's feed; its lock puts events in order and keeps them without a gap.

    `floor` is the last event that was compacted away: the log holds floor+1 .. n.
    """

    __tablename__ = "feed_heads"

    audience: Mapped[str] = mapped_column(primary_key=True)
    generation: Mapped[int] = mapped_column(BigInteger)
    n: Mapped[int] = mapped_column(BigInteger)
    mark: Mapped[str]
    floor: Mapped[int] = mapped_column(BigInteger)
    floor_mark: Mapped[str]


class FeedEvent(Base):
    """One event; `body` is the exact text that is marked and sent (contracts/feed.py)."""

    __tablename__ = "feed_events"

    audience: Mapped[str] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    body: Mapped[str]
    mark: Mapped[str]


class FeedSnapshot(Base):
    """The snapshot of an audience that a region's bucket holds."""

    __tablename__ = "feed_snapshots"

    audience: Mapped[str] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(primary_key=True)
    generation: Mapped[int] = mapped_column(BigInteger)
    n: Mapped[int] = mapped_column(BigInteger)
    mark: Mapped[str]
    made_at: Mapped[datetime]
    key_ids: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    size: Mapped[int] = mapped_column(BigInteger)


class FeedReader(Base):
    """Who may read which feeds; only the digest of its credential is kept."""

    __tablename__ = "feed_readers"

    name: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(unique=True)
    audiences: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
