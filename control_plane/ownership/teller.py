"""Tells cells what they own: soon after each change, and again until they have answered."""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import timedelta

from prometheus_client import Gauge
from sqlalchemy import delete, func, select, update

from contracts.placements import State
from contracts.placing import OWNERSHIP_SET, SetOwnership
from control_plane.ownership.models import OwnershipUntold
from control_plane.placement.models import PlacementRow
from kit import logs
from kit.calls import Calling
from kit.database import Database, now
from kit.refusals import NotFound, Refusal

LOOK_EVERY_S = 0.2  # a freeze or a suspension is felt in the cell within a second
AT_ONCE = 10
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 60.0

UNTOLD = Gauge("cellcast_ownership_untold", "Placements that their cells have not been told of yet")

log = logs.get("ownership")


class Teller:
    """Tells. Of several at once each does no harm: a cell takes only what is later than what it holds."""

    def __init__(self, database: Database, calls: Calling) -> None:
        self._database = database
        self._calls = calls

    async def run(self, stop: asyncio.Event) -> None:
        """Tell until told to stop. A database that is away is waited for."""
        while not stop.is_set():
            try:
                while await self.round():
                    pass
            except Refusal as refusal:
                log.warning("nothing can be told", reason=refusal.slug)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_EVERY_S)

    async def round(self) -> int:
        """Tell what is due, at most AT_ONCE; how many cells have answered."""
        due = select(PlacementRow).join(OwnershipUntold, OwnershipUntold.workspace_id == PlacementRow.workspace_id)
        due = due.where(OwnershipUntold.due <= now()).order_by(OwnershipUntold.due).limit(AT_ONCE)
        async with self._database.outside() as session:
            rows: Sequence[PlacementRow] = (await session.scalars(due)).all()
            UNTOLD.set(await session.scalar(select(func.count()).select_from(OwnershipUntold)) or 0)
        return sum(await asyncio.gather(*(self._tell(row) for row in rows)))

    async def _tell(self, row: PlacementRow) -> bool:
        said = SetOwnership(workspace_id=row.workspace_id, epoch=row.epoch, version=row.version, state=State(row.state))
        try:
            await self._calls.call(row.cell, OWNERSHIP_SET, said)
        except Refusal as refusal:
            gone = isinstance(refusal, NotFound) and said.state is State.DELETED  # it never was there
            if not gone:
                await self._try_later(said, refusal)
                return False
        await self._told(said)
        return True

    async def _told(self, said: SetOwnership) -> None:
        """Strike it off, unless it has changed meanwhile."""
        held = OwnershipUntold
        same = (held.workspace_id == said.workspace_id, held.epoch == said.epoch, held.version == said.version)
        async with self._database.outside() as session:
            await session.execute(delete(held).where(*same))

    async def _try_later(self, said: SetOwnership, refusal: Refusal) -> None:
        held = OwnershipUntold
        same = (held.workspace_id == said.workspace_id, held.epoch == said.epoch, held.version == said.version)
        async with self._database.outside() as session:
            tries = await session.scalar(update(held).where(*same).values(tries=held.tries + 1).returning(held.tries))
            pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(tries or 0, 10))
            await session.execute(update(held).where(*same).values(due=now() + timedelta(seconds=pause)))
        log.warning("not told", workspace_id=str(said.workspace_id), reason=refusal.slug, again_s=pause)
