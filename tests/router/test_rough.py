"""A real router against rough clients: raw bytes, floods, slow ones and many; it lives, answers no 500, stays small."""

import itertools
import random
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.keys import new_key
from contracts.links import new_secret
from contracts.placements import write_snapshot
from kit.signing import SigningKey
from tests.router.running import PATH, Running, running
from tests.router.world import make_snapshot
from tests.waiting import until

HEAD = f"GET {PATH} HTTP/1.1\r\nHost: go.localhost\r\n".encode()
MEMORY_MAY_GROW = 24 << 20  # bytes: what is remembered of addresses and pages, and what malloc keeps


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory, signing_key: SigningKey) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("rough")
    write_snapshot(folder / "map", make_snapshot(), signing_key)
    at = folder / "map"
    with running(folder, signing_key, SNAPSHOT_PATH=at, CONNECTIONS_PER_ADDRESS=60, UNKNOWN_PER_MINUTE=40) as made:
        made.wait_until(PATH, 302)
        yield made
        assert "Traceback" not in made.log.read_text()
        assert "worker ended" not in made.log.read_text()


def send(router: Running, raw: bytes, *, end: bool = True) -> bytes:
    """What comes back for these bytes until the server closes, or has said nothing for a moment."""
    with socket.create_connection(("127.0.0.1", router.port), timeout=5) as client:
        answer = b""
        with suppress(OSError):
            client.sendall(raw)
            if end:
                client.shutdown(socket.SHUT_WR)
            client.settimeout(5 if end else 0.3)
            while piece := client.recv(65536):
                answer += piece
        return answer


def statuses(answer: bytes) -> list[int]:
    return [int(one[:3]) for one in answer.split(b"HTTP/1.1 ")[1:]]


def still_well(router: Running) -> None:
    router.wait_until(PATH, 302, within_s=10)
    assert len(router.workers()) == 1


_LINES = st.one_of(
    st.sampled_from(
        [
            HEAD,
            b"GET / HTTP/1.1\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"Host: go.localhost\r\n",
            b"Host: evil.example\r\n",
            b"Upgrade: websocket\r\nConnection: upgrade\r\n",
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n",
            b"Upgrade: h2c\r\nConnection: upgrade, http2-settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"Content-Length: 5\r\n",
            b"Content-Length: 99999999999999999999\r\n",
            b"Expect: 100-continue\r\n",
            b"Connection: close\r\n",
            b"X-Forwarded-For: 1, 2, 3\r\n",
            b"5\r\nhello\r\n0\r\n\r\n",
            b"\r\n",
            b"\r\n\r\n",
            b"\n",
            b"\x00",
        ]
    ),
    st.binary(max_size=40),
    st.builds(lambda name, value: name + b": " + value + b"\r\n", st.binary(max_size=8), st.binary(max_size=30)),
    st.builds(
        lambda method, target: method + b" " + target + b" HTTP/1.1\r\nHost: go.localhost\r\n\r\n",
        st.sampled_from([b"GET", b"HEAD", b"POST", b"OPTIONS", b"get", b"", b"G\x00T"]),
        st.one_of(st.binary(max_size=30), st.sampled_from([PATH.encode(), b"/livez", b"*", b"/readyz", b"/w/x?\xff"])),
    ),
)


def test_any_bytes_are_survived(router: Running) -> None:
    send(router, HEAD + b"\r\n")
    before = router.memory()

    @given(st.lists(_LINES, max_size=8).map(b"".join))
    @settings(max_examples=500, suppress_health_check=list(HealthCheck))
    def rough(raw: bytes) -> None:
        answered = statuses(send(router, raw))
        # 501 is for a transfer coding that is none (RFC 9112, 6.1).
        assert all(status < 500 or status == 501 for status in answered), (raw, answered)

    rough()
    still_well(router)
    assert router.memory() - before < MEMORY_MAY_GROW


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: go.localhost\r\n\r\n",
        HEAD + b"".join(b"X-%d: y\r\n" % number for number in range(20_000)) + b"\r\n",
        HEAD + b"Cookie: " + b"c" * 1_000_000 + b"\r\n\r\n",
        b"A" * 1_000_000,
        HEAD + b"Host: evil.example\r\n\r\n",
    ],
    ids=["path", "headers", "cookie", "no-end", "two-hosts"],  # the link in HEAD is another one in every process
)
def test_what_is_too_much_is_refused(router: Running, raw: bytes) -> None:
    answered = statuses(send(router, raw, end=False))
    assert all(400 <= status < 500 for status in answered)
    assert len(answered) <= 1
    still_well(router)


def test_http_2_and_websockets_are_not_spoken(router: Running) -> None:
    upgrade = b"Upgrade: h2c\r\nConnection: upgrade, http2-settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
    assert statuses(send(router, HEAD + upgrade)) == [302]
    key = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    assert statuses(send(router, HEAD + b"Upgrade: websocket\r\nConnection: upgrade\r\n" + key)) == [403]


def test_pipelined_requests_are_answered_in_order(router: Running) -> None:
    paths = [PATH, "/livez", "/no", PATH] * 25
    raw = b"".join(f"GET {path} HTTP/1.1\r\nHost: go.localhost\r\n\r\n".encode() for path in paths)
    assert statuses(send(router, raw)) == [302, 200, 404, 302] * 25


def test_a_body_in_many_chunks_holds_nothing(router: Running) -> None:
    before = router.metric("cellcast_router_connections")
    for _ in range(20):
        raw = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 200
        assert statuses(send(router, raw, end=False))[:1] == [302]
    until(lambda: router.metric("cellcast_router_connections") <= before, 40)


def test_slow_clients_are_cut_off_and_others_served(router: Running) -> None:
    before, cut = router.memory(), router.metric("cellcast_router_connections_cut_total")
    with ExitStack() as slow:
        clients = [slow.enter_context(socket.create_connection(("127.0.0.1", router.port))) for _ in range(40)]
        begun = time.monotonic()
        open_still = list(clients)
        slowly = itertools.chain(HEAD, b"X-Slow: ", itertools.repeat(ord("x")))
        while open_still:
            byte = bytes([next(slowly)])
            for client in list(open_still):
                try:
                    client.sendall(byte if client is not clients[0] else b"X")
                    client.setblocking(False)
                    if client.recv(1) == b"":
                        open_still.remove(client)
                except BlockingIOError:
                    client.setblocking(True)
                except OSError:
                    open_still.remove(client)
            assert router.status(PATH) == 302
            assert time.monotonic() - begun < 30, "slow clients may stay for ever"
            time.sleep(0.2)
    assert router.metric("cellcast_router_connections_cut_total") - cut >= 39
    assert router.memory() - before < MEMORY_MAY_GROW


def test_one_address_holds_so_many_connections_and_no_more(router: Running) -> None:
    with ExitStack() as many:
        clients = [many.enter_context(socket.create_connection(("127.0.0.1", router.port))) for _ in range(100)]
        until(lambda: router_sees(clients) <= 60, 10)
    still_well(router)


def router_sees(clients: list[socket.socket]) -> int:
    """How many of these the server has not closed."""
    alive = 0
    for client in clients:
        client.setblocking(False)
        try:
            alive += client.recv(1) != b""
        except BlockingIOError:
            alive += 1
        except OSError:
            pass
    return alive


def test_guessing_is_hopeless_and_the_memory_of_it_small(router: Running) -> None:
    still_well(router)
    before = router.memory()
    chance = random.Random(1)
    seen = []
    for _ in range(30):
        keys = [new_key() for _ in range(40)]
        paths = [f"/{key}-{new_secret(key)}" if chance.random() < 0.5 else f"/{key}" for key in keys]
        raw = b"".join(f"GET {path} HTTP/1.1\r\nHost: go.localhost\r\n\r\n".encode() for path in paths)
        seen += statuses(send(router, raw))
    assert set(seen) <= {404, 429}
    assert seen.count(404) < 100
    assert router.memory() - before < MEMORY_MAY_GROW
    assert router.status(PATH) == 302
