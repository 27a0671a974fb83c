"""The router's figures: what leading a link to its cell costs above the server that it runs on."""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from uuid import uuid4

from contracts.keys import new_key
from contracts.links import new_secret
from contracts.placements import ROUTING, CellAddress, Placement, Snapshot, State, write_snapshot
from kit.signing import SigningKey
from loadtest.bench.figures import Unmeasurable, figure
from loadtest.bench.load import get

WORKSPACES = 1000
ROUNDS = 60  # of each server, taking turns; short, so that many of them are undisturbed
REQUESTS = 500  # a round
_BEGUN = b"HTTP/1.1 302"


@dataclass(frozen=True)
class Server:
    """A server process that listens."""

    port: int
    process: subprocess.Popen[bytes]

    def processor_s(self) -> float:
        """Seconds of processor time it has used, to the nanosecond (Linux: clock_getcpuclockid(3) as in glibc)."""
        return time.clock_gettime((~self.process.pid << 3) | 2)


@figure("router.share_of_bare_asgi", unit="ratio", target=0.85, better="higher")
def share_of_bare_asgi() -> float:
    """Requests/s of `cellcast router serve` on links, as a share of a bare ASGI redirect's; both on Hypercorn.

    The second is one of the server's own processor time, which is what one busy core answers: what else runs on
    this machine, the load generator included, takes no part in it.
    """
    keys = [new_key() for _ in range(WORKSPACES)]
    links = [f"/{key}-{new_secret(key)}" for key in keys]
    with tempfile.TemporaryDirectory() as folder, _router(Path(folder), keys) as router, _bare() as bare:
        return asyncio.run(_share(router, bare, links))


async def _share(router: Server, bare: Server, links: list[str]) -> float:
    costs: dict[int, list[float]] = {router.port: [], bare.port: []}
    for number in range(ROUNDS + 1):
        for server in (router, bare) if number % 2 else (bare, router):
            before = server.processor_s()
            await get(server.port, links, expected=_BEGUN, count=REQUESTS)
            if number:  # the first round warms
                costs[server.port].append(server.processor_s() - before)
    return _undisturbed(costs[bare.port]) / _undisturbed(costs[router.port])


def _undisturbed(costs: list[float]) -> float:
    """The median of the cheapest third: what disturbs a round (a shared cache, a shared core) only adds to it."""
    return median(sorted(costs)[: len(costs) // 3])


@contextmanager
def _router(folder: Path, keys: list[str]) -> Iterator[Server]:
    signing, port = SigningKey.new(), _free_port()
    cell = CellAddress("eu-1", "eu", "http://eu-1.localhost:8001")
    placements = tuple(Placement(uuid4(), key, cell.name, 1, State.ACTIVE, 1) for key in set(keys))
    write_snapshot(folder / "map", Snapshot(ROUTING, 1, 1, datetime.now(UTC), (cell,), placements), signing)
    settings = {
        "CELLCAST_ROUTER_BIND": f"127.0.0.1:{port}",
        "CELLCAST_ROUTER_GO_URL": f"http://go.localhost:{port}",
        "CELLCAST_ROUTER_SNAPSHOT_PATH": str(folder / "map"),
        "CELLCAST_ROUTER_REGISTRY_PUBLIC_KEYS": signing.public_text(),
        "CELLCAST_ROUTER_LOG_LEVEL": "error",
    }
    command = [str(Path(sys.executable).with_name("cellcast")), "router", "serve"]
    with _process(command, port, settings) as server:
        yield server


@contextmanager
def _bare() -> Iterator[Server]:
    port = _free_port()
    with _process([sys.executable, "-m", "loadtest.bench.bare", f"127.0.0.1:{port}"], port, {}) as server:
        yield server


@contextmanager
def _process(command: list[str], port: int, settings: dict[str, str]) -> Iterator[Server]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("CELLCAST_")}
    process = subprocess.Popen(command, env=others | settings, stdout=subprocess.DEVNULL)  # noqa: S603 - programs of our own
    try:
        _wait_for(port, process)
        yield Server(port, process)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise Unmeasurable("the server did not start")


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
