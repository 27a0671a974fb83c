"""What the router keeps of the registry's records: for a workspace a state and a cell's name, a dozen bytes.

For a domain's keyed hash it keeps the keys of its workspaces.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from contracts.domains import DOMAINS, workspaces_of
from contracts.feed import Record
from contracts.feed_store import Pack
from contracts.placements import State
from contracts.records import CELL, WORKSPACE, cell_of, placement_of

FORM = "router 2"  # of what is packed here; another one than a state on disk has makes that state of no use
KINDS = (CELL, WORKSPACE, DOMAINS)

_LETTERS = dict(zip(State, (b"p", b"a", b"f", b"s", b"g", b"d"), strict=True))
_STATES = {letter[0]: state for state, letter in _LETTERS.items()}
_REGION = re.compile(r"[a-z][a-z0-9-]{0,30}")
_HOST = re.compile(r"[a-z0-9.-]{1,253}(:[0-9]{1,5})?")


class Place(NamedTuple):
    """Where a workspace is and whether it may be used."""

    state: State
    region: str
    url: bytes  # of the cell: scheme and host


def packs(go_url: str) -> Mapping[str, Pack]:
    """How records become bytes. They raise ValueError for one that would lead visitors astray."""
    front_door = urlsplit(go_url).netloc

    def cell(key: str, record: Record) -> bytes:
        one = cell_of(key, record)
        parts = urlsplit(one.url)
        plain = parts.scheme in {"http", "https"} and one.url == f"{parts.scheme}://{parts.netloc}"
        if not plain or not _HOST.fullmatch(parts.netloc) or not _REGION.fullmatch(one.region):
            raise ValueError(f"cell {key}: its url is not scheme://host, or its region no name")
        if parts.netloc == front_door:
            raise ValueError(f"cell {key} has the front door's own address: visitors would turn in circles")
        return f"{one.region} {one.url}".encode()

    def workspace(key: str, record: Record) -> bytes:
        one = placement_of(key, record)
        return _LETTERS[one.state] + one.cell.encode()

    def domain(digest: str, record: Record) -> bytes:
        return " ".join(workspaces_of(digest, record)).encode()

    return {CELL: cell, WORKSPACE: workspace, DOMAINS: domain}


def unpack_place(packed: bytes, cells: Mapping[bytes, bytes]) -> Place | None:
    """The place of a packed workspace among packed cells by name; None where its cell is not known."""
    cell = cells.get(packed[1:])
    if cell is None:
        return None
    region, _, url = cell.partition(b" ")
    return Place(_STATES[packed[0]], region.decode(), url)
