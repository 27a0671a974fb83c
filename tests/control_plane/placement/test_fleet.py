"""The registry's cells as metrics: those that are there, and how long each has been silent."""

from datetime import timedelta

from prometheus_client import Gauge
from sqlalchemy import update

from control_plane.act import acting
from control_plane.placement import cells, fleet
from control_plane.placement.models import Cell
from kit.database import now
from tests.control_plane.world import BY, World


def shown(gauge: Gauge) -> dict[str, float]:
    return {sample.labels["member"]: sample.value for sample in next(iter(gauge.collect())).samples}


async def test_each_living_cell_is_shown(world: World) -> None:
    for name in ("eu-1", "eu-2", "us-1"):
        await world.add_cell(name, 500)
    await world.reserve("us")
    async with world.plane.database.outside() as session:
        silent = {"heard_at": now() - timedelta(minutes=5), "measured": 40.0}
        await session.execute(update(Cell).where(Cell.name == "eu-1").values(**silent))
    async with acting(world.plane.database, BY) as act:
        for change in ("cordon", "retire"):
            await cells.transition(act, "eu-2", change, "test")

    await fleet.measure(world.plane.database)

    assert shown(fleet.CAPACITY) == {"eu-1": 500, "us-1": 500}
    assert shown(fleet.WORKSPACES) == {"eu-1": 0, "us-1": 1}
    assert shown(fleet.LOAD)["eu-1"] == 40
    silent_for = shown(fleet.SILENT)
    assert 300 <= silent_for["eu-1"] < 360 and silent_for["us-1"] < 60
