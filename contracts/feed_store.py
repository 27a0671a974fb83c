"""A consumer's state on disk: an LMDB file that one process writes and every process of the host reads.

Every change is one transaction with its position, so that a crash at any instant leaves the state before or after it.
LMDB trusts its file. What could not be trusted (a bad disk, a hand in the folder) is noticed by sums over all
records that are kept with the position (contracts/feed_disk.py); they are no signature: who may write to the folder
is trusted, everybody else's word is signed.
"""

import json
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import cast

import lmdb

from contracts.feed import Event, Record
from contracts.feed_rules import Held

# What a consumer keeps of a record of one kind: bytes of its own making. Raises ValueError for a record that it
# cannot use; the message that brought it is then not taken. Kinds without one are not kept.
Pack = Callable[[str, Record], bytes]

_MAP_SIZE = 16 << 30  # bytes of address space, not of disk: a file can never outgrow it
_META = b"meta"
_AT = b"at"
_CHECK_BYTES = 4
_LONGEST_KEY = 511  # bytes, of LMDB

Sums = dict[str, list[int]]  # kind -> [records, sum of their check sums]


# What a look-up raises where the file is no longer what it was.
LookUpFailed = lmdb.Error


class StoreBroken(Exception):
    """The state on disk cannot be used or written. The text says why, in words for whoever runs the process."""


class Reader:
    """Looks records up, in any process. Raises StoreBroken when there is no state at `path`."""

    def __init__(self, path: Path, kinds: Iterable[str], *, beside_writer: bool = True) -> None:
        with _said(path):
            self.environment = lmdb.open(
                str(path), subdir=False, map_size=_MAP_SIZE, max_dbs=64, readonly=True, lock=beside_writer
            )
            self.tables = {kind: self.environment.open_db(kind.encode(), create=False) for kind in kinds}
            self.meta = self.environment.open_db(_META, create=False)

    def held_in(self, view: "lmdb.Transaction[bytes]", form: str) -> Held | None:
        """The position of the state in `view`, or None while there is none that this `form` of records can use."""
        found = _read_meta(view.get(_AT, db=self.meta), form)
        return found[0] if found else None

    def close(self) -> None:
        """Let go of the file."""
        self.environment.close()


class Store:
    """The state of one audience. `form` names how `packs` make bytes; a state of another form is not used."""

    def __init__(self, path: Path, form: str, packs: Mapping[str, Pack]) -> None:
        self.path = path
        self._form = form
        self._packs = dict(packs)
        self._busy = threading.RLock()  # a write that was begun ends before the file is let go of
        self._open()

    def _open(self) -> None:
        with _said(self.path):
            self._env = lmdb.open(str(self.path), subdir=False, map_size=_MAP_SIZE, max_dbs=64)
            self._tables = {kind: self._env.open_db(kind.encode()) for kind in self._packs}
            self._meta = self._env.open_db(_META)
            with self._env.begin() as view:
                found = _read_meta(view.get(_AT, db=self._meta), self._form)
        self.held: Held | None = found[0] if found else None
        self._sums = found[1] if found else self._no_sums()

    def close(self) -> None:
        """Let go of the file."""
        with self._busy:
            self._env.close()

    def apply(self, held: Held, events: Iterable[Event]) -> None:
        """Take events and stand at `held`, whole or not at all.

        Raises StoreBroken (a full disk, say) and ValueError (a record that cannot be used); the state is as before.
        """
        with self._changing(held, {kind: list(sums) for kind, sums in self._sums.items()}) as (change, sums):
            for event in events:
                pack = self._packs.get(event.kind)
                if pack is None:
                    continue
                key = _key(event.key)
                value = None if event.record is None else pack(event.key, event.record)
                _put(change, self._tables[event.kind], key, value, sums[event.kind])

    def replace(self, held: Held, records: Mapping[str, Mapping[str, Record]]) -> None:
        """Take all of a snapshot's records in place of what there was, whole or not at all. Raises as `apply`."""
        with self._changing(held, self._no_sums()) as (change, sums):
            for kind, pack in self._packs.items():
                table, members = self._tables[kind], records.get(kind, {})
                change.drop(table, delete=False)
                # In order and appended, pages are filled to the last byte.
                for key, name in sorted((_key(name), name) for name in members):
                    value = pack(name, members[name])
                    change.put(key, value, append=True, db=table)
                    _count(sums[kind], key, value, 1)

    def get(self, kind: str, key: str) -> bytes | None:
        """A record as it was packed."""
        with self._env.begin(self._tables[kind]) as view:
            return view.get(_key(key))

    def items(self, kind: str) -> dict[str, bytes]:
        """Every record of a kind as it was packed."""
        with self._env.begin(self._tables[kind]) as view:
            return {key.decode(): value for key, value in view.cursor()}

    def count(self, kind: str) -> int:
        """How many records of a kind there are."""
        return self._sums[kind][0]

    def check(self) -> None:
        """Compare all records with the sums, about 0.5 s a million. Raises StoreBroken."""
        with self._busy, _said(self.path), self._env.begin() as view:
            _compare(self.path, view, self._tables, self._sums)

    def age_s(self) -> float:
        """Seconds since the registry made what is held, or said that nothing was new; 0 while nothing is held."""
        return (datetime.now(UTC) - self.held.made_at).total_seconds() if self.held else 0.0

    def forget_dead_readers(self) -> None:
        """Free what a reader that was killed had in use; else the file would grow with every change."""
        self._env.reader_check()

    def copy(self, to: Path) -> None:
        """Write a copy of this moment's state to `to`, which must not be there yet."""
        with self._busy, _said(to):
            self._env.copy(str(to), compact=True)

    @contextmanager
    def _changing(self, held: Held, sums: Sums) -> "Iterator[tuple[lmdb.Transaction[bytes], Sums]]":
        with self._busy:
            try:
                with _said(self.path), self._env.begin(write=True) as change:
                    yield change, sums
                    change.put(_AT, _meta(self._form, held, sums), db=self._meta)
            except StoreBroken:
                # After a failed write LMDB may refuse every other one until the file is opened again.
                self._env.close()
                self._open()
                raise
            self.held, self._sums = held, sums

    def _no_sums(self) -> Sums:
        return {kind: [0, 0] for kind in self._packs}


def copy_file(path: Path, to: Path) -> None:
    """Write a copy of a state that another process may be changing to `to`, as Store.copy. Raises StoreBroken."""
    with closing(Reader(path, ())) as reader, _said(to):
        reader.environment.copy(str(to), compact=True)


def check_file(path: Path, form: str, kinds: Iterable[str]) -> None:
    """Read every record of the file at `path` and compare with the sums. Raises StoreBroken.

    A file that is damaged badly enough ends the process: to be called in one that nobody needs, with no writer.
    """
    reader = Reader(path, kinds, beside_writer=False)
    with _said(path), reader.environment.begin() as view:
        raw = view.get(_AT, db=reader.meta)
        found = _read_meta(raw, form)
        if found is None and raw is not None:
            raise StoreBroken(f"{path.name}: its position cannot be read, or it is of another form")
        _compare(path, view, reader.tables, found[1] if found else {kind: [0, 0] for kind in reader.tables})
    reader.close()


def _compare(path: Path, view: "lmdb.Transaction[bytes]", tables: "Mapping[str, lmdb._Database]", sums: Sums) -> None:
    for kind, table in tables.items():
        count, total = sums[kind]
        # Every step of this runs in C. It ends, should a damaged file lead in circles.
        seen = sum(map(zlib.crc32, map(b"".join, islice(view.cursor(table), count + 1))))
        if seen != total or view.stat(table)["entries"] != count:
            raise StoreBroken(f"{path.name}: records of kind {kind} are not those that were written")


def _put(
    change: "lmdb.Transaction[bytes]", table: "lmdb._Database", key: bytes, value: bytes | None, sums: list[int]
) -> None:
    """Write or remove one record, and keep the sums in step."""
    old = change.get(key, db=table)
    if old is not None:
        _count(sums, key, old, -1)
    if value is not None:
        _count(sums, key, value, 1)
        change.put(key, value, db=table)
    elif old is not None:
        change.delete(key, db=table)


def _count(sums: list[int], key: bytes, value: bytes, sign: int) -> None:
    sums[0] += sign
    sums[1] += sign * zlib.crc32(key + value)


def _key(name: str) -> bytes:
    key = name.encode()
    if len(key) > _LONGEST_KEY:
        raise ValueError(f"a record's key has {len(key)} bytes, {_LONGEST_KEY} fit")
    return key


def _meta(form: str, held: Held, sums: Sums) -> bytes:
    said = {**asdict(held), "made_at": held.made_at.isoformat(), "form": form, "sums": sums}
    body = json.dumps(said, separators=(",", ":")).encode()
    return zlib.crc32(body).to_bytes(_CHECK_BYTES, "big") + body


def _read_meta(raw: bytes | None, form: str) -> tuple[Held, Sums] | None:
    if raw is None or zlib.crc32(raw[_CHECK_BYTES:]).to_bytes(_CHECK_BYTES, "big") != raw[:_CHECK_BYTES]:
        return None
    said = json.loads(raw[_CHECK_BYTES:])
    if said.pop("form") != form:
        return None
    sums = cast(Sums, said.pop("sums"))
    return Held(**{**said, "made_at": datetime.fromisoformat(said["made_at"])}), sums


@contextmanager
def _said(path: Path) -> Iterator[None]:
    """LMDB's errors in our words; its own repeat the whole path."""
    try:
        yield
    except lmdb.Error as error:
        raise StoreBroken(f"{path.name}: {type(error).__name__}: {_reason(error)}") from error
    except OSError as error:
        raise StoreBroken(f"{path.name}: {error.strerror}") from error


def _reason(error: lmdb.Error) -> str:
    with suppress(AttributeError):
        return str(error.reason)
    return "failed"
