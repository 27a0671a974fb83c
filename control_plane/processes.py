"""The control plane's long-running process: answers operators and consumers, publishes snapshots, tells cells."""

import asyncio

from contracts.peers import REGISTRY
from control_plane import calls, resources
from control_plane.app import make_app
from control_plane.feed.publisher import Publisher
from control_plane.ownership.teller import Teller
from control_plane.placement import fleet
from control_plane.placement.records import home_region
from control_plane.settings import ControlPlaneSettings
from kit import health, logs, loop, metrics, tracing
from kit.calls import Calls
from kit.serve import serve
from kit.stopping import stop_event

log = logs.get("control-plane")


async def run(settings: ControlPlaneSettings) -> None:
    """Answer until told to stop; polls that wait are let go then."""
    tracing.configure(settings.traces_url, settings.traces_share, "control-plane")
    if settings.metrics_bind:
        metrics.serve(settings.metrics_bind)
    stop = stop_event()
    async with (
        resources.opened(settings) as plane,
        loop.watched(),
        health.watched(plane.checks),
        asyncio.TaskGroup() as tasks,
    ):
        publisher = Publisher(plane.database, plane.snapshots, plane.buckets, home_region, settings.feed_keep)
        tasks.create_task(plane.bell.listen())
        tasks.create_task(publisher.run(settings.publish_every_s, stop))
        tasks.create_task(_ring_out(plane, stop))
        tasks.create_task(plane.peers.run(stop))
        tasks.create_task(_tell_owners(plane, stop))
        tasks.create_task(fleet.run(plane.database, stop))
        app = calls.make_answers(plane, plane.peers).in_front_of(make_app(plane))
        log.info("ready", url=settings.url)
        await serve(app, settings.bind, stop=stop)


async def _tell_owners(plane: resources.ControlPlane, stop: asyncio.Event) -> None:
    async with Calls(REGISTRY, plane.signing_keys[0], plane.peers) as made:
        await Teller(plane.database, made).run(stop)


async def _ring_out(plane: resources.ControlPlane, stop: asyncio.Event) -> None:
    await stop.wait()
    plane.bell.close()
