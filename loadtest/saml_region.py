"""Provisioning as it runs, for load on signing in: it starts from its disk alone, and its cell is emulated here."""

import asyncio
import base64
import secrets
import subprocess
import sys
import sysconfig
import zlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

import aiohttp
from lxml import etree
from quart import Quart
from redis.asyncio import Redis

from contracts.feed import Record
from contracts.feed_rules import Held
from contracts.feed_state import FeedAccess, FeedState
from contracts.identity import SSO, Certificate, Connection, connection_of, connection_record
from contracts.operations import May
from contracts.peers import PEER, Peer, PeerKind, Peers, peer_record
from contracts.placements import CellAddress, Placement, State
from contracts.records import CELL, WORKSPACE, cell_of, cell_record, placement_of, placement_record
from contracts.signing_in import IDENTITY_GIVE, SAML_BEGIN, Begin, HandedOver, HandOver
from kit.calls import Answers, Caller, Calls, RedisNonces
from kit.localhost import connector
from kit.ports import free_port
from kit.serve import serve
from kit.signing import PublicKeys, SigningKey
from loadtest.bench.servers import started
from loadtest.saml_idp import Idp

KEY, ID = "bcdf2345", uuid4()
NAME, CELL_NAME = "provisioning-eu", "eu-1"
_CONNECTIONS = 300
_SEE_OTHER = 303


@dataclass(frozen=True)
class Ready:
    """An answer that a browser is about to carry."""

    body: bytes
    cookie: str


@dataclass
class Region:
    """Provisioning that runs, and what is needed to use it."""

    pid: int
    url: str
    metrics_url: str
    idp: Idp
    calls: Calls
    http: aiohttp.ClientSession

    async def ready(self, number: int) -> list[Ready]:
        """Sign-ins that have come as far as the identity provider's answer."""
        return [await self._one() for _ in range(number)]

    async def post(self, one: Ready) -> None:
        """What is measured: the answer comes, the browser goes on with a code."""
        headers = {"Cookie": one.cookie, "Content-Type": "application/x-www-form-urlencoded"}
        async with self.http.post(
            f"{self.url}/saml/{KEY}/acs", data=one.body, headers=headers, allow_redirects=False
        ) as answer:
            await answer.read()
            if answer.status != _SEE_OTHER or "code=" not in answer.headers.get("Location", ""):
                raise RuntimeError(f"an answer was refused: {answer.status}")

    async def metric(self, name: str) -> float:
        """The value of a metric without labels."""
        async with self.http.get(self.metrics_url) as answer:
            lines = (await answer.text()).splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))

    async def _one(self) -> Ready:
        begin = Begin(workspace_id=ID, key=KEY, nonce=secrets.token_hex(32))
        begun = await self.calls.call(NAME, SAML_BEGIN, begin)
        async with self.http.get(begun.url, allow_redirects=False) as answer:
            asked = parse_qs(urlsplit(answer.headers["Location"]).query)["SAMLRequest"][0]
            cookie = answer.headers["Set-Cookie"].partition(";")[0]
        request = etree.fromstring(zlib.decompress(base64.b64decode(asked), wbits=-15)).get("ID") or ""
        site = f"{self.url}/saml/{KEY}"
        field = await asyncio.to_thread(self.idp.answer, sp=f"{site}/metadata", acs=f"{site}/acs", request=request)
        return Ready(urlencode({"SAMLResponse": field}).encode(), cookie)


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Region]:
    """Everything, until the block ends."""
    async with AsyncExitStack() as stack:
        ports = {name: free_port() for name in (NAME, CELL_NAME, "redis", "metrics")}
        keys = {name: SigningKey.new() for name in (NAME, CELL_NAME, "registry")}
        urls = {name: f"http://{name}.localhost:{ports[name]}" for name in (NAME, CELL_NAME)}
        idp = Idp.new("https://idp.example/saml")
        redis_url = await stack.enter_async_context(_redis(folder, ports["redis"]))
        _write_state(folder / "state", keys, urls, idp)
        await stack.enter_async_context(_cell(ports[CELL_NAME], keys, urls, redis_url))
        settings = {
            "REGION": "eu",
            "BIND": f"127.0.0.1:{ports[NAME]}",
            "URL": urls[NAME],
            "GO_URL": "http://go.localhost",
            "REDIS_URL": redis_url,
            "SIGNING_KEY": keys[NAME].to_text(),
            "REGISTRY_PUBLIC_KEYS": keys["registry"].public_text(),
            "FEED_URL": "http://127.0.0.1:9",
            "FEED_TOKEN": "none",
            "STATE_DIR": str(folder / "state"),
            "SAML_KEYS": await asyncio.to_thread(_saml_keys),
            "SAML_ANSWERS_PER_MINUTE": "1000000",
            "METRICS_BIND": f"127.0.0.1:{ports['metrics']}",
            "LOG_LEVEL": "error",
        }
        named = {f"CELLCAST_PROVISIONING_{name}": value for name, value in settings.items()}
        command = [sys.executable, "-m", "loadtest.watched", "provisioning", "serve", "--region", "eu"]
        server = stack.enter_context(started(command, ports[NAME], named, wait=True))
        peers = Peers([Peer(NAME, PeerKind.PROVISIONING, "eu", urls[NAME], (keys[NAME].public_text(),))])
        calls = await stack.enter_async_context(Calls(CELL_NAME, keys[CELL_NAME], peers))
        http = await stack.enter_async_context(
            aiohttp.ClientSession(connector=connector(_CONNECTIONS), cookie_jar=aiohttp.DummyCookieJar())
        )
        yield Region(server.process.pid, urls[NAME], f"http://127.0.0.1:{ports['metrics']}/metrics", idp, calls, http)


def _write_state(folder: Path, keys: dict[str, SigningKey], urls: dict[str, str], idp: Idp) -> None:
    """What a feed would have said."""
    registry = PublicKeys.from_text(keys["registry"].public_text())
    access = FeedAccess("http://127.0.0.1:9", "none", registry, folder)
    state = FeedState("identity/eu", access, {SSO: connection_of, CELL: cell_of, WORKSPACE: placement_of})
    cell = Peer(CELL_NAME, PeerKind.CELL, "eu", urls[CELL_NAME], (keys[CELL_NAME].public_text(),))
    connection = Connection(
        workspace_id=ID,
        sp_entity_id=f"{urls[NAME]}/saml/{KEY}/metadata",
        idp_entity_id=idp.entity_id,
        sso_url="https://idp.example/sso",
        certificates=(Certificate.of(idp.certificate_der),),
        want_response_signed=True,
        enabled=True,
    )
    records: dict[str, dict[str, Record]] = {
        PEER: {CELL_NAME: peer_record(cell)},
        CELL: {CELL_NAME: cell_record(CellAddress(CELL_NAME, "eu", urls[CELL_NAME]))},
        WORKSPACE: {KEY: placement_record(Placement(ID, KEY, CELL_NAME, 1, State.ACTIVE, 1))},
        SSO: {KEY: connection_record(connection)},
    }
    state._disk.store.replace(Held("identity/eu", 1, 1, "", datetime.now(UTC)), records)
    state.close()


@asynccontextmanager
async def _cell(port: int, keys: dict[str, SigningKey], urls: dict[str, str], redis_url: str) -> AsyncIterator[None]:
    """A cell that takes every identity and answers with a code."""
    peers = Peers([Peer(NAME, PeerKind.PROVISIONING, "eu", urls[NAME], (keys[NAME].public_text(),))])
    redis = Redis.from_url(redis_url)
    may = May(peers, kind=PeerKind.CELL, region="eu")
    answers = Answers(CELL_NAME, keys[CELL_NAME], peers, RedisNonces(redis), may)

    @answers.to(IDENTITY_GIVE)
    async def give(by: Caller, hand_over: HandOver) -> HandedOver:
        return HandedOver(code=secrets.token_hex(32))

    stop = asyncio.Event()
    task = asyncio.create_task(serve(answers.in_front_of(Quart("cell")), f"127.0.0.1:{port}", stop=stop))
    try:
        yield
    finally:
        stop.set()
        await task
        await redis.aclose()


@asynccontextmanager
async def _redis(folder: Path, port: int) -> AsyncIterator[str]:
    program = f"{sysconfig.get_path('scripts')}/redis-server"
    words = [program, "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder), "--save", ""]
    with started(words, port, {}, wait=True):
        yield f"redis://127.0.0.1:{port}/0"


def _saml_keys() -> str:
    command = [sys.executable, "-m", "kit.cli", "provisioning", "new-saml-key", "Bench"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own
