"""Records: what is written is read, and anything else is refused by name."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import records
from contracts.keys import ALPHABET
from contracts.placements import CellAddress, Placement, State

PLACEMENTS = st.builds(
    Placement,
    workspace_id=st.uuids(),
    key=st.text(ALPHABET, min_size=6, max_size=10),
    cell=st.sampled_from(["eu-1", "us-2"]),
    epoch=st.integers(0, 2**40),
    state=st.sampled_from(State),
    version=st.integers(0, 2**40),
)


@given(PLACEMENTS)
def test_a_placement_is_read_as_it_was_written(placement: Placement) -> None:
    assert records.placement_of(placement.key, records.placement_record(placement)) == placement


def test_a_cell_is_read_as_it_was_written() -> None:
    cell = CellAddress("eu-1", "eu", "http://eu-1.localhost:8001")
    assert records.cell_of("eu-1", records.cell_record(cell)) == cell


@pytest.mark.parametrize("record", [None, [], ["eu"], ["eu", 1], {"region": "eu"}, ["eu", "url", "more"]])
def test_an_odd_cell_is_refused(record: object) -> None:
    with pytest.raises(records.RecordRefused, match="cell eu-1"):
        records.cell_of("eu-1", record)


@pytest.mark.parametrize(
    "record",
    [
        None,
        "text5",
        ["no-uuid", "eu-1", 1, "active", 1],
        [5, "eu-1", 1, "active", 1],
        [str(UUID(int=1)), 1, 1, "active", 1],
        [str(UUID(int=1)), "eu-1", True, "active", 1],
        [str(UUID(int=1)), "eu-1", 1, "asleep", 1],
        [str(UUID(int=1)), "eu-1", 1, "active", "1"],
    ],
)
def test_an_odd_placement_is_refused(record: object) -> None:
    with pytest.raises(records.RecordRefused, match="workspace dmkrt234"):
        records.placement_of("dmkrt234", record)
