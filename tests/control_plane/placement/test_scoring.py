"""Scoring: region is law, then room, then the terms of the score; and losers are told why."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.placement.scoring import SILENT_AFTER, CellFacts, decide
from control_plane.placement.sizes import CLASSES, Size, size_of
from control_plane.placement.states import CellState

AT = datetime(2026, 11, 24, tzinfo=UTC)
CELL = CellFacts("eu-1", "eu", CellState.OPEN, 1000, heard_at=AT)
OTHER = replace(CELL, name="eu-2")

FACTS = st.builds(
    CellFacts,
    name=st.sampled_from([f"{region}-{number}" for region in ("eu", "us") for number in range(1, 5)]),
    region=st.sampled_from(["eu", "us"]),
    state=st.sampled_from(CellState),
    capacity=st.integers(1, 2000),
    weight=st.floats(0.1, 10),
    dedicated=st.booleans(),
    reserved=st.integers(0, 2000),
    workspaces=st.integers(0, 2000),
    large=st.integers(0, 20),
    measured=st.none() | st.floats(0, 3000),
    reserved_then=st.integers(0, 2000),
    growth=st.floats(-10, 10),
    heard_at=st.none() | st.datetimes(datetime(2026, 11, 1), datetime(2026, 11, 24), timezones=st.just(UTC)),
)


@given(cells=st.lists(FACTS, max_size=8, unique_by=lambda cell: cell.name), size=st.sampled_from(Size))
def test_whatever_the_fleet_the_law_holds(cells: list[CellFacts], size: Size) -> None:
    decision = decide("eu", size, cells, AT)
    assert len(decision.verdicts) == len(cells)
    assert all(verdict.reason for verdict in decision.verdicts)
    if decision.cell is None:
        assert all(verdict.score is None for verdict in decision.verdicts)
        return
    chosen = next(cell for cell in cells if cell.name == decision.cell)
    assert chosen.region == "eu" and chosen.state is CellState.OPEN
    assert chosen.reserved + decision.units <= chosen.capacity
    scores = [verdict.score for verdict in decision.verdicts if verdict.score is not None]
    assert scores == sorted(scores, reverse=True)
    assert decision.verdicts[0].cell == decision.cell


@given(cells=st.permutations([CELL, OTHER, replace(CELL, name="eu-3", reserved=1)]))
def test_the_order_of_the_cells_does_not_matter(cells: list[CellFacts]) -> None:
    assert decide("eu", Size.SMALL, cells, AT).cell == "eu-1"


@pytest.mark.parametrize(
    ("worse", "size", "reason"),
    [
        (replace(CELL, reserved=100), Size.SMALL, "mostly load"),
        (replace(CELL, measured=100.0), Size.SMALL, "mostly load"),
        (replace(CELL, growth=5.0), Size.SMALL, "mostly growth"),
        (replace(CELL, large=2), Size.LARGE, "mostly spread"),
        (replace(CELL, weight=0.5), Size.LARGE, "mostly load"),
        (replace(CELL, workspaces=1), Size.SMALL, "as good as eu-2"),
        (replace(CELL, state=CellState.DRAINING), Size.SMALL, "not open: draining"),
        (replace(CELL, region="us"), Size.SMALL, "another region: us"),
        (replace(CELL, reserved=1000), Size.SMALL, "no room: 1000 of 1000"),
        (replace(CELL, measured=999.5), Size.SMALL, "no room: 1000 of 1000"),
        (replace(CELL, dedicated=True), Size.SMALL, "kept for a dedicated"),
        (replace(CELL, heard_at=AT - SILENT_AFTER - timedelta(seconds=1)), Size.SMALL, "silent since"),
        (replace(CELL, heard_at=None), Size.SMALL, "never heard of"),
    ],
)
def test_each_reason_to_lose(worse: CellFacts, size: Size, reason: str) -> None:
    decision = decide("eu", size, [worse, OTHER], AT)
    assert decision.cell == "eu-2"
    assert reason in next(verdict.reason for verdict in decision.verdicts if verdict.cell == "eu-1")


def test_large_tenants_are_spread_only_against_one_another() -> None:
    crowded = replace(CELL, large=3)
    assert decide("eu", Size.SMALL, [crowded, OTHER], AT).cell == "eu-1"
    assert decide("eu", Size.LARGE, [crowded, OTHER], AT).cell == "eu-2"


def test_load_is_the_last_measure_and_what_was_reserved_since() -> None:
    assert CELL.load == 0
    assert replace(CELL, reserved=30).load == 30
    assert replace(CELL, reserved=30, measured=100.0, reserved_then=20).load == 110
    assert replace(CELL, reserved=0, measured=10.0, reserved_then=20).load == 0


def test_a_dedicated_workspace_takes_the_whole_cell() -> None:
    own = replace(CELL, dedicated=True)
    assert decide("eu", Size.DEDICATED, [own], AT).units == 1000
    assert decide("eu", Size.DEDICATED, [replace(own, reserved=1)], AT).cell is None
    assert decide("eu", Size.DEDICATED, [CELL], AT).cell is None


def test_sizes_hold_what_they_say() -> None:
    assert [size_of(load) for load in (0.1, 4, 4.1, 20, 100, 100.1)] == [
        Size.SMALL,
        Size.SMALL,
        Size.MEDIUM,
        Size.MEDIUM,
        Size.LARGE,
        Size.DEDICATED,
    ]
    assert all(one.expected <= one.quota for one in CLASSES.values())
