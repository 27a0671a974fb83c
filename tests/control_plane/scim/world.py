"""Provisioning's SCIM over sockets, with a model for a cell behind it; and a client like an identity provider's."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import aiohttp
from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, Scope
from multidict import CIMultiDictProxy
from pydantic import BaseModel
from yarl import URL

from contracts.keys import new_key
from contracts.peers import Peer, PeerKind, Peers
from contracts.placements import Placement, State
from contracts.tokens import Bearer, Kind, new_bearer
from control_plane.scim.app import Scim
from kit import serve
from kit.addresses import Addresses
from kit.calls import Answers, Calls
from kit.localhost import connector
from kit.ports import free_port
from kit.signing import SigningKey
from tests.control_plane.scim.model import ModelCell
from tests.kit.calls.echo import listens
from tests.waiting import eventually

CELL, US = "eu-1", "provisioning-eu"
PROXIES = [ip_network("127.0.0.0/8"), ip_network("::1/128")]  # clients here say whose address they have
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


class MemoryNonces:
    """Nonces of one process."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    async def take(self, sender: str, nonce: str) -> bool:
        fresh = nonce not in self._taken
        self._taken.add(nonce)
        return fresh


@dataclass
class Reply:
    """What came back."""

    status: int
    headers: CIMultiDictProxy[str]
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def scim_type(self) -> str:
        return str(self.json.get("scimType", ""))

    @property
    def etag(self) -> str:
        return str(self.headers["ETag"])


@dataclass
class Client:
    """A client of one workspace. It sends no User-Agent, as Entra ID does not."""

    http: aiohttp.ClientSession
    base: str
    token: str = field(repr=False)

    async def send(
        self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: str
    ) -> Reply:
        given = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/scim+json"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        if data is None:
            given.pop("Content-Type")
        url = URL(f"{self.base}{path}", encoded=True)
        async with self.http.request(
            method, url, data=data, headers=given, skip_auto_headers=("User-Agent",), allow_redirects=False
        ) as answer:
            return Reply(answer.status, answer.headers, await answer.read())

    async def get(self, path: str, **query: str) -> Reply:
        return await self.send("GET", f"{path}{'?' if query else ''}{urlencode(query, quote_via=quote)}")

    async def post(self, path: str, body: Any) -> Reply:
        return await self.send("POST", path, body)

    async def put(self, path: str, body: Any) -> Reply:
        return await self.send("PUT", path, body)

    async def patch(self, path: str, *operations: Any) -> Reply:
        return await self.send("PATCH", path, {"schemas": [PATCH_OP], "Operations": list(operations)})

    async def delete(self, path: str) -> Reply:
        return await self.send("DELETE", path)

    async def user(self, user_name: str = "", /, **more: Any) -> dict[str, Any]:
        """Make a person."""
        body = {"schemas": [CORE], "userName": user_name or f"{secrets.token_hex(4)}@example.com", **more}
        made = await self.post("/Users", body)
        assert made.status == 201, made.raw
        return dict(made.json)

    async def group(self, name: str = "", *members: str) -> dict[str, Any]:
        """Make a group."""
        listed = [{"value": one} for one in members]
        body = {"schemas": [GROUP], "displayName": name or secrets.token_hex(4), "members": listed}
        made = await self.post("/Groups", body)
        assert made.status == 201, made.raw
        return dict(made.json)

    async def members(self, group: str) -> list[str]:
        """The ids of a group's members."""
        return [one["value"] for one in (await self.get(f"/Groups/{group}")).json.get("members", [])]


@dataclass(repr=False)
class World:
    """SCIM of a region with one cell."""

    url: str
    http: aiohttp.ClientSession
    cell: ModelCell
    scim: Scim
    placements: dict[str, Placement]
    peers: Peers

    def workspace(self, state: State = State.ACTIVE) -> tuple[Placement, Bearer]:
        """A workspace with a token."""
        key = new_key()
        placement = Placement(uuid4(), key, CELL, 1, state, 1)
        self.placements[key] = placement
        return placement, self.token(placement)

    def token(self, placement: Placement) -> Bearer:
        """Another token of a workspace."""
        bearer = new_bearer(Kind.DIRECTORY, placement.key)
        self.cell.credentials[bearer.digest.hex()] = placement.workspace_id
        return bearer

    def client(self, token: Bearer | None = None) -> Client:
        """A client of a fresh workspace, or with this token."""
        bearer = token or self.workspace()[1]
        return Client(self.http, f"{self.url}/scim/v2/{bearer.key}", bearer.text)


@dataclass
class Known:
    """Where workspaces live, for tests."""

    placements: dict[str, Placement]

    def get(self, key: str) -> Placement | None:
        return self.placements.get(key)


# Makes what answers a cell's calls, by the cell's key and whom it knows.
Answering = Callable[[SigningKey, Peers], Answers]


@asynccontextmanager
async def world(per_s: float = 100_000, answering: Answering | None = None) -> AsyncIterator[World]:
    """Both sides, on ports of this machine; the cell is the model, or whatever answers instead."""
    keys = {CELL: SigningKey.new(), US: SigningKey.new()}
    ports = {name: free_port() for name in keys}
    urls = {name: f"http://{name}.localhost:{port}" for name, port in ports.items()}
    peers = Peers(
        [
            Peer(CELL, PeerKind.CELL, "eu", urls[CELL], (keys[CELL].public_text(),)),
            Peer(US, PeerKind.PROVISIONING, "eu", urls[US], (keys[US].public_text(),)),
        ]
    )
    cell = ModelCell()
    answers = (answering or cell_of(cell))(keys[CELL], peers)
    placements: dict[str, Placement] = {}
    async with AsyncExitStack() as stack:
        calls = await stack.enter_async_context(Calls(US, keys[US], peers))
        scim = Scim(urls[US], Known(placements), calls, Addresses(PROXIES), per_s)
        stack.push_async_callback(scim.close)
        await stack.enter_async_context(serving(answers.in_front_of(nothing), ports[CELL]))
        await stack.enter_async_context(serving(scim.in_front_of(nothing), ports[US]))
        http = await stack.enter_async_context(
            aiohttp.ClientSession(connector=connector(), cookie_jar=aiohttp.DummyCookieJar())
        )
        yield World(urls[US], http, cell, scim, placements, peers)


def cell_of(model: ModelCell) -> Answering:
    """The model's answers."""

    def answering(key: SigningKey, peers: Peers) -> Answers:
        answers = Answers(CELL, key, peers, MemoryNonces(), _may)
        model.answer(answers)
        return answers

    return answering


async def _may(sender: str, operation: str, request: BaseModel) -> None:
    assert sender == US


async def nothing(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """The application behind: it says that it was reached."""
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


@asynccontextmanager
async def serving(app: ASGIFramework, port: int) -> AsyncIterator[None]:
    """Serve on a port until the block ends."""
    stop = asyncio.Event()
    task = asyncio.create_task(serve.serve(app, f"127.0.0.1:{port}", stop=stop))
    await eventually(lambda: listens(port), 5)
    yield
    stop.set()
    await task
