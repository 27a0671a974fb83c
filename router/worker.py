"""One of the processes that answer. Started by router/parent.py, which keeps the map; ends when that does."""

import asyncio
import sys
from pathlib import Path

from contracts.feed_store import StoreBroken
from kit import logs, tracing
from kit.http.server import Bounds, Server
from kit.sockets import listening
from kit.stopping import stop_event
from kit.workers import READY, Rows, lifeline
from router.app import create
from router.counts import CUT, OPEN
from router.map import SharedMap
from router.settings import RouterSettings

ANSWER_S = 10.0  # every answer is at hand


async def run(settings: RouterSettings, path: Path, counts: memoryview) -> None:
    """Answer until a signal says stop, or the parent is gone."""
    stop = stop_event()
    if not await lifeline(stop):
        return
    tracing.configure(settings.traces_url, settings.traces_share, "router")
    key = settings.domain_key.get_secret_value() if settings.domain_key else None
    door = create(settings, SharedMap(path, key), counts)

    def connections(number: int) -> None:
        counts[OPEN] = number

    def cut() -> None:
        counts[CUT] += 1

    bounds = Bounds(answer_s=ANSWER_S, per_address=settings.connections_per_address)
    server = Server(door, bounds, door.trusts, connections, cut)
    at = listening(settings.bind, shared=True)
    counts[READY] = 1
    await server.serve(at, stop)


def main(path: str, shared: str, workers: str, number: str) -> None:
    """What the parent calls: the map's path, the rows and how many they are, our own."""
    settings = RouterSettings.load()
    logs.configure(settings.log_level, process="router", worker=number)
    row = Rows(int(workers), int(shared)).rows[int(number)]
    row[READY] = row[OPEN] = 0
    try:
        asyncio.run(run(settings, Path(path), row))
    except StoreBroken as broken:
        sys.exit(str(broken))
    finally:
        row[READY] = row[OPEN] = 0


if __name__ == "__main__":
    main(*sys.argv[1:])
