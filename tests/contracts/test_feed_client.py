"""Following a feed over HTTP: from disk, from a published snapshot, from the control plane, and with nobody there."""

import asyncio
from collections.abc import AsyncIterator, MutableMapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from contracts.feed import LARGEST_BATCH, Record
from contracts.feed_client import Follower, Sources
from contracts.feed_disk import Disk
from kit.signing import SigningKey
from tests.contracts.registry import Behind, Registry, SnapshotNeeded
from tests.waiting import eventually


@dataclass
class ControlPlane:
    """A registry behind HTTP that can go away, answer late, or answer nonsense."""

    registry: Registry = field(default_factory=Registry)
    away: bool = False
    nonsense: bytes = b""
    most: int = 2000
    asked: list[str] = field(default_factory=list)
    published: bytes = b""
    url: str = ""
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def change(self, key: str, record: Record | None) -> None:
        self.registry.say("workspace", key, record)
        self.news.set()

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        if request.path == "/published":
            return web.Response(body=self.published) if self.published else web.Response(status=404)
        assert request.headers["Authorization"] == "Bearer word"
        if self.away:
            return web.Response(status=503)
        if self.nonsense:
            return web.Response(body=self.nonsense)
        if request.path == "/snapshots/routing":
            return web.Response(body=self.registry.snapshot())
        assert request.path == "/feeds/routing"
        after, generation = int(request.query["after"]), int(request.query["generation"])
        if (generation, after) == (self.registry.generation, self.registry.n):
            self.news.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.news.wait(), min(float(request.query["wait"]), 5))
        try:
            return web.Response(body=self.registry.batch(generation, after, self.most))
        except SnapshotNeeded:
            return web.Response(status=410)
        except Behind:
            return web.Response(status=409)


@pytest.fixture
async def plane() -> AsyncIterator[ControlPlane]:
    made = ControlPlane()
    made.registry.say("workspace", "a", [1])
    app = web.Application()
    app.router.add_get("/{rest:.*}", made.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    made.news.set()
    await runner.cleanup()


def pack(key: str, record: Record) -> bytes:
    if record == ["bad"]:
        raise ValueError("a bad record")
    return str(record).encode()


@asynccontextmanager
async def following(plane: ControlPlane, folder: Path, *, published: bool = True) -> AsyncIterator[Disk]:
    disk = Disk(folder, "routing", "test 1", {"workspace": pack})
    sources = Sources(plane.url, "word", (lambda: f"{plane.url}/published") if published else None)
    task = asyncio.create_task(Follower(disk, "routing", plane.registry.public_keys, sources).run())
    try:
        yield disk
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        disk.close()


def holds(disk: Disk, plane: ControlPlane) -> bool:
    held = disk.store.held
    return held is not None and held.mark == plane.registry.marks[-1]


def gave_reason(lines: Sequence[MutableMapping[str, Any]], words: str) -> bool:
    return any(words in str(line.get("reason")) for line in lines)


def refused_more_than(before: float) -> bool:
    return sample("cellcast_feed_failed_total", why="refused") > before


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, {"audience": "routing", **labels}) or 0.0


async def test_it_begins_with_the_published_snapshot_and_follows(plane: ControlPlane, tmp_path: Path) -> None:
    plane.published = plane.registry.snapshot()
    plane.change("b", [2])
    async with following(plane, tmp_path) as disk:
        await eventually(lambda: holds(disk, plane), 10)
        assert plane.asked[0] == "/published"
        assert "/snapshots/routing" not in plane.asked
        for number in range(20):
            plane.change("c", [number])
            plane.change("a", None)
        await eventually(lambda: holds(disk, plane), 10)
        assert disk.store.items("workspace") == {"b": b"[2]", "c": b"[19]"}
        assert sample("cellcast_feed_position") == plane.registry.n
        await eventually((tmp_path / "routing.kept").exists, 10)


async def test_with_the_control_plane_gone_it_starts_from_the_bucket(plane: ControlPlane, tmp_path: Path) -> None:
    plane.published, plane.away = plane.registry.snapshot(), True
    async with following(plane, tmp_path) as disk:
        await eventually(lambda: holds(disk, plane), 10)
        await eventually(lambda: sample("cellcast_feed_failed_total", why="away") > 0, 10)
        assert disk.store.items("workspace") == {"a": b"[1]"}


async def test_without_a_bucket_it_starts_from_the_control_plane(plane: ControlPlane, tmp_path: Path) -> None:
    for published in (True, False):
        async with following(plane, tmp_path / str(published), published=published) as disk:
            await eventually(partial(holds, disk, plane), 10)


async def test_on_disk_it_needs_nobody_and_goes_on_when_somebody_is_back(plane: ControlPlane, tmp_path: Path) -> None:
    async with following(plane, tmp_path) as disk:
        await eventually(lambda: holds(disk, plane), 10)
    plane.away = True
    with capture_logs() as lines:
        async with following(plane, tmp_path) as disk:
            assert disk.store.items("workspace") == {"a": b"[1]"}
            asked = len(plane.asked)
            await eventually(lambda: len(plane.asked) > asked + 2, 10)
            plane.away = False
            plane.change("b", [2])
            await eventually(lambda: holds(disk, plane), 10)
            await eventually(lambda: len(lines) == 2, 10)
    assert [line["event"] for line in lines] == ["feed not followed", "feed followed again"]


async def test_a_compacted_log_and_a_raised_generation_are_answered_with_a_snapshot(
    plane: ControlPlane, tmp_path: Path
) -> None:
    async with following(plane, tmp_path) as disk:
        await eventually(lambda: holds(disk, plane), 10)
    for number in range(10):
        plane.change("b", [number])
    plane.registry.floor = 9
    async with following(plane, tmp_path) as disk:
        await eventually(lambda: holds(disk, plane), 10)
        plane.registry.raise_generation()
        plane.change("a", [7])
        await eventually(lambda: holds(disk, plane), 10)
        assert disk.store.items("workspace") == {"a": b"[7]", "b": b"[9]"}
    assert plane.asked.count("/snapshots/routing") == 3


async def test_a_restored_registry_is_refused_until_its_generation_is_raised(
    plane: ControlPlane, tmp_path: Path
) -> None:
    plane.change("b", [2])
    with capture_logs() as lines:
        async with following(plane, tmp_path) as disk:
            await eventually(lambda: holds(disk, plane), 10)
            before = disk.store.held
            plane.registry = Registry(keys=plane.registry.keys, seconds=100)
            plane.news.set()
            for wanted in ("behind what is held", "another history"):
                await eventually(partial(gave_reason, lines, wanted), 10)
                for number in range(3):
                    plane.change("x", [number])
            assert disk.store.items("workspace") == {"a": b"[1]", "b": b"[2]"}
            assert disk.store.held is not None
            assert before is not None
            assert disk.store.held.mark == before.mark
            plane.registry.raise_generation()
            await eventually(lambda: holds(disk, plane), 10)
            assert disk.store.items("workspace") == {"x": b"[2]"}


async def test_what_does_not_count_changes_nothing(plane: ControlPlane, tmp_path: Path) -> None:
    async with following(plane, tmp_path) as disk:
        await eventually(lambda: holds(disk, plane), 10)
        forged = Registry(keys=[SigningKey.new()])
        for number in range(3):
            forged.say("workspace", "a", ["forged", number])
        other = Registry(audience="cell/eu-1", keys=plane.registry.keys)
        batches = (b"nonsense", b"", forged.batch(1, 1), other.batch(1, 0), b"x" * (LARGEST_BATCH + 1))
        for nonsense in batches:
            before = sample("cellcast_feed_failed_total", why="refused")
            plane.nonsense = nonsense or b"\n"
            plane.news.set()
            await eventually(partial(refused_more_than, before), 10)
        assert disk.store.items("workspace") == {"a": b"[1]"}
        plane.nonsense = b""
        plane.change("b", [1])
        await eventually(lambda: holds(disk, plane), 10)


async def test_a_record_that_cannot_be_used_is_not_taken_and_said(plane: ControlPlane, tmp_path: Path) -> None:
    with capture_logs() as lines:
        async with following(plane, tmp_path) as disk:
            await eventually(lambda: holds(disk, plane), 10)
            plane.change("b", ["bad"])
            await eventually(partial(gave_reason, lines, "a bad record"), 10)
            assert disk.store.items("workspace") == {"a": b"[1]"}


async def test_nobody_at_all_is_borne_with_patience(plane: ControlPlane, tmp_path: Path) -> None:
    registry, plane.url = plane.registry, "http://127.0.0.1:9"
    disk = Disk(tmp_path, "routing", "test 1", {"workspace": pack})
    follower = Follower(disk, "routing", registry.public_keys, Sources(plane.url, "word"))
    before = sample("cellcast_feed_failed_total", why="away")
    task = asyncio.create_task(follower.run())
    await eventually(lambda: sample("cellcast_feed_failed_total", why="away") > before + 2, 10)
    assert (disk.store.held, disk.store.age_s()) == (None, 0.0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    disk.close()


async def test_many_events_are_caught_up_batch_by_batch(plane: ControlPlane, tmp_path: Path) -> None:
    async with following(plane, tmp_path) as disk:
        await eventually(lambda: holds(disk, plane), 10)
    for number in range(500):
        plane.change(f"key{number}", [number])
    plane.most = 50
    async with following(plane, tmp_path) as disk:
        await eventually(lambda: holds(disk, plane), 10)
        assert disk.store.count("workspace") == 501
        await eventually(lambda: sample("cellcast_feed_behind") == 0, 10)
