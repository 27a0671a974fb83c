"""The state machines of workspaces and cells: every change that there is, in two tables. Nothing else changes a state.

A change of state alone raises the version; a change of owner, and a roll-back to an earlier one, the epoch too.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import Enum, StrEnum, auto

from contracts.placements import Placement, State
from kit.refusals import Kind, Refusal


class TransitionRefused(Refusal):
    """The state that it is in does not allow this. The detail says which would, and what to do."""

    kind = Kind.CONFLICT
    title = "That cannot be done in its present state"


class Change(StrEnum):
    """What can happen to a placement, in the words of the transition rows."""

    ACTIVATE = "activate"
    ABANDON = "abandon"
    SUSPEND = "suspend"
    RESUME = "resume"
    FREEZE = "freeze"
    THAW = "thaw"
    HAND_OVER = "hand-over"
    ROLL_BACK = "roll-back"
    DELETE = "delete"
    ERASED = "erased"


RESERVE = "reserve"  # the first row of every workspace: from nothing to provisioning
RESTORE = "restore"  # of every workspace, when the registry was restored to an older state: its word counts anew
FIRST_EPOCH = 1


class Owner(Enum):
    """What a change does to the owner."""

    STAYS = auto()
    ANOTHER = auto()  # the epoch rises
    RETURNS = auto()  # the epoch rises, even where the owner had not changed yet: what the target began is void


@dataclass(frozen=True)
class Rule:
    """From which states a change leads to which, and who owns the workspace then."""

    sources: Collection[State]
    to: State
    owner: Owner = Owner.STAYS


RULES: Mapping[Change, Rule] = {
    Change.ACTIVATE: Rule({State.PROVISIONING}, State.ACTIVE),
    Change.ABANDON: Rule({State.PROVISIONING}, State.DELETED),
    Change.SUSPEND: Rule({State.ACTIVE}, State.SUSPENDED),
    Change.RESUME: Rule({State.SUSPENDED}, State.ACTIVE),
    Change.FREEZE: Rule({State.ACTIVE}, State.FROZEN),
    Change.THAW: Rule({State.FROZEN}, State.ACTIVE),
    Change.HAND_OVER: Rule({State.FROZEN}, State.ACTIVE, Owner.ANOTHER),
    Change.ROLL_BACK: Rule({State.FROZEN}, State.ACTIVE, Owner.RETURNS),
    Change.DELETE: Rule({State.ACTIVE, State.SUSPENDED}, State.DELETING),
    Change.ERASED: Rule({State.DELETING}, State.DELETED),
}

# What to do about each state that stands in the way.
_WAY_ON = {
    State.PROVISIONING: "its sign-up is not finished: activate or abandon it first",
    State.ACTIVE: "it is in use",
    State.FROZEN: "it is being moved: finish the move or roll it back first",
    State.SUSPENDED: "resume it first",
    State.DELETING: "a deletion cannot be taken back",
    State.DELETED: "it is gone, and its key is never given again",
}


def change(now: Placement, what: Change, *, to_cell: str | None = None) -> Placement:
    """The placement after `what`. Raises TransitionRefused with the reason; nothing has changed then.

    `to_cell` is the owner to be, for the two changes that have one; ValueError where it is missing or too much.
    """
    rule = RULES[what]
    if (to_cell is None) is not (rule.owner is Owner.STAYS):
        raise ValueError(f"{what} {'needs' if to_cell is None else 'has no'} cell")
    if now.state not in rule.sources:
        allowed = " or ".join(sorted(rule.sources))
        raise TransitionRefused(
            f"Workspace {now.key} is {now.state}, and {what} is for {allowed} ones: {_WAY_ON[now.state]}.",
            state=now.state.value,
        )
    if rule.owner is Owner.ANOTHER and to_cell == now.cell:
        raise TransitionRefused(f"Workspace {now.key} is on {now.cell} already.", state=now.state.value)
    return replace(
        now,
        state=rule.to,
        version=now.version + 1,
        epoch=now.epoch + (rule.owner is not Owner.STAYS),
        cell=to_cell or now.cell,
    )


class CellState(StrEnum):
    """Whether a cell takes new workspaces, and whether it is there at all."""

    JOINING = "joining"
    OPEN = "open"
    CORDONED = "cordoned"
    DRAINING = "draining"
    RETIRED = "retired"


# change -> (from, to). Retiring is besides refused while the cell owns anything.
CELL_RULES: Mapping[str, tuple[Collection[CellState], CellState]] = {
    "open": ({CellState.JOINING, CellState.CORDONED, CellState.DRAINING}, CellState.OPEN),
    "cordon": ({CellState.OPEN, CellState.DRAINING}, CellState.CORDONED),
    "drain": ({CellState.OPEN, CellState.CORDONED}, CellState.DRAINING),
    "retire": ({CellState.JOINING, CellState.CORDONED, CellState.DRAINING}, CellState.RETIRED),
}


def change_cell(name: str, state: CellState, what: str) -> CellState:
    """The state of a cell after `what`. Raises TransitionRefused."""
    sources, to = CELL_RULES[what]
    if state not in sources:
        allowed = " or ".join(sorted(sources))
        raise TransitionRefused(f"Cell {name} is {state}, and {what} is for {allowed} ones.", state=state.value)
    return to
