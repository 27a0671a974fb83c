"""Telling the registry, for as long as the scheduler runs. A registry that is away hears it the next time."""

import asyncio

from cell.heartbeat.service import Load, measure
from cell.settings import CellSettings
from contracts.peers import REGISTRY, Peers
from contracts.placing import CELL_BEAT, Beat
from kit.calls import Calls
from kit.database import Database
from kit.rounds import rounds

BEAT_EVERY_S = 30  # a cell that is silent for two minutes gets no new workspaces
AGAIN_S = 1  # after one that was not heard
MEASURED_EVERY = 10  # beats; what is measured is of a whole day


async def beat_forever(settings: CellSettings, database: Database, stop: asyncio.Event) -> None:
    """Beat until told to stop; a cell that follows no registry has nobody to tell."""
    if settings.feed is None or settings.signing_key is None:
        return
    load, beats = Load(0, 0), 0
    async with Calls(settings.name, settings.signing_key, Peers([settings.feed.registry])) as calls:

        async def beat() -> None:
            nonlocal load, beats
            if beats % MEASURED_EVERY == 0:
                load = await measure(database)
            await calls.call(REGISTRY, CELL_BEAT, Beat(cell=settings.name, load=load.load, growth=load.growth))
            beats += 1

        await rounds("beat", beat, stop, every_s=BEAT_EVERY_S, again_s=AGAIN_S)
