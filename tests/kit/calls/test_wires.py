"""HTTP between two processes: answers in every form that HTTP has for them, and what is none is never taken for one."""

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kit.calls.wires import Answered, Broken, Wires
from tests.waiting import eventually

LARGEST = 1000
HELLO = b"HTTP/1.1 200 OK\r\nX-One: 1\r\nContent-Length: 5\r\n\r\nhello"


class Server:
    """Says what it is told to each request, whatever that is; None is to hang up. `heard` is what was asked."""

    def __init__(self, *says: bytes | None) -> None:
        self.says = list(says)
        self.heard: list[bytes] = []
        self.connections = 0
        self.ended = 0
        self.port = 0

    @asynccontextmanager
    async def running(self, tls: ssl.SSLContext | None = None) -> AsyncIterator["Server"]:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while (head := await reader.readuntil(b"\r\n\r\n")) and self.says:
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                self.heard.append(head + await reader.readexactly(int(length or 0)))
                if (answer := self.says.pop(0)) is None:
                    break
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.ended += 1
            writer.close()


@asynccontextmanager
async def asking(server: Server, scheme: str = "http", most: int = 2) -> AsyncIterator[Wires]:
    wires = Wires(f"{scheme}://peer.localhost:{server.port}/at/", most, LARGEST)
    try:
        yield wires
    finally:
        wires.close()


async def ask(wires: Wires) -> Answered:
    async with asyncio.timeout(60):
        return await wires.send("POST", "/it", {"X-Said": "this"}, b"body")


async def test_a_request_is_one_that_every_server_reads() -> None:
    async with Server(HELLO).running() as server, asking(server) as wires:
        answered = await ask(wires)
    head = f"POST /at/it HTTP/1.1\r\nHost: peer.localhost:{server.port}\r\nX-Said: this\r\nContent-Length: 4\r\n\r\n"
    assert server.heard == [head.encode() + b"body"]
    assert (answered.status, answered.headers[b"x-one"], answered.body) == (200, b"1", b"hello")


@pytest.mark.parametrize(
    ("says", "status", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", 200, b"hello"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + HELLO, 200, b"hello"),
        (b"HTTP/1.1 503 Away\r\nContent-Length: 0\r\n\r\n", 503, b""),
    ],
)
async def test_every_form_of_an_answer_is_read_and_the_connection_kept(says: bytes, status: int, body: bytes) -> None:
    async with Server(says, HELLO).running() as server, asking(server) as wires:
        answered = await ask(wires)
        assert (answered.status, answered.body) == (status, body)
        assert (await ask(wires)).body == b"hello"
        assert (server.connections, wires.idle) == (1, 1)


@pytest.mark.parametrize(
    "says",
    [
        None,
        b"HTTP/1.1 200 OK\r\nContent-Length: 1001000\r\n\r\n" + b"x" * 100_000,
        b"HTTP/1.1 200 OK\r\n" + b"X-Long: 0123456789\r\n" * 10_000,
        b"SMTP ready\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nrest",
    ],
    ids=["hung up", "large", "large head", "no HTTP", "two lengths", "upgrade"],
)
async def test_what_is_no_answer_is_none_and_the_next_one_comes_on_another_connection(says: bytes | None) -> None:
    async with Server(says, HELLO).running() as server, asking(server) as wires:
        with pytest.raises(Broken):
            await ask(wires)
        assert (await ask(wires)).body == b"hello"
        assert server.connections == 2


@pytest.mark.parametrize("more", [HELLO, b"HTTP/1.1 200 OK\r\nX-One: 2\r\n"], ids=["whole", "begun"])
async def test_an_answer_that_nobody_asked_for_is_not_the_next_ones(more: bytes) -> None:
    async with Server(HELLO + more, HELLO).running() as server, asking(server) as wires:
        assert (await ask(wires)).headers[b"x-one"] == b"1"
        assert (await ask(wires)).headers[b"x-one"] == b"1"
        assert server.connections == 2


async def test_a_server_that_wants_to_close_is_asked_on_another_connection() -> None:
    closing = HELLO.replace(b"X-One: 1", b"Connection: close")
    async with Server(closing, HELLO).running() as server, asking(server) as wires:
        assert [(await ask(wires)).body for _ in range(2)] == [b"hello"] * 2
        assert server.connections == 2


async def test_whoever_stops_waiting_takes_the_connection_along() -> None:
    async with Server(b"", HELLO).running() as server, asking(server, most=1) as wires:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await ask(wires)
        assert (await ask(wires)).body == b"hello"
        await eventually(lambda: server.ended == 1, 5)


async def test_no_more_connections_than_allowed_and_the_next_waits() -> None:
    async with Server(*[HELLO] * 10).running() as server, asking(server, most=2) as wires:
        assert {one.body for one in await asyncio.gather(*(ask(wires) for _ in range(10)))} == {b"hello"}
        assert server.connections == 2


async def test_closing_ends_what_is_under_way_and_retiring_does_not() -> None:
    async with Server(b"").running() as server, asking(server) as wires:
        under_way = asyncio.create_task(ask(wires))
        await eventually(lambda: len(server.heard) == 1, 5)
        wires.retire()
        with pytest.raises(Broken):
            await ask(wires)
        assert not under_way.done()
        wires.close()
        with pytest.raises(Broken):
            await under_way


async def test_a_header_cannot_begin_another_line() -> None:
    async with Server(HELLO).running() as server, asking(server) as wires:
        with pytest.raises(ValueError, match="line"):
            await wires.send("GET", "/it", {"X-Said": "this\r\nX-Other: that"})
        assert server.connections == 0


async def test_tls_is_spoken_to_whom_a_certificate_proves_and_to_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = certified(tmp_path / "peer.pem", "peer.localhost")
    async with Server(HELLO, HELLO).running(tls) as server:
        async with asking(server, "https") as wires:
            with pytest.raises(ssl.SSLCertVerificationError):
                await ask(wires)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "peer.pem"))
        async with asking(server, "https") as wires:
            assert (await ask(wires)).body == b"hello"
    async with Server(HELLO).running(certified(tmp_path / "other.pem", "other.localhost")) as other:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "other.pem"))
        async with asking(other, "https") as wires:
            with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
                await ask(wires)


def certified(at: Path, name: str) -> ssl.SSLContext:
    """What a server of that name shows; its key and certificate are written to `at`."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    an_hour, number = datetime.timedelta(hours=1), x509.random_serial_number()
    certificate = (
        x509.CertificateBuilder(own, own, key.public_key(), number, now - an_hour, now + an_hour)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    at.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(at)
    return context
