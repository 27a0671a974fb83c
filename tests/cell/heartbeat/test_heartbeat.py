"""What a cell tells the registry of its load."""

import asyncio
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from quart import Quart
from sqlalchemy import update

from cell.heartbeat import beating, service
from cell.recordings.models import Recording
from cell.settings import CellSettings
from contracts.operations import Home, May
from contracts.peers import REGISTRY, Peer, PeerKind, Peers
from contracts.placing import CELL_BEAT, Beat
from contracts.said import Done
from kit import serve
from kit.calls import Answers, Caller
from kit.database import now
from kit.ports import free_port
from kit.signing import PublicKeys, SigningKey
from tests.cell.recordings.sending import Sending, begun
from tests.cell.world import World
from tests.kit.calls.echo import Memory, listens
from tests.waiting import eventually


async def _backdate(world: World, sending: Sending, by: timedelta) -> None:
    async with world.cell.database.writing(sending.workspace.id) as tx:
        await tx.execute(update(Recording).where(Recording.id == sending.id).values(created_at=now() - by))


async def test_the_load_is_of_the_last_day_in_every_workspace_and_growth_against_last_week(world: World) -> None:
    before = await service.measure(world.cell.database)
    one, other = await world.found(), await world.found()
    for workspace in (one, one, other):
        await begun(world, workspace)
    await _backdate(world, await begun(world, other), timedelta(days=7, hours=12))
    await _backdate(world, await begun(world, other), timedelta(days=3))

    after = await service.measure(world.cell.database)

    assert after.load - before.load == pytest.approx(3 / service.UNIT)
    assert after.growth - before.growth == pytest.approx((3 - 1) / service.UNIT / 7)


def test_only_the_busiest_workspaces_have_a_series() -> None:
    begun = {uuid4(): number for number in range(1000)}
    service._show(begun)
    shown = list(next(iter(service.BUSIEST.collect())).samples)
    assert sorted(sample.value for sample in shown) == list(range(990, 1000))
    service._show({})
    assert not next(iter(service.BUSIEST.collect())).samples


class _Nowhere:
    async def home(self, workspace_id: UUID) -> Home | None:
        return None


async def test_the_registry_hears_of_it_once_it_is_there(
    world: World, cell_settings: CellSettings, tmp_path: Path
) -> None:
    registry, key, port = SigningKey.new(), SigningKey.new(), free_port()
    settings = cell_settings.model_copy(
        update={
            "signing_key": key,
            "registry_public_keys": PublicKeys.from_text(registry.public_text()),
            "feed_url": f"http://127.0.0.1:{port}",
            "state_dir": tmp_path,
        }
    )
    peers = Peers([Peer("eu-1", PeerKind.CELL, "eu", "", (key.public_text(),))])
    may = May(peers, kind=PeerKind.CONTROL_PLANE, region="", homes=_Nowhere())
    answers, heard = Answers(REGISTRY, registry, peers, Memory(), may), []

    @answers.to(CELL_BEAT)
    async def beat(by: Caller, said: Beat) -> Done:
        heard.append((by.name, said))
        return Done()

    stop = asyncio.Event()
    app = answers.in_front_of(Quart("registry"))
    answering = asyncio.create_task(serve.serve(app, f"127.0.0.1:{port}", stop=stop))
    await eventually(lambda: listens(port), 5)
    beating_on = asyncio.create_task(beating.beat_forever(settings, world.cell.database, stop))
    await eventually(lambda: bool(heard), 10)
    stop.set()
    await asyncio.gather(answering, beating_on)

    load = await service.measure(world.cell.database)
    assert heard[0] == ("eu-1", Beat(cell="eu-1", load=load.load, growth=load.growth))


async def test_a_cell_that_follows_no_registry_tells_nobody(world: World, cell_settings: CellSettings) -> None:
    await asyncio.wait_for(beating.beat_forever(cell_settings, world.cell.database, asyncio.Event()), 60)
