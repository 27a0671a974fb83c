"""A router as it runs: `cellcast router serve`, started and asked over sockets."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path

import psutil

from contracts.links import new_secret
from contracts.placements import State
from kit.ports import free_port
from kit.signing import SigningKey
from tests.router.world import KEYS
from tests.waiting import PATIENCE

COMMAND = [sys.executable, "-m", "kit.cli", "router", "serve"]
PATH = f"/{KEYS[State.ACTIVE]}-{new_secret(KEYS[State.ACTIVE])}"
PREFIX = "CELLCAST_ROUTER_"


def environment(port: int, metrics: int, key: SigningKey, **settings: object) -> dict[str, str]:
    """The environment of a router; `settings` beside those that all need."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("CELLCAST_")}
    always = {
        "BIND": f"127.0.0.1:{port}",
        "GO_URL": f"http://go.localhost:{port}",
        "REGISTRY_PUBLIC_KEYS": key.public_text(),
        "METRICS_BIND": f"127.0.0.1:{metrics}",
    }
    return others | {f"{PREFIX}{name}": str(value) for name, value in (always | settings).items()}


@dataclass
class Running:
    """A router and how to ask it."""

    process: "subprocess.Popen[bytes]"
    port: int
    metrics: int
    log: Path
    asked: int = field(default=0, init=False)

    def ask(
        self, path: str, method: str = "GET", port: int | None = None, **headers: str
    ) -> tuple[HTTPResponse, bytes]:
        connection = HTTPConnection("127.0.0.1", port or self.port, timeout=5)
        named = {"Host": "go.localhost"} | {name.replace("_", "-"): text for name, text in headers.items()}
        try:
            connection.request(method, path, headers=named)
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()

    def status(self, path: str) -> int:
        """The status of an answer; 0 for none."""
        try:
            return self.ask(path)[0].status
        except (OSError, HTTPException):
            return 0

    def wait_until(self, path: str, status: int, within_s: float = 20) -> None:
        deadline = time.monotonic() + within_s * PATIENCE
        while self.status(path) != status:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)

    def metric(self, line: str) -> float:
        """The value of the metric that is written like this."""
        _, body = self.ask("/metrics", port=self.metrics)
        return next(float(one.rpartition(" ")[2]) for one in body.decode().splitlines() if one.startswith(line + " "))

    def workers(self) -> list[psutil.Process]:
        return [one for one in psutil.Process(self.process.pid).children() if one.status() != psutil.STATUS_ZOMBIE]

    def memory(self) -> int:
        """Bytes that parent and workers have for themselves."""
        return sum(int(one.memory_full_info().uss) for one in [psutil.Process(self.process.pid), *self.workers()])


@contextmanager
def running(folder: Path, key: SigningKey, workers: int = 1, **settings: object) -> Iterator[Running]:
    """A router with these settings; it is not waited for."""
    port, metrics = free_port(), free_port()
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [*COMMAND, "--workers", str(workers)],
            env=environment(port, metrics, key, **settings),
            stdout=log,
            stderr=log,
        )
    try:
        yield Running(process, port, metrics, folder / "log")
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) in (0, -signal.SIGKILL), (folder / "log").read_text()
