"""The records that feeds carry, as JSON: rows, not objects, since the names would be two thirds of a snapshot.

kind `cell`: name -> [region, url]. kind `workspace`: workspace key -> [id, cell, epoch, state, version].
"""

from collections.abc import Sequence
from uuid import UUID

from contracts.keys import is_key
from contracts.placements import CellAddress, Placement, State

CELL = "cell"
WORKSPACE = "workspace"


class RecordRefused(ValueError):
    """A record that was signed but is not of this form. The text names it."""


def cell_record(cell: CellAddress) -> list[object]:
    """The record of a cell; its key is the name."""
    return [cell.region, cell.url]


def cell_of(key: str, record: object) -> CellAddress:
    """Read a cell's record. Raises RecordRefused."""
    match record:
        case [str() as region, str() as url]:
            return CellAddress(key, region, url)
    raise RecordRefused(f"cell {key}: {record!r}")


def placement_record(placement: Placement) -> list[object]:
    """The record of a workspace; its key is the workspace key."""
    one = placement
    return [str(one.workspace_id), one.cell, one.epoch, one.state.value, one.version]


def placement_of(key: str, record: object) -> Placement:
    """Read a workspace's record. Raises RecordRefused."""
    if is_key(key) and isinstance(record, Sequence) and len(record) == 5:
        workspace_id, cell, epoch, state, version = record
        if type(cell) is str and type(epoch) is int and type(version) is int:
            try:
                return Placement(UUID(workspace_id), key, cell, epoch, State(state), version)
            except (ValueError, TypeError, AttributeError):
                pass
    raise RecordRefused(f"workspace {key}: {record!r}")
