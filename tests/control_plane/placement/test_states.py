"""The state machine: what may follow what, and what epoch and version do, whatever order things are tried in."""

from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from contracts.placements import Placement, State
from control_plane.placement.states import (
    CELL_RULES,
    RULES,
    CellState,
    Change,
    Owner,
    TransitionRefused,
    change,
    change_cell,
)

CELLS = ("eu-1", "eu-2", "eu-3")


def placed(state: State = State.PROVISIONING) -> Placement:
    return Placement(UUID(int=1), "dmkrt234", "eu-1", 1, state, 1)


class Life(RuleBasedStateMachine):
    """A placement to which anything is tried at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = placed()
        self.seen = [self.now]

    @rule(what=st.sampled_from(Change), cell=st.sampled_from(CELLS))
    def attempt(self, what: Change, cell: str) -> None:
        before, of = self.now, RULES[what]
        to_cell = None if of.owner is Owner.STAYS else cell
        try:
            after = change(before, what, to_cell=to_cell)
        except TransitionRefused as refused:
            assert before.state not in of.sources or (of.owner is Owner.ANOTHER and cell == before.cell)
            assert before.key in refused.detail and len(refused.detail) > 30
            return
        assert before.state in of.sources and after.state is of.to
        assert after.version == before.version + 1
        assert after.epoch - before.epoch == (of.owner is not Owner.STAYS)
        assert after.cell == (to_cell or before.cell)
        self.now = after
        self.seen.append(after)

    @invariant()
    def an_owner_has_an_epoch_of_its_own(self) -> None:
        owners: dict[int, set[str]] = {}
        for one in self.seen:
            owners.setdefault(one.epoch, set()).add(one.cell)
        assert all(len(cells) == 1 for cells in owners.values())

    @invariant()
    def what_is_deleted_stays_deleted(self) -> None:
        states = [one.state for one in self.seen]
        assert State.DELETED not in states[:-1]

    @invariant()
    def ids_never_change(self) -> None:
        assert {(one.workspace_id, one.key) for one in self.seen} == {(self.seen[0].workspace_id, self.seen[0].key)}


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=200, stateful_step_count=30)


@pytest.mark.parametrize("what", Change)
def test_every_change_is_possible_from_some_state_and_refused_from_another(what: Change) -> None:
    to_cell = None if RULES[what].owner is Owner.STAYS else "eu-2"
    outcomes = set()
    for state in State:
        try:
            change(placed(state), what, to_cell=to_cell)
            outcomes.add("done")
        except TransitionRefused:
            outcomes.add("refused")
    assert outcomes == {"done", "refused"}


def test_a_roll_back_raises_the_epoch_even_where_the_owner_had_not_changed() -> None:
    back = change(placed(State.FROZEN), Change.ROLL_BACK, to_cell="eu-1")
    assert (back.cell, back.epoch, back.state) == ("eu-1", 2, State.ACTIVE)


def test_a_cell_is_named_exactly_where_the_owner_may_change() -> None:
    with pytest.raises(ValueError, match="has no cell"):
        change(placed(), Change.ACTIVATE, to_cell="eu-2")
    with pytest.raises(ValueError, match="needs cell"):
        change(placed(State.FROZEN), Change.HAND_OVER)


@pytest.mark.parametrize("what", CELL_RULES)
@pytest.mark.parametrize("state", CellState)
def test_cells_follow_their_table(state: CellState, what: str) -> None:
    sources, to = CELL_RULES[what]
    if state in sources:
        assert change_cell("eu-1", state, what) is to
    else:
        with pytest.raises(TransitionRefused, match=f"Cell eu-1 is {state}"):
            change_cell("eu-1", state, what)


def test_a_retired_cell_never_comes_back() -> None:
    assert all(CellState.RETIRED not in sources for sources, _ in CELL_RULES.values())
