"""The shared map: what another process writes is known at the next question, and nothing is cached beyond that."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.domains import DOMAINS, digest
from contracts.feed_rules import Held
from contracts.feed_store import Store
from contracts.placements import State
from contracts.records import CELL, WORKSPACE, cell_record, placement_record
from router.map import NoAnswer, SharedMap
from router.records import FORM, Place, packs
from tests.router.world import CELLS, EU, GO, KEYS, UNKNOWN_KEY, US_KEY, make_snapshot

KEY = b"k" * 32
DOMAIN = digest(KEY, "acme.example")

# Writes what it is told, line by line: [n, kind, key, record or null].
WRITER = f"""
import json, sys
from datetime import UTC, datetime
from pathlib import Path
from contracts.feed import Event
from contracts.domains import DOMAINS, digest
from contracts.feed_rules import Held
from contracts.feed_store import Store
from router.records import FORM, packs
store = Store(Path(sys.argv[1]), FORM, packs({GO!r}))
for line in sys.stdin:
    n, kind, key, record = json.loads(line)
    at = datetime.now(UTC)
    store.apply(Held("routing", 1, n, "", at), [Event(n, at, kind, key, record)])
    print("done", flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    snapshot = make_snapshot()
    store = Store(tmp_path / "routing.mdb", FORM, packs(GO))
    records = {
        CELL: {one.name: cell_record(one) for one in CELLS},
        WORKSPACE: {one.key: placement_record(one) for one in snapshot.placements},
    }
    store.replace(Held("routing", 1, 1, "", snapshot.made_at), records)
    store.close()
    return store.path


class Writer:
    """Another process that writes the map."""

    def __init__(self, path: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.n = 1

    def __call__(self, kind: str, key: str, record: object) -> None:
        self.n += 1
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps([self.n, kind, key, record]), file=self.process.stdin, flush=True)
        assert self.process.stdout.readline() == "done\n"


@pytest.fixture
def write(path: Path) -> Iterator[Writer]:
    writer = Writer(path)
    with writer.process:
        yield writer
        assert writer.process.stdin is not None
        writer.process.stdin.close()


def row(cell: str, state: State) -> list[object]:
    return ["00000000-0000-0000-0000-000000000001", cell, 1, state.value, 1]


def test_it_finds_what_is_there(path: Path) -> None:
    at = SharedMap(path, KEY)
    for state, key in KEYS.items():
        assert at.find(key.encode()) == Place(state, "eu", EU.encode())
    found = at.find(US_KEY.encode())
    assert found is not None
    assert found.region == "us"
    assert at.held is not None
    assert (at.held.generation, at.held.n) == (1, 1)


@pytest.mark.parametrize("key", [UNKNOWN_KEY, "", "x" * 5000, "\x00", "eu-1", KEYS[State.ACTIVE][:-1]])
def test_it_finds_nothing_else(path: Path, key: str) -> None:
    assert SharedMap(path, KEY).find(key.encode()) is None


def test_a_new_workspace_is_known_at_the_next_question_and_a_tombstone_too(path: Path, write: Writer) -> None:
    at, key = SharedMap(path, KEY), UNKNOWN_KEY.encode()
    for _ in range(3):
        assert at.find(key) is None
        write(WORKSPACE, UNKNOWN_KEY, row("us-1", State.ACTIVE))
        found = at.find(key)
        assert found is not None
        assert found.region == "us"
        write(WORKSPACE, UNKNOWN_KEY, row("us-1", State.SUSPENDED))
        found = at.find(key)
        assert found is not None
        assert found.state is State.SUSPENDED
        write(WORKSPACE, UNKNOWN_KEY, None)
    assert at.find(key) is None
    assert at.held is not None
    assert at.held.n == write.n


def test_a_cell_that_moves_takes_its_workspaces_along(path: Path, write: Writer) -> None:
    at, key = SharedMap(path, KEY), KEYS[State.ACTIVE].encode()
    assert at.find(key) is not None
    write(CELL, "eu-1", ["eu", "https://eu-1.example"])
    found = at.find(key)
    assert found is not None
    assert found.url == b"https://eu-1.example"
    write(CELL, "eu-1", None)
    with pytest.raises(NoAnswer):
        at.find(key)


def test_a_domain_is_known_at_the_next_question_by_its_key_alone(path: Path, write: Writer) -> None:
    at = SharedMap(path, KEY)
    assert at.workspaces("acme.example") == []
    write(DOMAINS, DOMAIN, [US_KEY, KEYS[State.ACTIVE]])
    assert at.workspaces("acme.example") == [US_KEY.encode(), KEYS[State.ACTIVE].encode()]
    assert at.workspaces("acme.exampl") == []
    write(DOMAINS, DOMAIN, None)
    assert at.workspaces("acme.example") == []


@pytest.mark.parametrize("key", [b"x" * 32, None])
def test_without_the_right_key_no_domain_is_known(path: Path, write: Writer, key: bytes | None) -> None:
    at = SharedMap(path, key)
    write(DOMAINS, DOMAIN, [US_KEY])
    assert at.workspaces("acme.example") == []


def test_the_addresses_of_cells_are_known(path: Path) -> None:
    at = SharedMap(path, KEY)
    assert at.held is not None
    assert at.cells() == sorted(one.url.encode() for one in CELLS)


def test_without_a_state_there_is_no_map(tmp_path: Path) -> None:
    Store(tmp_path / "routing.mdb", FORM, packs(GO)).close()
    at = SharedMap(tmp_path / "routing.mdb", KEY)
    assert (at.held, at.find(UNKNOWN_KEY.encode())) == (None, None)


@pytest.mark.parametrize(
    ("kind", "key", "record"),
    [
        (CELL, "eu-1", ["eu", GO]),
        (CELL, "eu-1", ["eu", "javascript:x"]),
        (CELL, "eu-1", ["eu", "http://a.example/x"]),
        (CELL, "eu-1", ["eu", "http://u@a.example"]),
        (CELL, "eu-1", ["eu", "http://a\r\nb"]),
        (CELL, "eu-1", ["Not a region", "http://a.example"]),
        (CELL, "eu-1", ["eu"]),
        (WORKSPACE, "Nope", row("eu-1", State.ACTIVE)),
        (WORKSPACE, UNKNOWN_KEY, ["x", "eu-1", 1, "active", 1]),
        (WORKSPACE, UNKNOWN_KEY, ["00000000-0000-0000-0000-000000000001", "eu-1", 1, "resting", 1]),
        (DOMAINS, "acme.example", [US_KEY]),
        (DOMAINS, DOMAIN, []),
        (DOMAINS, DOMAIN, ["Nope"]),
    ],
)
def test_a_record_that_would_lead_astray_is_refused(kind: str, key: str, record: list[object]) -> None:
    with pytest.raises(ValueError, match=r"cell|workspace|domain"):
        packs(GO + "/")[kind](key, record)
