"""The router as it runs: `cellcast router serve`, asked over a socket."""

import json
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from contracts.placements import write_snapshot
from kit.ports import free_port
from kit.signing import SigningKey
from tests.router.running import COMMAND, PATH, PREFIX, Running, environment, running
from tests.router.world import EU, make_snapshot
from tests.waiting import until


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory, signing_key: SigningKey) -> Path:
    path = tmp_path_factory.mktemp("router") / "map"
    write_snapshot(path, make_snapshot(), signing_key)
    return path


@pytest.fixture(scope="module")
def router(snapshot: Path, signing_key: SigningKey) -> Iterator[Running]:
    with running(snapshot.parent, signing_key, SNAPSHOT_PATH=snapshot) as made:
        made.wait_until("/readyz", 200)
        yield made


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


def test_a_new_snapshot_is_taken_within_a_moment_and_a_bad_one_is_not(
    router: Running, snapshot: Path, signing_key: SigningKey
) -> None:
    empty = make_snapshot(n=2)
    write_snapshot(snapshot, type(empty)("routing", 1, 2, empty.made_at, empty.cells, ()), signing_key)
    router.wait_until(PATH, 404)
    write_snapshot(snapshot, make_snapshot(n=3), signing_key)
    router.wait_until(PATH, 302)
    snapshot.write_bytes(b"nonsense")
    until(lambda: "snapshot refused" in router.log.read_text(), 10)
    assert router.ask(PATH)[0].status == 302


def test_metrics_count_what_the_log_does_not_say(router: Running) -> None:
    before = router.log.read_text()
    led = router.metric('cellcast_router_requests_total{outcome="led"}')
    for _ in range(3):
        router.ask(PATH)
    assert router.metric('cellcast_router_requests_total{outcome="led"}') == led + 3
    assert router.metric("cellcast_router_map_workspaces") == 7
    assert router.metric("cellcast_router_map_bytes") > 0
    assert 0 <= router.metric("cellcast_router_map_age_seconds") < 600
    assert router.metric("cellcast_router_workers") == 1
    assert router.log.read_text() == before
    assert PATH.rpartition("-")[2] not in before


def test_health_names_the_map_and_its_age(router: Running) -> None:
    assert router.ask("/livez")[0].status == 200
    said = json.loads(router.ask("/readyz", Host="10.0.0.7")[1])
    assert (said["ready"], said["down"], said["feed"]["generation"]) == (True, {}, 1)


def test_wrong_settings_are_named_before_anything_runs(signing_key: SigningKey) -> None:
    wrong = environment(1, 2, signing_key, TYPO=1, REGISTRY_PUBLIC_KEYS="nokey", SNAPSHOT_PATH="map")
    del wrong[f"{PREFIX}GO_URL"]
    ended = subprocess.run(COMMAND, env=wrong, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 1
    for words in ("TYPO: there is no such", "GO_URL: is missing", "REGISTRY_PUBLIC_KEYS: "):
        assert f"CELLCAST_ROUTER_{words}" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "one of SNAPSHOT_PATH and FEED_URL"),
        ({"SNAPSHOT_PATH": "map", "FEED_URL": "http://x"}, "one of SNAPSHOT_PATH and FEED_URL"),
        ({"FEED_URL": "http://x"}, "needs STATE_DIR and FEED_TOKEN"),
        ({"SNAPSHOT_PATH": "map", "TRUSTED_PROXIES": "everybody"}, "TRUSTED_PROXIES"),
    ],
)
def test_settings_that_make_no_sense_together_are_named(
    signing_key: SigningKey, given: dict[str, str], words: str
) -> None:
    wrong = environment(1, 2, signing_key, **given)
    ended = subprocess.run(COMMAND, env=wrong, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 1
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_address_that_is_taken_is_said(tmp_path: Path, signing_key: SigningKey, router: Running) -> None:
    taken = environment(router.port, free_port(), signing_key, SNAPSHOT_PATH=tmp_path / "map")
    ended = subprocess.run(COMMAND, env=taken, capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, "Address already in use" in ended.stderr) == (1, True)


def test_without_a_snapshot_it_waits_for_one(tmp_path: Path, signing_key: SigningKey) -> None:
    with running(tmp_path, signing_key, SNAPSHOT_PATH=tmp_path / "map") as router:
        router.wait_until("/livez", 200)
        answer, body = router.ask("/readyz")
        assert (answer.status, json.loads(body)["down"]) == (503, {"map": "NoMap"})
        assert router.ask(PATH)[0].status == 503
        write_snapshot(tmp_path / "map", make_snapshot(), signing_key)
        router.wait_until(PATH, 302)


def test_it_starts_from_its_own_state_when_the_file_is_gone(tmp_path: Path, signing_key: SigningKey) -> None:
    write_snapshot(tmp_path / "map", make_snapshot(), signing_key)
    for _ in range(2):
        with running(tmp_path, signing_key, SNAPSHOT_PATH=tmp_path / "map") as router:
            router.wait_until(PATH, 302)
        (tmp_path / "map").unlink(missing_ok=True)


def test_a_strange_host_is_sent_away(router: Running) -> None:
    answer, _ = router.ask(PATH, Host="evil.example")
    assert (answer.status, answer.headers["Location"]) == (421, None)
    assert router.ask(PATH, Host=f"go.localhost:{router.port}")[0].status == 302


def test_workers_share_the_map_and_are_started_again(tmp_path: Path, signing_key: SigningKey) -> None:
    write_snapshot(tmp_path / "map", make_snapshot(), signing_key)
    with running(tmp_path, signing_key, workers=2, SNAPSHOT_PATH=tmp_path / "map") as router:
        until(lambda: '"ready"' in router.log.read_text(), 20, router.log.read_text)
        router.wait_until(PATH, 302)
        first = {one.pid for one in router.workers()}
        assert len(first) == 2
        for pid in first:
            psutil.Process(pid).send_signal(signal.SIGKILL)
        until(lambda: len({one.pid for one in router.workers()} - first) == 2, 20, router.log.read_text)
        router.wait_until(PATH, 302)
        until(lambda: router.metric("cellcast_router_workers") == 2, 20, router.log.read_text)
        assert router.metric('cellcast_router_requests_total{outcome="led"}') > 0
        assert router.log.read_text().count("worker ended") == 2
        stopped = [psutil.Process(one.pid) for one in router.workers()]
        router.process.terminate()
        assert router.process.wait(20) == 0
        assert not any(one.is_running() for one in stopped)


def test_workers_end_with_a_parent_that_was_killed(tmp_path: Path, signing_key: SigningKey) -> None:
    write_snapshot(tmp_path / "map", make_snapshot(), signing_key)
    with running(tmp_path, signing_key, workers=2, SNAPSHOT_PATH=tmp_path / "map") as router:
        router.wait_until(PATH, 302)
        workers = router.workers()
        router.process.kill()
        router.process.wait()
        until(lambda: not any(one.is_running() and one.status() != "zombie" for one in workers), 20)


def test_a_request_under_way_is_answered_before_it_stops(tmp_path: Path, signing_key: SigningKey) -> None:
    write_snapshot(tmp_path / "map", make_snapshot(), signing_key)
    with running(tmp_path, signing_key, SNAPSHOT_PATH=tmp_path / "map") as router:
        router.wait_until(PATH, 302)
        with socket.create_connection(("127.0.0.1", router.port), timeout=5) as idle:
            idle.sendall(f"GET {PATH} HTTP/1.1\r\nHost: go.localhost\r\n\r\n".encode())
            assert idle.recv(65536).startswith(b"HTTP/1.1 302")
            begun = time.monotonic()
            router.process.send_signal(signal.SIGINT)
            assert idle.recv(65536) == b""  # an idle connection is closed at once
            assert router.process.wait(20) == 0
            assert time.monotonic() - begun < 5


def test_told_to_stop_patiently_it_answers_once_more_on_what_is_open(tmp_path: Path, signing_key: SigningKey) -> None:
    write_snapshot(tmp_path / "map", make_snapshot(), signing_key)
    with running(tmp_path, signing_key, SNAPSHOT_PATH=tmp_path / "map") as router:
        router.wait_until(PATH, 302)
        request = f"GET {PATH} HTTP/1.1\r\nHost: go.localhost\r\n\r\n".encode()
        with socket.create_connection(("127.0.0.1", router.port), timeout=5) as kept:
            kept.sendall(request)
            assert b"connection: close" not in kept.recv(65536)
            router.process.terminate()
            until(lambda: not _takes(router.port), 20)
            kept.sendall(request)
            last = kept.recv(65536)
            assert last.startswith(b"HTTP/1.1 302") and b"connection: close" in last
            assert kept.recv(65536) == b""
        assert router.process.wait(20) == 0


def _takes(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True
