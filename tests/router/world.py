"""A small world for the router: two cells, one workspace in each state, and a way to ask without a server."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from contracts.feed_rules import Held
from contracts.placements import ROUTING, CellAddress, Placement, Snapshot, State
from contracts.records import CELL, WORKSPACE, cell_record, placement_record
from router.door import Door
from router.map import NoAnswer
from router.pages import Answer
from router.records import Place, packs, unpack_place

GO = "http://go.localhost:8000"
EU, US = "http://eu-1.localhost:8001", "http://us-1.localhost:8002"
CELLS = (CellAddress("eu-1", "eu", EU), CellAddress("us-1", "us", US))
KEYS = {
    State.ACTIVE: "bcdfgh22",
    State.PROVISIONING: "bcdfgh33",
    State.FROZEN: "bcdfgh44",
    State.SUSPENDED: "bcdfgh55",
    State.DELETING: "bcdfgh66",
    State.DELETED: "bcdfgh77",
}
US_KEY, UNKNOWN_KEY = "wxyz234567", "bcdfgh99"
REGIONS = {"eu": "http://provisioning-eu.localhost:8010", "us": "http://provisioning-us.localhost:8011"}
FILES = {b"/static/a.css": Answer(200, [(b"content-type", b"text/css")], b"a{}")}


def make_snapshot(n: int = 1, generation: int = 1) -> Snapshot:
    placements = [
        Placement(UUID(int=number), key, "eu-1", 1, state, 1) for number, (state, key) in enumerate(KEYS.items())
    ]
    placements.append(Placement(UUID(int=99), US_KEY, "us-1", 1, State.ACTIVE, 1))
    return Snapshot(ROUTING, generation, n, datetime.now(UTC), CELLS, tuple(placements))


@dataclass
class Answered:
    """What came back for one request."""

    status: int
    headers: dict[str, str]
    body: bytes
    messages: list[dict[str, Any]] = field(repr=False)

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Asker:
    """Calls the ASGI application itself; reading a body is a failure."""

    snapshot: Snapshot | None
    door: Door = field(init=False)
    address: str = "192.0.2.1"
    domains: dict[str, list[str]] = field(default_factory=dict)
    looked_up: int = 0

    @property
    def held(self) -> Held | None:
        one = self.snapshot
        return Held(ROUTING, one.generation, one.n, "", one.made_at) if one else None

    def find(self, key: bytes) -> Place | None:
        """The map, as the router packs and unpacks it."""
        self.looked_up += 1
        if self.snapshot is None:
            return None
        pack = packs(GO)
        cells = {one.name.encode(): pack[CELL](one.name, cell_record(one)) for one in self.snapshot.cells}
        for one in self.snapshot.placements:
            if one.key.encode() == key:
                place = unpack_place(pack[WORKSPACE](one.key, placement_record(one)), cells)
                if place is None:
                    raise NoAnswer
                return place
        return None

    def workspaces(self, domain: str) -> list[bytes]:
        return [key.encode() for key in self.domains.get(domain, [])]

    def cells(self) -> list[bytes]:
        return [one.url.encode() for one in self.snapshot.cells] if self.snapshot else []

    async def __call__(
        self,
        path: str | bytes,
        method: str = "GET",
        query: bytes = b"",
        host: str = "go.localhost:8000",
        **headers: str,
    ) -> Answered:
        raw = path if isinstance(path, bytes) else path.encode()
        scope: Any = {
            "type": "http",
            "method": method,
            "raw_path": raw,
            "path": raw.decode("latin-1"),
            "query_string": query,
            "client": (self.address, 40000),
            "headers": [
                (b"host", host.encode()),
                *((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()),
            ],
        }
        messages: list[Any] = []

        async def receive() -> Any:
            raise AssertionError("the router reads no body")

        async def send(message: Any) -> None:
            messages.append(message)

        await self.door(scope, receive, send)
        start, body = messages
        sent = {name.decode(): value.decode() for name, value in start["headers"]}
        assert len(sent) == len(start["headers"]), "a header stands there twice"
        return Answered(start["status"], sent, body["body"], messages)
