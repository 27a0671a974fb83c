"""Metadata by address: public addresses alone, over TLS, small and soon; checked again at each redirect."""

import asyncio
import ipaddress
import ssl
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from contracts.signing_in import LARGEST_METADATA, MetadataRefused
from control_plane.saml import fetching
from control_plane.saml.fetching import Fetching, System, is_public
from tests.control_plane.saml.world import our_keys


@dataclass
class Names:
    """A resolver that knows what a test says, and what it was asked."""

    known: dict[str, Sequence[str]]
    asked: list[str] = field(default_factory=list)

    async def addresses(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        if host not in self.known:
            raise OSError("no such name")
        return self.known[host]


@asynccontextmanager
async def serving(handler: object, address: str = "127.0.0.1") -> AsyncIterator[str]:
    """The address of a server on this machine, under a name of the tests."""
    app = web.Application()
    app.router.add_get("/{any:.*}", handler)  # type: ignore[arg-type]  # any handler of aiohttp's
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, address, 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://idp.example:{port}"
    finally:
        await runner.cleanup()


HERE = Names({"idp.example": ["127.0.0.1"]})
LOCAL = Fetching(HERE, local_too=True)


async def words(url: str, by: Fetching = LOCAL) -> str:
    with pytest.raises(MetadataRefused) as refused:
        await by.get(url)
    return refused.value.detail


async def test_a_document_is_fetched() -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.headers["Accept-Encoding"] == "identity" and "Cookie" not in request.headers
        return web.Response(body=b"<a/>" if request.path == "/metadata" else b"")

    async with serving(answer) as url:
        assert await LOCAL.get(f"{url}/metadata?app=1") == b"<a/>"


PRIVATE = [
    "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
    "240.0.0.1", "192.0.2.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8",
    "2002:7f00:1::", "64:ff9b::7f00:1", "2001:db8::1", "2001:0:1::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
async def test_a_name_that_leads_to_a_private_address(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))
    names = Names({"idp.example": ["93.184.216.34", address]})
    assert "not an address on the public Internet" in await words("https://idp.example/m", Fetching(names))
    assert names.asked == ["idp.example"]


@pytest.mark.parametrize(
    "host",
    [
        *(f"[{one}]" if ":" in one else one for one in PRIVATE),
        *("localhost", "x.localhost", "127.1", "2130706433", "0x7f000001", "017700000001"),
    ],
)
async def test_a_private_address_by_itself(host: str) -> None:
    said = await words(f"https://{host}/m", Fetching(System()))
    assert "public Internet" in said or "cannot be reached" in said, said


def test_public_addresses() -> None:
    for one in ("8.8.8.8", "93.184.216.34", "2606:4700::1111"):
        assert is_public(ipaddress.ip_address(one))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://idp.example/m", "https://"),
        ("ftp://idp.example/m", "https://"),
        ("file:///etc/passwd", "form https://host/path"),
        ("https://user:secret@idp.example/m", "form https://host/path"),
        ("https:///m", "form https://host/path"),
        ("gopher", "form https://host/path"),
        ("https://[::1", "cannot be reached"),
        ("https://unknown.example/m", "cannot be reached"),
    ],
)
async def test_what_is_no_address_for_us(url: str, said: str) -> None:
    refused = await words(url, Fetching(Names({"idp.example": ["93.184.216.34"]})))
    assert said in refused and "secret" not in refused


class Strict(Fetching):
    """One for which this machine's second address is all of the public Internet."""

    def _allows(self, address: fetching.IpAddress) -> bool:
        return str(address) == "127.0.0.2"


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("https://inside.example/m", "inside.example is not an address on the public Internet"),
        ("http://127.0.0.1/m", "127.0.0.1 is not an address on the public Internet"),
        ("https://[::1]/m", "::1 is not an address on the public Internet"),
        ("//inside.example/m", "inside.example is not an address on the public Internet"),
        ("ftp://idp.example/m", "has to begin with https://"),
    ],
)
async def test_a_redirect_is_looked_at_like_the_first_address(to: str, said: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        raise web.HTTPFound(to)

    names = Names({"idp.example": ["127.0.0.2"], "inside.example": ["10.0.0.1"]})
    async with serving(answer, "127.0.0.2") as url:
        assert said in await words(f"{url}/m", Strict(names, local_too=True))


async def test_three_redirects_and_no_more() -> None:
    async def answer(request: web.Request) -> web.Response:
        left = int(request.path.strip("/"))
        if left:
            raise web.HTTPFound(f"/{left - 1}")
        return web.Response(body=b"<a/>")

    async with serving(answer) as url:
        assert await LOCAL.get(f"{url}/3") == b"<a/>"
        assert "leads on more than 3 times" in await words(f"{url}/4")


@pytest.mark.parametrize("said", [True, False])
async def test_50_megabytes_are_not_read(said: bool) -> None:
    sent = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        if said:
            response.content_length = 50_000_000
        await response.prepare(request)
        try:
            for _ in range(800):
                await response.write(b" " * 62_500)
                sent += 62_500
        except ConnectionError:
            pass
        return response

    async with serving(answer) as url:
        assert "larger than 512 kB" in await words(url)
    assert sent < 20 * LARGEST_METADATA


async def test_a_bomb_is_not_unpacked() -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = packer.compress(b" " * 50_000_000) + packer.flush()
    assert len(bomb) < LARGEST_METADATA

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    async with serving(answer) as url:
        assert "compressed form" in await words(url)


async def test_a_server_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "WITHIN_S", 0.4)

    ended = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await ended.wait()
        return response

    async with serving(answer) as url:
        assert "does not answer within 0.4 seconds" in await words(url)
        ended.set()


@pytest.mark.parametrize("status", [204, 403, 404, 500])
async def test_another_status(status: int) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status)

    async with serving(answer) as url:
        assert f"status {status}" in await words(url)


async def test_a_certificate_that_nobody_knows(tmp_path: Path) -> None:
    file = tmp_path / "server.pem"
    file.write_text(our_keys().to_text())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        assert "no certificate that can be trusted" in await words(f"https://idp.example:{port}/m")
