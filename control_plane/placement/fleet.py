"""The fleet in numbers: what the registry knows of each cell, as metrics of the control plane."""

import asyncio

from prometheus_client import Gauge
from sqlalchemy import select

from control_plane.placement.models import Cell
from control_plane.placement.service import facts_of
from control_plane.placement.states import CellState
from kit.database import Database, now
from kit.rounds import rounds

LOOK_EVERY_S = 10.0

# `member` is a cell; `cell` is whose metrics these are, here the control plane's.
SILENT = Gauge("cellcast_fleet_heartbeat_age_seconds", "Seconds since a cell was heard of last", ["member"])
LOAD = Gauge("cellcast_fleet_load_units", "Load of a cell, as placement goes by it", ["member"])
CAPACITY = Gauge("cellcast_fleet_capacity_units", "What a cell may carry", ["member"])
WORKSPACES = Gauge("cellcast_fleet_workspaces", "Living workspaces of a cell", ["member"])


async def measure(database: Database) -> None:
    """Set the gauges. A retired cell is no longer shown, and neither is the age of one that was never heard of."""
    moment = now()
    async with database.outside() as session:
        cells = (await session.scalars(select(Cell).where(Cell.state != CellState.RETIRED))).all()
    for gauge in (SILENT, LOAD, CAPACITY, WORKSPACES):
        gauge.clear()
    for cell in cells:
        LOAD.labels(cell.name).set(facts_of(cell).load)
        CAPACITY.labels(cell.name).set(cell.capacity)
        WORKSPACES.labels(cell.name).set(cell.workspaces)
        if cell.heard_at is not None:
            SILENT.labels(cell.name).set((moment - cell.heard_at).total_seconds())


async def run(database: Database, stop: asyncio.Event) -> None:
    """Measure until told to stop."""
    await rounds("measure the fleet", lambda: measure(database), stop, every_s=LOOK_EVERY_S)
