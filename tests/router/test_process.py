"""The router as it runs: `cellcast router serve`, asked over a socket."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from contracts.links import new_secret
from contracts.placements import State, write_snapshot
from kit.signing import SigningKey
from tests.router.world import EU, KEYS, make_snapshot

COMMAND = [str(Path(sys.executable).with_name("cellcast")), "router", "serve"]
PATH = f"/{KEYS[State.ACTIVE]}-{new_secret(KEYS[State.ACTIVE])}"


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def environment(snapshot: Path, key: SigningKey, port: int, metrics: int) -> dict[str, str]:
    prefix = "CELLCAST_ROUTER_"
    others = {name: value for name, value in os.environ.items() if not name.startswith("CELLCAST_")}
    return others | {
        f"{prefix}BIND": f"127.0.0.1:{port}",
        f"{prefix}GO_URL": f"http://go.localhost:{port}",
        f"{prefix}SNAPSHOT_PATH": str(snapshot),
        f"{prefix}REGISTRY_PUBLIC_KEYS": key.public_text(),
        f"{prefix}METRICS_BIND": f"127.0.0.1:{metrics}",
    }


@dataclass
class Running:
    """A router process and how to ask it."""

    process: subprocess.Popen[bytes]
    port: int
    metrics: int
    snapshot: Path
    log: Path

    def ask(
        self, path: str, method: str = "GET", port: int | None = None, **headers: str
    ) -> tuple[HTTPResponse, bytes]:
        connection = HTTPConnection("127.0.0.1", port or self.port, timeout=5)
        try:
            connection.request(method, path, headers={name.replace("_", "-"): text for name, text in headers.items()})
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()

    def wait_until(self, path: str, status: int) -> None:
        deadline = time.monotonic() + 20
        while True:
            try:
                if self.ask(path)[0].status == status:
                    return
            except (OSError, HTTPException):
                pass
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory, signing_key: SigningKey) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("router")
    port, metrics = free_port(), free_port()
    write_snapshot(folder / "map", make_snapshot(), signing_key)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            COMMAND, env=environment(folder / "map", signing_key, port, metrics), stdout=log, stderr=log
        )
    running = Running(process, port, metrics, folder / "map", folder / "log")
    try:
        running.wait_until("/readyz", 200)
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def test_it_leads_a_link_to_its_cell(router: Running) -> None:
    for method in ("GET", "HEAD"):
        answer, body = router.ask(PATH, method)
        assert (answer.status, answer.headers["Location"], body) == (302, f"{EU}/r{PATH}", b"")


def test_it_answers_in_the_visitors_language_with_its_own_style(router: Running) -> None:
    answer, body = router.ask("/", Accept="text/html", Accept_Language="de-AT")
    assert answer.status == 200
    assert '<html lang="de" dir="ltr">' in body.decode()
    if 'rel="stylesheet"' in body.decode():  # it is there once the front end is built
        name = body.decode().split('rel="stylesheet" href="')[1].split('"')[0]
        style, css = router.ask(name)
        assert (style.status, style.headers["Content-Type"]) == (200, "text/css; charset=utf-8")
        assert "immutable" in style.headers["Cache-Control"]
        assert css
    assert router.ask("/static/manifest.json")[0].status == 404
    assert router.ask("/static/../app.py")[0].status == 404


def test_a_body_is_refused_without_waiting_for_it(router: Running) -> None:
    with socket.create_connection(("127.0.0.1", router.port), timeout=5) as connection:
        # A body of a gigabyte is announced and never sent: the answer comes all the same.
        head = f"POST {PATH} HTTP/1.1\r\nHost: go.localhost\r\nContent-Length: 1000000000\r\n\r\n"
        connection.sendall(head.encode())
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 405")
    assert b"allow: GET, HEAD" in answer


def test_a_new_snapshot_is_taken_within_a_moment_and_a_bad_one_is_not(router: Running, signing_key: SigningKey) -> None:
    empty = make_snapshot(n=2)
    write_snapshot(router.snapshot, type(empty)("routing", 1, 2, empty.made_at, empty.cells, ()), signing_key)
    router.wait_until(PATH, 404)
    write_snapshot(router.snapshot, make_snapshot(n=3), signing_key)
    router.wait_until(PATH, 302)
    router.snapshot.write_bytes(b"nonsense")
    deadline = time.monotonic() + 10
    while "snapshot refused" not in router.log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert router.ask(PATH)[0].status == 302


def test_metrics_count_what_the_log_does_not_say(router: Running) -> None:
    before = router.log.read_text()
    for _ in range(3):
        router.ask(PATH)
    _, body = router.ask("/metrics", port=router.metrics)
    led = next(line for line in body.decode().splitlines() if 'requests_total{outcome="led"}' in line)
    assert float(led.rpartition(" ")[2]) >= 3
    assert router.log.read_text() == before
    assert PATH.rpartition("-")[2] not in before


def test_health_names_the_map(router: Running) -> None:
    assert router.ask("/livez")[0].status == 200
    assert json.loads(router.ask("/readyz")[1]) == {"ready": True, "down": {}}


def test_wrong_settings_are_named_before_anything_runs(tmp_path: Path, signing_key: SigningKey) -> None:
    wrong = environment(tmp_path / "map", signing_key, 1, 2)
    del wrong["CELLCAST_ROUTER_SNAPSHOT_PATH"]
    wrong |= {"CELLCAST_ROUTER_TYPO": "1", "CELLCAST_ROUTER_REGISTRY_PUBLIC_KEYS": "nokey"}
    ended = subprocess.run(COMMAND, env=wrong, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 1
    for words in ("TYPO: there is no such", "SNAPSHOT_PATH: is missing", "REGISTRY_PUBLIC_KEYS: "):
        assert f"CELLCAST_ROUTER_{words}" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_without_a_snapshot_it_waits_for_one(tmp_path: Path, signing_key: SigningKey) -> None:
    port = free_port()
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            COMMAND, env=environment(tmp_path / "map", signing_key, port, free_port()), stdout=log, stderr=log
        )
    running = Running(process, port, 0, tmp_path / "map", tmp_path / "log")
    try:
        running.wait_until("/livez", 200)
        answer, body = running.ask("/readyz")
        assert (answer.status, json.loads(body)["down"]) == (503, {"map": "NoMap"})
        assert running.ask(PATH)[0].status == 503
        write_snapshot(running.snapshot, make_snapshot(), signing_key)
        running.wait_until(PATH, 302)
    finally:
        process.terminate()
        assert process.wait(10) == 0


def test_its_host_is_not_looked_at_when_leading_on(router: Running) -> None:
    answer, _ = router.ask(PATH, Host="evil.example")
    assert urlsplit(answer.headers["Location"]).netloc == urlsplit(EU).netloc
