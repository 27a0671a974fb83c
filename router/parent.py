"""The router's parent process: keeps the map in step with its source, and workers running that answer from it."""

import asyncio

from prometheus_client import REGISTRY, Gauge

from contracts.feed_client import Follower, Sources
from contracts.feed_disk import Disk
from contracts.feed_published import address_in
from contracts.placements import ROUTING
from contracts.placements_file import PlacementsFile
from contracts.records import WORKSPACE
from kit import logs, metrics
from kit.rowcounts import Counted
from kit.sockets import bound
from kit.stopping import stop_event
from kit.workers import Rows, Workers
from router.counts import TABLE
from router.records import FORM, packs
from router.settings import RouterSettings

SIZE = Gauge("cellcast_router_map_workspaces", "Workspaces in the map that answers")
BYTES = Gauge("cellcast_router_map_bytes", "Size of the map's file")
AGE = Gauge("cellcast_router_map_age_seconds", "Seconds since the registry made the map that answers")

log = logs.get("router")


def run(settings: RouterSettings, workers: int) -> None:
    """Answer until a signal says stop. Raises StoreBroken, OSError when that cannot begin."""
    bound(settings.bind, shared=False).close()  # whoever else is there would share every connection with us
    rows = Rows(workers)
    path = Disk.path_in(settings.folder, ROUTING)

    def arguments(number: int) -> list[str]:
        return ["-m", "router.worker", str(path), str(rows.shared), str(workers), str(number)]

    processes = Workers(rows, arguments)  # they load while the map is checked
    disk = Disk(settings.folder, ROUTING, FORM, packs(str(settings.go_url)))
    try:
        asyncio.run(_run(settings, processes, rows, disk))
    finally:
        disk.close()


async def _run(settings: RouterSettings, workers: Workers, rows: Rows, disk: Disk) -> None:
    stop = stop_event()
    SIZE.set_function(lambda: disk.store.count(WORKSPACE))
    BYTES.set_function(lambda: disk.path.stat().st_size)
    AGE.set_function(disk.store.age_s)
    REGISTRY.register(Counted(rows, TABLE))
    if settings.metrics_bind:
        metrics.serve(settings.metrics_bind)
    async with asyncio.TaskGroup() as tasks:
        following = tasks.create_task(_source(settings, disk).run())
        await workers.run(stop, lambda: log.info("ready", url=str(settings.go_url)))
        following.cancel()
    log.info("stopped")


def _source(settings: RouterSettings, disk: Disk) -> PlacementsFile | Follower:
    """What keeps the map in step."""
    if settings.snapshot_path is not None:
        return PlacementsFile(settings.snapshot_path, settings.registry_public_keys, disk)
    bucket, token = settings.published_bucket, settings.feed_token.get_secret_value()
    published = address_in(bucket, ROUTING) if bucket else None
    sources = Sources(str(settings.feed_url).rstrip("/"), token, published)
    return Follower(disk, ROUTING, settings.registry_public_keys, sources)
