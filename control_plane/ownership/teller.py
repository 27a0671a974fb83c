"""Tells cells what they own: soon after each change, and again until they have answered."""

import asyncio
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
from kit.refusals import Kind, NotFound, Refusal
from kit.rounds import rounds

LOOK_EVERY_S = 0.2  # a freeze or a suspension is felt in the cell within a second
AT_ONCE = 10
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 60.0

UNTOLD = Gauge("cellcast_ownership_untold", "Placements that their cells have not been told of yet")

log = logs.get("ownership")


class CellIsAhead(Refusal):
    """The cell holds something later than the registry, so what was said changed nothing there."""

    kind = Kind.CONFLICT
    title = "The cell holds a later ownership than the registry"
    detail = "Was the registry restored? The cell takes only what is later than what it holds."


class Teller:
    """Tells. Of several at once each does no harm: a cell takes only what is later than what it holds."""

    def __init__(self, database: Database, calls: Calling) -> None:
        self._database = database
        self._calls = calls

    async def run(self, stop: asyncio.Event) -> None:
        """Tell until told to stop, each cell by itself: none waits for another that does not answer."""
        telling: dict[str, asyncio.Task[None]] = {}

        async def look() -> None:
            for cell in await self._cells_due():
                if cell not in telling or telling[cell].done():
                    telling[cell] = asyncio.create_task(self._tell_cell(cell))

        await rounds("tell cells what they own", look, stop, every_s=LOOK_EVERY_S)
        for task in telling.values():
            task.cancel()
        await asyncio.gather(*telling.values(), return_exceptions=True)

    async def round(self, cell: str | None = None) -> int:
        """Tell what is due, of one cell or of all, at most AT_ONCE; how many of them were taken."""
        due = select(PlacementRow).join(OwnershipUntold, OwnershipUntold.workspace_id == PlacementRow.workspace_id)
        due = due.where(OwnershipUntold.due <= now()).order_by(OwnershipUntold.due).limit(AT_ONCE)
        if cell is not None:
            due = due.where(PlacementRow.cell == cell)
        async with self._database.outside() as session:
            rows: Sequence[PlacementRow] = (await session.scalars(due)).all()
        return sum(await asyncio.gather(*(self._tell(row) for row in rows)))

    async def _cells_due(self) -> Sequence[str]:
        """Cells that have something to be told now."""
        due = func.count().filter(OwnershipUntold.due <= now())
        untold = select(PlacementRow.cell, func.count(), due).group_by(PlacementRow.cell)
        untold = untold.join(OwnershipUntold, OwnershipUntold.workspace_id == PlacementRow.workspace_id)
        async with self._database.outside() as session:
            rows = (await session.execute(untold)).all()
        UNTOLD.set(sum(waiting for _, waiting, _ in rows))
        return [cell for cell, _, now_due in rows if now_due]

    async def _tell_cell(self, cell: str) -> None:
        try:
            while await self.round(cell):
                pass
        except Exception as error:  # whatever it is, the next look begins again
            log.error("nothing told", cell=cell, exc_info=error)

    async def _tell(self, row: PlacementRow) -> bool:
        said = SetOwnership(workspace_id=row.workspace_id, epoch=row.epoch, version=row.version, state=State(row.state))
        try:
            held = await self._calls.call(row.cell, OWNERSHIP_SET, said)
            if (held.epoch, held.version, held.state) != (said.epoch, said.version, said.state):
                raise CellIsAhead
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
            if tries is None:  # it has changed meanwhile: that is what is told next
                return
            pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(tries, 10))
            await session.execute(update(held).where(*same).values(due=now() + timedelta(seconds=pause)))
        log.warning("not told", workspace_id=str(said.workspace_id), reason=refusal.slug, again_s=pause)
