"""A real router behind a real control plane: it follows, starts without it, and hears of a restore."""

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from contracts.domains import digest
from contracts.links import new_secret
from contracts.placements import Placement
from control_plane.act import acting
from control_plane.app import make_app
from control_plane.audit.service import BOOTSTRAP, process
from control_plane.domains import service as domains
from control_plane.feed import log, readers
from control_plane.feed.publisher import Publisher
from control_plane.migrate import migrate
from control_plane.placement.records import home_region
from control_plane.placement.states import Change
from control_plane.resources import opened
from control_plane.settings import ControlPlaneSettings
from kit.ports import free_port
from kit.serve import serve
from kit.signing import SigningKey
from kit.storage import Bucket, S3Config
from tests.control_plane.world import BY, World
from tests.router.running import Running, running
from tests.servers.postgres import Postgres


@dataclass
class Global:
    """A control plane that can be switched off, and what a router needs to follow it."""

    world: World
    port: int
    token: str
    bucket: S3Config
    stop: asyncio.Event | None = None
    serving: "asyncio.Task[None] | None" = None

    def start(self) -> None:
        self.stop = asyncio.Event()
        self.serving = asyncio.create_task(serve(self.world.app, f"127.0.0.1:{self.port}", stop=self.stop))

    async def end(self) -> None:
        """Stop answering; polls that wait are let go."""
        if self.stop is not None and self.serving is not None:
            self.stop.set()
            self.world.plane.bell.close()
            await self.serving
            self.stop = None

    async def publish(self) -> None:
        async with Bucket(self.bucket) as bucket:
            plane = self.world.plane
            await Publisher(plane.database, plane.snapshots, {"eu": bucket}, home_region, 1000).round()

    def settings(self, folder: Path) -> dict[str, object]:
        at = self.bucket
        access = {name: getattr(at, name) for name in ("endpoint", "bucket", "region", "access_key", "secret_key")}
        return {
            "FEED_URL": f"http://127.0.0.1:{self.port}",
            "FEED_TOKEN": self.token,
            "STATE_DIR": folder / "state",
            "PUBLISHED_BUCKET": json.dumps(access),
        }

    @property
    def key(self) -> SigningKey:
        return self.world.plane.signing_keys[0]


@pytest.fixture
async def plane(postgres: Postgres, s3_bucket: S3Config) -> AsyncIterator[Global]:
    name = postgres.create_database(f"router{free_port()}")
    await asyncio.to_thread(migrate, postgres.owner_dsn(name))
    port = free_port()
    settings = {
        "url": f"http://127.0.0.1:{port}",
        "go_url": "http://go.localhost",
        "database_url": postgres.app_dsn(name),
        "signing_key": SigningKey.new().to_text(),
    }
    async with opened(ControlPlaneSettings.model_validate(settings)) as made:
        listening = asyncio.create_task(made.bell.listen())
        async with acting(made.database, BOOTSTRAP) as act:
            word = await readers.issue(act, "router", ["routing"])
        control = Global(World(made, make_app(made)), port, word.text, s3_bucket)
        await control.world.add_cell("eu-1")
        control.start()
        yield control
        await control.end()
        listening.cancel()
    postgres.drop_database(name)


@asynccontextmanager
async def router(plane: Global, folder: Path, workers: int = 1, **settings: str) -> AsyncIterator[Running]:
    manager = running(folder, plane.key, workers, **plane.settings(folder), **settings)
    made = await asyncio.to_thread(manager.__enter__)
    try:
        yield made
    finally:
        await asyncio.to_thread(manager.__exit__, None, None, None)


async def leads(router: Running, at: Placement, status: int = 302, within_s: float = 20) -> float:
    """How long it took until the router answers like this."""
    begun = time.monotonic()
    path = f"/{at.key}-{new_secret(at.key)}"
    await asyncio.to_thread(router.wait_until, path, status, within_s)
    return time.monotonic() - begun


async def test_a_new_workspace_is_known_at_once_and_what_becomes_of_it(plane: Global, tmp_path: Path) -> None:
    first = await plane.world.active()
    async with router(plane, tmp_path, workers=2) as at:
        await leads(at, first)
        took = []
        for _ in range(5):
            made = await plane.world.active()
            took.append(await leads(at, made, within_s=5))
            await plane.world.change(made.key, Change.SUSPEND)
            await leads(at, made, 403, within_s=5)
        assert min(took) < 1, took
        assert await asyncio.to_thread(at.metric, 'cellcast_feed_behind{audience="routing"}') == 0


async def test_a_domain_that_was_verified_leads_on_within_a_second_and_with_the_control_plane_gone(
    plane: Global, tmp_path: Path
) -> None:
    first, second = await plane.world.active(), await plane.world.active()
    key = b"k" * 32

    async def verified(at: Placement, *names: str) -> None:
        digests = [digest(key, name) for name in names]
        await domains.set_domains(plane.world.plane.database, process(at.cell), at.workspace_id, digests)

    async def led(at: Running, domain: str, status: int) -> float:
        begun = time.monotonic()
        await asyncio.to_thread(at.wait_until, f"/sign-in?domain={domain}", status)
        return time.monotonic() - begun

    async with router(plane, tmp_path, DOMAIN_KEY=key.hex()) as at:
        await leads(at, first)
        took = []
        for name in ("acme.example", "globex.example", "initech.example"):
            await verified(first, name)
            took.append(await led(at, name, 302))
        assert min(took) < 1, took
        answer, _ = await asyncio.to_thread(at.ask, "/sign-in?domain=initech.example")
        assert answer.headers["Location"].endswith(f"/w/{first.key}/sign-in")
        await verified(second, "initech.example")
        await led(at, "initech.example", 200)
        await plane.world.change(second.key, Change.DELETE)
        await led(at, "initech.example", 302)
    await plane.end()
    async with router(plane, tmp_path, DOMAIN_KEY=key.hex()) as at:
        await led(at, "initech.example", 302)
        assert b"initech" not in (tmp_path / "log").read_bytes()
        assert b"initech" not in (tmp_path / "state" / "routing.mdb").read_bytes()


async def test_it_starts_from_disk_and_from_the_bucket_while_the_control_plane_is_gone(
    plane: Global, tmp_path: Path
) -> None:
    first = await plane.world.active()
    await plane.publish()
    async with router(plane, tmp_path) as at:
        await leads(at, first)
    await plane.end()
    async with router(plane, tmp_path) as at:
        await leads(at, first)
        _, said = await asyncio.to_thread(at.ask, "/readyz")
        assert json.loads(said)["ready"] is True
    shutil.rmtree(tmp_path / "state")
    async with router(plane, tmp_path) as at:
        await leads(at, first)
        second = await plane.world.active()
        plane.start()
        await leads(at, second)


async def test_after_a_raised_generation_it_follows(plane: Global, tmp_path: Path) -> None:
    first = await plane.world.active()
    async with router(plane, tmp_path) as at:
        await leads(at, first)
        async with acting(plane.world.plane.database, BY) as act:
            await log.raise_generation(act.session)
        second = await plane.world.active()
        await leads(at, second)
        assert await leads(at, first) < 1
