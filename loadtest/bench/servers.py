"""Servers that benchmarks start, and what they cost: processor time and memory, from the kernel."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kit.ports import free_port
from loadtest.bench.figures import Unmeasurable


@dataclass(frozen=True)
class Server:
    """A server that listens, with the processes it started itself."""

    port: int
    process: "subprocess.Popen[bytes]"

    def processor_s(self) -> float:
        """Seconds of processor time used so far, to the nanosecond (Linux: clock_getcpuclockid(3) as in glibc)."""
        return sum(time.clock_gettime((~pid << 3) | 2) for pid in self._pids())

    def own_memory(self) -> int:
        """Bytes that the processes have for themselves, what they share by their part."""
        rollups = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in self._pids()]
        anonymous = [line for one in rollups for line in one.splitlines() if line.startswith("Pss_Anon:")]
        return sum(int(line.split()[1]) * 1024 for line in anonymous)

    def _pids(self) -> list[int]:
        pid = self.process.pid
        return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


@contextmanager
def router(
    settings: Mapping[str, str], *, workers: int, port: int | None = None, wait: bool = True
) -> Iterator[Server]:
    """A router with these settings beside its address."""
    at = port or free_port()
    all_settings = {
        **settings,
        "BIND": f"127.0.0.1:{at}",
        "GO_URL": f"http://go.localhost:{at}",
        "LOG_LEVEL": "error",
        "UNKNOWN_PER_MINUTE": "1000000000",
    }
    named = {f"CELLCAST_ROUTER_{name}": value for name, value in all_settings.items()}
    command = [sys.executable, "-m", "kit.cli", "router", "serve", "--workers", str(workers)]
    with started(command, at, named, wait=wait) as server:
        yield server


@contextmanager
def bare(on: str) -> Iterator[Server]:
    """A baseline: a bare redirect on one of the servers of loadtest/bench/bare.py."""
    port = free_port()
    command = [sys.executable, "-m", "loadtest.bench.bare", on, f"127.0.0.1:{port}"]
    with started(command, port, {}, wait=True) as server:
        yield server


@contextmanager
def started(command: list[str], port: int, settings: Mapping[str, str], *, wait: bool) -> Iterator[Server]:
    """A program with these settings until the block ends; with `wait`, it listens on the port already."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("CELLCAST_")}
    process = subprocess.Popen(command, env={**others, **settings}, stdout=subprocess.DEVNULL)  # noqa: S603 - programs of our own
    try:
        if wait:
            _wait_for(port, process)
        yield Server(port, process)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise Unmeasurable("the server did not start")
