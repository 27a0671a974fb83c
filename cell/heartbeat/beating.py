"""Telling the registry, for as long as the scheduler runs. A registry that is away hears it the next time."""

import asyncio
import contextlib

from cell.heartbeat.service import Load, measure
from cell.settings import CellSettings
from contracts.peers import REGISTRY, Peers
from contracts.placing import CELL_BEAT, Beat
from kit import logs
from kit.calls import Calls
from kit.database import Database
from kit.refusals import Refusal

BEAT_EVERY_S = 30  # a cell that is silent for five minutes gets no new workspaces
AGAIN_S = 3  # after one that was not heard
MEASURED_EVERY = 10  # beats; what is measured is of a whole day

log = logs.get("heartbeat")


async def beat_forever(settings: CellSettings, database: Database, stop: asyncio.Event) -> None:
    """Beat until told to stop; a cell that follows no registry has nobody to tell."""
    if settings.feed is None or settings.signing_key is None:
        return
    load, beats = Load(0, 0), 0
    async with Calls(settings.name, settings.signing_key, Peers([settings.feed.registry])) as calls:
        while not stop.is_set():
            try:
                if beats % MEASURED_EVERY == 0:
                    load = await measure(database)
                said = Beat(cell=settings.name, load=load.load, growth=load.growth)
                await calls.call(REGISTRY, CELL_BEAT, said)
                beats += 1
                wait_s = BEAT_EVERY_S
            except Exception as error:  # database or registry are away; the next beat tries again
                reason = error.slug if isinstance(error, Refusal) else type(error).__name__
                log.warning("not heard", reason=reason)
                wait_s = AGAIN_S
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), wait_s)
