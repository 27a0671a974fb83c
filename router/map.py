"""The map: every workspace key and the place it leads to, in one file that all workers of a host read."""

from pathlib import Path
from typing import Protocol

from contracts.domains import DOMAINS, KEY_BYTES, digest
from contracts.feed_rules import Held
from contracts.feed_store import LookUpFailed, Reader
from contracts.records import CELL, WORKSPACE
from router.records import FORM, KINDS, Place, unpack_place

_LONGEST_KEY = 16  # bytes; no workspace's key is longer


class NoAnswer(Exception):
    """A workspace is there and its cell is not, or the map cannot be read: not a moment to say that there is none."""


class Map(Protocol):
    """Whatever knows where workspaces are."""

    @property
    def held(self) -> Held | None:
        """The position that answers now, None while there is no map."""

    def find(self, key: bytes) -> Place | None:
        """Where a workspace is, as of this moment; None for a key that is not known. Raises NoAnswer."""

    def workspaces(self, domain: str) -> list[bytes]:
        """The keys of the workspaces that have verified a normalised domain. Raises NoAnswer."""

    def cells(self) -> list[bytes]:
        """The addresses of all cells."""


class SharedMap:
    """Looks into the file anew for each question: a change is known as soon as it is written.

    Nothing is cached but what a workspace's few bytes stand for, and that until the next change.
    """

    def __init__(self, path: Path, domain_key: bytes | None) -> None:
        self._domain_key = domain_key
        self._reader = Reader(path, KINDS)
        self._begin = self._reader.environment.begin
        self._workspaces = self._reader.tables[WORKSPACE]
        self._change = -1  # the number of the change that `_held`, `_cells` and `_places` are of
        self._held: Held | None = None
        self._cells: dict[bytes, bytes] = {}
        self._places: dict[bytes, Place] = {}

    @property
    def held(self) -> Held | None:
        """See Map."""
        self.find(b"-")
        return self._held

    def find(self, key: bytes) -> Place | None:
        """See Map."""
        if not 0 < len(key) <= _LONGEST_KEY:
            return None
        try:
            with self._begin(self._workspaces) as view:
                if view.id() != self._change:
                    self._change = view.id()
                    self._held = self._reader.held_in(view, FORM)
                    self._cells = dict(view.cursor(self._reader.tables[CELL]))
                    self._places = {}
                packed = view.get(key)
        except LookUpFailed as failed:
            raise NoAnswer from failed
        if packed is None:
            return None
        place = self._places.get(packed)
        if place is None:
            place = unpack_place(packed, self._cells)
            if place is None:
                raise NoAnswer
            self._places[packed] = place
        return place

    def workspaces(self, domain: str) -> list[bytes]:
        """See Map. Without the key no domain is known."""
        hashed = digest(self._domain_key or bytes(KEY_BYTES), domain).encode()
        try:
            with self._begin(self._reader.tables[DOMAINS]) as view:
                return (view.get(hashed) or b"").split()
        except LookUpFailed as failed:
            raise NoAnswer from failed

    def cells(self) -> list[bytes]:
        """See Map."""
        return sorted(packed.partition(b" ")[2] for packed in self._cells.values())
