"""A consumer's file: whole changes or none, and what is damaged is not used."""

import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from contracts.feed import Event, Record
from contracts.feed_disk import Disk
from contracts.feed_rules import Held
from contracts.feed_store import Store, StoreBroken, copy_file
from tests.contracts.registry import START

FORM = "test 1"


def pack(key: str, record: Record) -> bytes:
    if record == ["bad"]:
        raise ValueError("a bad record")
    return str(record).encode()


PACKS = {"workspace": pack, "cell": pack}


def at(n: int) -> Held:
    return Held("routing", 1, n, f"{n:064x}", START)


def event(n: int, key: str, record: Record | None, kind: str = "workspace") -> Event:
    return Event(n, START, kind, key, record)


def many(first: int, last: int) -> list[Event]:
    return [event(n, f"key{n % 997}", [n] if n % 7 else None) for n in range(first, last + 1)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "routing.mdb", FORM, PACKS)
    yield made
    made.close()


def test_another_process_copies_it_beside_its_writer(store: Store, tmp_path: Path) -> None:
    store.replace(at(1), {"workspace": {"a": [1]}})
    program = "import sys, pathlib as p, contracts.feed_store as s; s.copy_file(*map(p.Path, sys.argv[1:]))"
    copy, none = tmp_path / "copy.mdb", tmp_path / "none.mdb"
    subprocess.run([sys.executable, "-c", program, store.path, copy], check=True)
    store.apply(at(2), [event(2, "a", [2])])
    other = Store(copy, FORM, PACKS)
    assert (other.held, other.items("workspace")) == (at(1), {"a": b"[1]"})
    other.close()
    with pytest.raises(StoreBroken):
        copy_file(none, tmp_path / "more.mdb")


def test_what_is_taken_is_there_after_opening_again(store: Store) -> None:
    assert store.held is None
    store.replace(at(1), {"workspace": {"a": [1], "b": [2]}, "cell": {"eu-1": ["eu"]}, "unknown": {"x": [1]}})
    store.apply(at(4), [event(2, "a", [3]), event(3, "b", None), event(4, "x", [1], "unknown")])
    store.close()
    again = Store(store.path, FORM, PACKS)
    assert again.held == at(4)
    assert (again.items("workspace"), again.items("cell")) == ({"a": b"[3]"}, {"eu-1": b"['eu']"})
    assert (again.count("workspace"), again.get("workspace", "b")) == (1, None)
    again.check()
    again.close()


def test_a_snapshot_replaces_everything(store: Store) -> None:
    store.replace(at(1), {"workspace": {"a": [1]}, "cell": {"eu-1": ["eu"]}})
    store.replace(at(2), {"workspace": {"b": [2]}})
    assert (store.items("workspace"), store.items("cell")) == ({"b": b"[2]"}, {})
    store.check()


def test_a_record_that_cannot_be_used_leaves_all_as_it_was(store: Store) -> None:
    store.replace(at(1), {"workspace": {"a": [1]}})
    with pytest.raises(ValueError, match="bad record"):
        store.apply(at(3), [event(2, "a", [2]), event(3, "b", ["bad"])])
    with pytest.raises(ValueError, match="bad record"):
        store.replace(at(3), {"workspace": {"b": ["bad"]}})
    with pytest.raises(ValueError, match="511 fit"):
        store.apply(at(2), [event(2, "a" * 512, [2])])
    assert (store.held, store.items("workspace")) == (at(1), {"a": b"[1]"})
    store.check()
    store.apply(at(2), [event(2, "a", [2])])
    assert store.items("workspace") == {"a": b"[2]"}


def test_another_process_reads_what_was_just_taken(store: Store) -> None:
    asked = (
        "import sys; from pathlib import Path; from contracts.feed_store import Reader\n"
        "reader = Reader(Path(sys.argv[1]), ['workspace'])\n"
        "for line in sys.stdin:\n"
        "    with reader.environment.begin(reader.tables['workspace']) as view:\n"
        "        print(view.get(line.strip().encode()), reader.held_in(view, 'test 1').n, flush=True)\n"
    )
    store.replace(at(1), {"workspace": {"a": [1]}})
    with subprocess.Popen(
        [sys.executable, "-c", asked, str(store.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reading:
        assert reading.stdin is not None
        assert reading.stdout is not None
        for n, wanted in ((1, "b'[1]' 1"), (2, "b'[2]' 2"), (3, "None 3")):
            if n > 1:
                store.apply(at(n), [event(n, "a", [n] if n == 2 else None)])
            reading.stdin.write("a\n")
            reading.stdin.flush()
            assert reading.stdout.readline().strip() == wanted
        reading.stdin.close()


def test_a_state_of_another_form_is_not_used(store: Store) -> None:
    store.replace(at(1), {"workspace": {"a": [1]}})
    store.close()
    assert Store(store.path, "test 2", PACKS).held is None


def test_a_full_disk_leaves_the_state_as_it_was(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        try:
            store = Store(tmp_path / "routing.mdb", FORM, PACKS)
            store.replace(at(1), {"workspace": {"a": [1]}})
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (store.path.stat().st_size + 8192, resource.RLIM_INFINITY))
            for _ in range(2):
                try:
                    store.replace(at(2), {"workspace": {f"key{number}": [number] for number in range(20_000)}})
                except StoreBroken:
                    assert (store.held, store.items("workspace")) == (at(1), {"a": b"[1]"})
                else:
                    os._exit(3)
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            store.apply(at(2), [event(2, "b", [2])])
            store.check()
            os._exit(0 if store.count("workspace") == 2 else 4)
        finally:
            os._exit(5)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_killed_at_any_instant_it_stands_before_or_after_a_change(tmp_path: Path) -> None:
    chance = random.Random(4)
    for _ in range(25):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                store = Store(tmp_path / "routing.mdb", FORM, PACKS)
                os.write(writing, b"1")
                while True:
                    n = store.held.n if store.held else 0
                    store.apply(at(n + 50), many(n + 1, n + 50))
            finally:
                os._exit(1)
        os.read(reading, 1)
        time.sleep(chance.uniform(0, 0.03))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reading)
        os.close(writing)
        store = Store(tmp_path / "routing.mdb", FORM, PACKS)
        store.check()
        expected: dict[str, bytes] = {}
        for one in many(1, store.held.n if store.held else 0):
            if one.record is None:
                expected.pop(one.key, None)
            else:
                expected[one.key] = str(one.record).encode()
        assert store.items("workspace") == expected
        store.close()


def begun(folder: Path) -> Disk:
    return Disk(folder, "routing", FORM, PACKS)


def filled(folder: Path) -> Path:
    """A folder with a kept state at 1000 and a file at 2000; the file's path."""
    disk = begun(folder)
    disk.store.replace(at(1000), {"workspace": {f"key{n}": [n] for n in range(1000)}})
    disk.keep()
    disk.store.apply(at(2000), many(1001, 2000))
    disk.close()
    return disk.path


def test_a_process_goes_on_where_it_was(tmp_path: Path) -> None:
    filled(tmp_path)
    with capture_logs() as lines:
        disk = begun(tmp_path)
    assert (disk.store.held, lines) == (at(2000), [])
    disk.close()


def test_one_process_writes_a_folder(tmp_path: Path) -> None:
    disk = begun(tmp_path)
    with pytest.raises(StoreBroken, match="another process writes it"):
        begun(tmp_path)
    disk.close()
    begun(tmp_path).close()


def damage(path: Path, harm: str) -> None:
    whole = path.read_bytes()
    match harm:
        case "truncated":
            path.write_bytes(whole[: len(whole) // 2])
        case "cut to a page":
            path.write_bytes(whole[:4096])
        case "empty":
            path.write_bytes(b"")
        case "nonsense":
            path.write_bytes(random.Random(1).randbytes(len(whole)))
        case "one record changed":
            assert whole.count(b"[1501]") > 0
            path.write_bytes(whole.replace(b"[1501]", b"[6666]"))
        case "zeroed in the middle":
            path.write_bytes(whole[:12288] + bytes(8192) + whole[20480:])


@pytest.mark.parametrize(
    "harm", ["truncated", "cut to a page", "nonsense", "one record changed", "zeroed in the middle"]
)
def test_of_a_damaged_file_the_kept_state_is_used_and_said(tmp_path: Path, harm: str) -> None:
    damage(filled(tmp_path), harm)
    with capture_logs() as lines:
        disk = begun(tmp_path)
    assert [line["event"] for line in lines] == ["state damaged", "kept state used"]
    assert disk.store.held == at(1000)
    assert disk.store.items("workspace") == {f"key{n}": f"[{n}]".encode() for n in range(1000)}
    assert (tmp_path / "routing.damaged").exists()
    disk.close()


def test_with_the_kept_state_damaged_too_there_is_none(tmp_path: Path) -> None:
    damage(filled(tmp_path), "truncated")
    damage(tmp_path / "routing.kept", "truncated")
    with capture_logs() as lines:
        disk = begun(tmp_path)
    assert [line["event"] for line in lines] == ["state damaged", "kept state damaged"]
    assert disk.store.held is None
    disk.store.replace(at(1), {"workspace": {"a": [1]}})
    disk.close()
    assert begun(tmp_path).store.held == at(1)


def test_of_any_changed_byte_nothing_wrong_comes(tmp_path: Path) -> None:
    """A byte changed anywhere is noticed, or of no consequence."""
    path = filled(tmp_path)
    whole = path.read_bytes()
    store = Store(path, FORM, PACKS)
    good = {1000: {f"key{n}": f"[{n}]".encode() for n in range(1000)}, 2000: store.items("workspace")}
    store.close()
    chance = random.Random(7)
    noticed = 0
    for _ in range(40):
        place = chance.randrange(len(whole))
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << chance.randrange(8))]) + whole[place + 1 :])
        disk = begun(tmp_path)
        assert disk.store.held is not None
        assert disk.store.items("workspace") == good[disk.store.held.n]
        noticed += disk.store.held.n == 1000
        disk.close()
    assert noticed > 0
