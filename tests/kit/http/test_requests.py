"""What is let through to an application and what is not: requests as HTTP/1.1 has them, and no others."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.kit.http.world import GET, Echo, Serving, ask, connected, serving, statuses

POST = b"POST /x HTTP/1.1\r\nHost: a\r\n"
LAST = b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
async def server(echo: Echo) -> AsyncIterator[Serving]:
    async with serving(echo) as made:
        yield made


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (b"Content-Length: 5\r\n\r\nhello", b"hello"),
        (b"Content-Length: 0\r\n\r\n", b""),
        (b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", b"hello"),
        (b"Transfer-Encoding: CHUNKED\r\n\r\n3;a=b\r\nhel\r\n2\r\nlo\r\n0\r\nX-T: y\r\n\r\n", b"hello"),
        (b"X-A: \xe9\r\nContent-Length:5\r\n\r\nhello", b"hello"),
    ],
    ids=["length", "nothing", "chunks", "chunks-with-extras", "latin"],
)
@pytest.mark.parametrize("at_once", [10_000, 1], ids=["whole", "bytewise"])
async def test_bodies_arrive_as_they_were_sent(
    server: Serving, echo: Echo, raw: bytes, body: bytes, at_once: int
) -> None:
    said = POST + raw + LAST
    async with connected(server.port) as client:
        for begin in range(0, len(said), at_once):
            client.writer.write(said[begin : begin + at_once])
            if at_once == 1:
                await asyncio.sleep(0)
        assert statuses(await client.rest()) == [200, 200]
    assert echo.seen == [("POST", "/x", body), ("GET", "/last", b"")]
    assert all(name != b"x-t" for name, _ in echo.headers[0] + echo.headers[1]), "a trailer became a header"


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        b"Content-Length: 0\r\nContent-Length: 36\r\n\r\n",
        b"Content-Length: 0, 36\r\n\r\n",
        b"Content-Length: +0\r\n\r\n",
        b"Content-Length: 0x0\r\n\r\n",
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: 99999999999999999999\r\n\r\n",
        b"Content-Length : 36\r\n\r\n",
        b"Content-Length: 1\r\n 2\r\n\r\n",
        b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        b"X: a\n\n",
        b"X: a\rContent-Length: 36\r\n\r\n",
        b"X: \x00\r\n\r\n",
        b"X\x00: a\r\n\r\n",
        b"X(: a\r\n\r\n",
        b": a\r\n\r\n",
        b"no colon\r\n\r\n",
        b"X: a\r\n folded\r\n\r\n",
    ],
)
async def test_what_two_servers_could_understand_differently_is_refused(
    server: Serving, echo: Echo, raw: bytes
) -> None:
    answered = statuses(await ask(server.port, POST + raw + SMUGGLED))
    assert answered == [400], "refused once, and nothing after it is looked at"
    assert echo.seen == []


@pytest.mark.parametrize(
    "chunks",
    [
        b"x\r\n",
        b"5\r\nhelloX\r\n",
        b"5\nhello\r\n",
        b"5 \r\nhello\r\n",
        b"0x5\r\nhello\r\n",
        b"-1\r\n",
        b"f" * 17 + b"\r\n",
    ],
)
async def test_a_body_whose_chunks_are_wrong_ends_there(server: Serving, echo: Echo, chunks: bytes) -> None:
    raw = POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n" + SMUGGLED
    assert statuses(await ask(server.port, raw)) == [400]
    assert echo.seen == []


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        b"GET / HTTP/0.9\r\nHost: a\r\n\r\n",
        b"GET /\r\n\r\n",
        b"get / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"NOPE / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET a HTTP/1.1\r\nHost: a\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
async def test_what_is_no_request_of_http_1_is_refused(server: Serving, echo: Echo, head: bytes) -> None:
    assert statuses(await ask(server.port, head + SMUGGLED)) == [400]
    assert echo.seen == []


async def test_a_tunnel_is_not_made(server: Serving, echo: Echo) -> None:
    assert statuses(await ask(server.port, b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n" + SMUGGLED)) == [501]
    assert echo.seen == []


async def test_what_follows_an_offer_to_switch_is_not_looked_at(server: Serving, echo: Echo) -> None:
    offer = b"GET /offered HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n"
    assert statuses(await ask(server.port, offer + SMUGGLED)) == [200]
    assert [path for _, path, _ in echo.seen] == ["/offered"]


async def test_an_old_client_is_answered_and_let_go(server: Serving) -> None:
    async with connected(server.port) as client:
        await client.say(b"GET / HTTP/1.0\r\n\r\n")
        assert b"connection: close" in await client.rest()


async def test_paths_are_decoded_once(server: Serving, echo: Echo) -> None:
    await ask(server.port, b"GET /a%2fb%20c?d=%20 HTTP/1.1\r\nHost: a\r\n\r\n")
    assert echo.seen[0][1] == "/a/b c"


async def test_many_requests_at_once_are_answered_in_order(server: Serving, echo: Echo) -> None:
    raw = b"".join(b"POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n%03d" % (n, n) for n in range(1000))
    answer = await ask(server.port, raw)
    assert statuses(answer) == [200] * 1000
    assert [path for _, path, _ in echo.seen] == [f"/{n}" for n in range(1000)]
    assert [body for _, _, body in echo.seen] == [b"%03d" % n for n in range(1000)]


_PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                GET,
                POST,
                LAST,
                SMUGGLED,
                b"Content-Length: 5\r\n",
                b"Transfer-Encoding: chunked\r\n",
                b"5\r\nhello\r\n",
                b"0\r\n\r\n",
                b"\r\n",
                b"\n",
                b"Expect: 100-continue\r\n",
                b"Upgrade: websocket\r\n",
                b"Host: b\r\n",
            ]
        ),
        st.binary(max_size=30),
    ),
    max_size=8,
)


def test_any_bytes_are_survived() -> None:
    """None is answered with a failure, and the server goes on; the parser's bounds hold whatever comes."""

    async def rough() -> None:
        async with serving(Echo()) as server:
            for pieces in examples:
                answered = statuses((await ask(server.port, *pieces)).replace(b"HTTP/1.1 100", b""))
                assert all(status in {200, 400, 403, 431, 501} for status in answered), (pieces, answered)
            assert statuses(await ask(server.port, GET)) == [200]
            assert server.cut == 0

    examples: list[list[bytes]] = []

    @given(_PIECES)
    @settings(max_examples=100, database=None, suppress_health_check=list(HealthCheck))
    def collect(pieces: list[bytes]) -> None:
        examples.append(pieces)

    collect()
    asyncio.run(rough())
