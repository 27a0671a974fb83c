"""Maps for the router's figures: a small signed file, and a million workspaces as a router leaves them on disk."""

import atexit
import http.client
import json
import random
import shutil
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import UUID, uuid4

from contracts.domains import DOMAINS
from contracts.feed import encode_snapshot, first_mark, member_json
from contracts.keys import ALPHABET
from contracts.placements import ROUTING, CellAddress, Placement, Snapshot, State, write_snapshot
from contracts.records import CELL, WORKSPACE, cell_record
from kit.ports import free_port
from kit.signing import SigningKey
from loadtest.bench.figures import Unmeasurable
from loadtest.bench.servers import router

WORKSPACES = 1_000_000
WITH_DOMAIN = 10
CELL_URL = "http://eu-1.localhost:8001"
_CELL = CellAddress("eu-1", "eu", CELL_URL)


@dataclass(frozen=True)
class Fleet:
    """Workspaces, and the settings of a router that knows them."""

    keys: list[str]
    settings: dict[str, str]

    @property
    def map_file(self) -> Path:
        """Where the router keeps its map."""
        return Path(self.settings["STATE_DIR"]) / "routing.mdb"


def small_map(stack: ExitStack, keys: list[str]) -> Fleet:
    """A signed file with these workspaces, gone at the end of `stack`."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    signing = SigningKey.new()
    placements = tuple(Placement(uuid4(), key, _CELL.name, 1, State.ACTIVE, 1) for key in set(keys))
    write_snapshot(folder / "map", Snapshot(ROUTING, 1, 1, datetime.now(UTC), (_CELL,), placements), signing)
    settings = {
        "SNAPSHOT_PATH": str(folder / "map"),
        "STATE_DIR": str(folder),
        "REGISTRY_PUBLIC_KEYS": signing.public_text(),
    }
    return Fleet(keys, settings)


@cache
def million() -> Fleet:
    """A router's folder after it took a snapshot of a million workspaces; whoever it came from is gone.

    One workspace in WITH_DOMAIN has verified a domain.
    """
    folder = Path(tempfile.mkdtemp(prefix="cellcast-million-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    keys, signing = _many_keys(), SigningKey.new()
    raw = _snapshot(keys, signing)

    class Registry(BaseHTTPRequestHandler):
        """Gives the snapshot, and nothing after it."""

        def do_GET(self) -> None:
            if self.path != f"/snapshots/{ROUTING}":
                self.send_error(503)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    port = free_port()
    settings = {
        "FEED_URL": f"http://127.0.0.1:{port}",
        "FEED_TOKEN": "bench",
        "STATE_DIR": str(folder),
        "REGISTRY_PUBLIC_KEYS": signing.public_text(),
    }
    with ThreadingHTTPServer(("127.0.0.1", port), Registry) as registry:
        threading.Thread(target=registry.serve_forever, daemon=True).start()
        with router(settings, workers=1) as server:
            _until_ready(server.port)
        registry.shutdown()
    return Fleet(keys, settings)


def _many_keys() -> list[str]:
    drawn = random.Random(0)  # noqa: S311 - keys that nobody has
    keys: set[str] = set()
    while len(keys) < WORKSPACES:
        keys.add("".join(drawn.choices(ALPHABET, k=8)))
    return sorted(keys)


def _snapshot(keys: list[str], signing: SigningKey) -> bytes:
    # The text of a record, made a million times from its parts.
    members = [f'"{key}":["{UUID(int=number)}","{_CELL.name}",1,"active",1]' for number, key in enumerate(keys)]
    domains = [f'"{sha256(key.encode()).hexdigest()}":["{key}"]' for key in keys[::WITH_DOMAIN]]
    records = [(DOMAINS, domains), (CELL, [member_json(_CELL.name, cell_record(_CELL))]), (WORKSPACE, members)]
    return encode_snapshot(ROUTING, 1, 1, first_mark(ROUTING, 1), datetime.now(UTC), records, [signing])


def _until_ready(port: int) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        asked = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            asked.request("GET", "/readyz")
            if json.loads(asked.getresponse().read())["ready"]:
                return
        except OSError:
            pass
        finally:
            asked.close()
        time.sleep(0.2)
    raise Unmeasurable("the router did not take the snapshot")
