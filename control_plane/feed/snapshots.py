"""Snapshots of a feed: every record of an audience, at exactly one position of its log, signed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from contracts import feed
from control_plane.feed import log
from control_plane.feed.models import FeedHead
from kit.database import Database, now
from kit.refusals import NotFound
from kit.signing import SigningKey

# A noun's records of an audience, each as `feed.member_json` writes it, in pages, so that a million of them leave room
# for other work.
Pages = AsyncIterator[Sequence[str]]


@dataclass(frozen=True)
class Source:
    """What stands in snapshots under `kind`; `pages` reads it inside the snapshot's transaction."""

    kind: str
    pages: Callable[[AsyncSession, str], Pages]


@dataclass(frozen=True)
class Made:
    """A signed snapshot and the position it was made at."""

    audience: str
    generation: int
    n: int
    mark: str
    raw: bytes


class Snapshots:
    """Makes snapshots, each once for all who ask while it still leads into the log."""

    def __init__(self, database: Database, sources: Sequence[Source], keys: Sequence[SigningKey]) -> None:
        self._database = database
        self._sources = sources
        self.keys = keys
        self._made: dict[str, Made] = {}
        self._making: dict[str, asyncio.Lock] = {}

    async def serve(self, audience: str) -> Made:
        """A snapshot from which the log can be read on, a kept one if possible. Raises NotFound."""
        async with self._making.setdefault(audience, asyncio.Lock()):
            async with self._database.outside() as session:
                if not await session.get(FeedHead, audience):
                    raise NotFound
                kept = self._made.get(audience)
                # By its mark: after a restore of the registry the same number may stand for something else.
                if kept is not None and kept.mark == await log.mark_at(session, audience, kept.generation, kept.n):
                    return kept
            return await self.make(audience)

    async def make(self, audience: str) -> Made:
        """A snapshot of the present state, kept for those who ask. Raises NotFound."""
        kinds: list[tuple[str, list[str]]] = []
        async with self._database.outside() as session:
            await log.one_view(session)
            head = await session.get(FeedHead, audience)
            if head is None:
                raise NotFound
            for source in self._sources:
                members: list[str] = []
                async for page in source.pages(session, audience):
                    members += page
                kinds.append((source.kind, members))
        raw = await asyncio.to_thread(
            feed.encode_snapshot, audience, head.generation, head.n, head.mark, now(), kinds, self.keys
        )
        made = self._made[audience] = Made(audience, head.generation, head.n, head.mark, raw)
        return made
