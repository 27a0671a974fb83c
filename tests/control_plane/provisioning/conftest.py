"""A region for tests: the registry and a cell, both answering calls on real servers, and who signs people up."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from quart import Quart
from sqlalchemy import func, select

from cell import calls as cell_calls
from cell.migrate import migrate as migrate_cell
from cell.people.models import Person
from cell.resources import Cell
from cell.resources import opened as opened_cell
from cell.settings import CellSettings
from cell.signup import service as cell_signup
from contracts.peers import Peer, PeerKind, Peers
from contracts.placements import Placement
from control_plane import calls as registry_calls
from control_plane.act import acting
from control_plane.app import make_app
from control_plane.peers import service as registry_peers
from control_plane.placement import service as placement
from control_plane.placement.models import PlacementRow, Workspace
from control_plane.resources import ControlPlane
from control_plane.resources import opened as opened_registry
from control_plane.settings import ControlPlaneSettings
from kit import serve
from kit.calls import Answers, Calls
from kit.ports import free_port
from kit.rounds import rounds
from kit.signing import SigningKey
from tests.control_plane.world import BY, World
from tests.kit.calls.echo import listens
from tests.servers.postgres import Postgres
from tests.waiting import eventually


@dataclass(frozen=True)
class Site:
    """The registry, the cell `eu-1`, and provisioning's way to call them."""

    registry: ControlPlane
    cell: Cell
    calls: Calls
    registry_calls: Calls
    peers: Peers
    key: SigningKey  # of provisioning
    feed: dict[str, object]  # settings of provisioning by which it follows its feed

    async def placements(self) -> list[Placement]:
        """Every workspace that the registry ever reserved, given up ones too."""
        async with self.registry.database.outside() as session:
            found = select(Workspace, PlacementRow).join(PlacementRow, PlacementRow.workspace_id == Workspace.id)
            rows = (await session.execute(found)).all()
        return [placement.placement_of(row[0], row[1]) for row in rows]

    async def admins(self, workspace_id: UUID) -> int:
        """How many people the workspace has in its cell; 0: it is not there."""
        if not await cell_signup.exists(self.cell.database, workspace_id):
            return 0
        async with self.cell.database.reading(workspace_id) as tx:
            return await tx.one(select(func.count()).select_from(Person))


@pytest.fixture(scope="module")
async def site(
    postgres: Postgres, redis_url: str, registry_template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    names = {"eu-1": (PeerKind.CELL, "eu"), "provisioning-eu": (PeerKind.PROVISIONING, "eu")}
    names |= {"control-plane": (PeerKind.CONTROL_PLANE, ""), "us-1": (PeerKind.CELL, "us")}
    keys = {name: SigningKey.new() for name in names}
    ports = {name: free_port() for name in names}
    peers = Peers(
        Peer(name, kind, region, f"http://{name}.localhost:{ports[name]}", (keys[name].public_text(),))
        for name, (kind, region) in names.items()
    )
    databases = [f"{what}_{secrets.token_hex(4)}" for what in ("registry", "cell")]
    postgres.create_database(databases[0], template=registry_template)
    postgres.create_database(databases[1])
    await asyncio.to_thread(migrate_cell, postgres.owner_dsn(databases[1]))
    async with AsyncExitStack() as stack:
        settings = _registry_settings(postgres.app_dsn(databases[0]), keys["control-plane"])
        registry = await stack.enter_async_context(opened_registry(settings))
        folder = tmp_path_factory.mktemp("scratch")
        cell_settings = _cell_settings(postgres.app_dsn(databases[1]), redis_url, folder)
        cell = await stack.enter_async_context(opened_cell(cell_settings, "test"))
        world = World(registry, Quart("none"))
        await world.add_cell("eu-1", capacity=1_000_000)
        beating = asyncio.create_task(
            rounds("beat", partial(world.beat, "eu-1"), stopped := asyncio.Event(), every_s=20)
        )
        stack.push_async_callback(asyncio.gather, beating)
        stack.callback(stopped.set)
        async with acting(registry.database, BY) as act:
            await registry_peers.add(act, _known(peers, "eu-1"))
            word = await registry_peers.add(act, _known(peers, "provisioning-eu"))
        answers = {
            "control-plane": registry_calls.make_answers(registry, peers),
            "eu-1": cell_calls.make_answers(cell, keys["eu-1"], peers),
        }
        apps = {"control-plane": make_app(registry), "eu-1": Quart("eu-1")}
        for name, one in answers.items():
            await stack.enter_async_context(answering(one, apps[name], ports[name]))
        calls = await stack.enter_async_context(Calls("provisioning-eu", keys["provisioning-eu"], peers))
        telling = await stack.enter_async_context(Calls("control-plane", keys["control-plane"], peers))
        feed = {"feed_url": _known(peers, "control-plane").url, "feed_token": word.text}
        feed["registry_public_keys"] = keys["control-plane"].public_text()
        yield Site(
            registry, cell, calls, telling, peers, keys["provisioning-eu"], {**feed, "state_dir": folder / "state"}
        )


def _known(peers: Peers, name: str) -> Peer:
    found = peers.get(name)
    assert found is not None
    return found


@asynccontextmanager
async def answering(answers: Answers, app: Quart, port: int) -> AsyncIterator[None]:
    """Answer calls, and with `app` the rest, on a port until the block ends."""
    stop = asyncio.Event()
    task = asyncio.create_task(serve.serve(answers.in_front_of(app), f"127.0.0.1:{port}", stop=stop))
    await eventually(lambda: listens(port), 5)
    yield
    stop.set()
    await task


def _registry_settings(dsn: str, key: SigningKey) -> ControlPlaneSettings:
    given = {"url": "http://control-plane.localhost", "go_url": "http://go.localhost", "database_url": dsn}
    return ControlPlaneSettings.model_validate({**given, "signing_key": key.to_text()})


def _cell_settings(dsn: str, redis_url: str, folder: Path) -> CellSettings:
    return CellSettings.model_validate(
        {
            "name": "eu-1",
            "region": "eu",
            "url": "http://eu-1.localhost",
            "go_url": "http://go.localhost",
            "database_url": dsn,
            "redis_url": redis_url,
            "s3_endpoint": "http://127.0.0.1:9",  # nothing here touches media
            "s3_bucket": "none",
            "s3_region": "none",
            "s3_access_key": "none",
            "s3_secret_key": "none",
            "master_key": secrets.token_hex(32),
            "scratch_dir": folder,
        }
    )
