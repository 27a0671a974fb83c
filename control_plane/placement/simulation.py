"""`cellcast placement simulate`: the placement of a made-up fleet, by the very code that places real workspaces."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from control_plane.placement.scoring import CellFacts, decide
from control_plane.placement.sizes import CLASSES, Size, size_of
from control_plane.placement.states import CellState

REGION = "eu"
_AT = datetime(2026, 1, 1, tzinfo=UTC)  # heartbeats are of this moment: none is late


@dataclass(frozen=True)
class Fleet:
    """What to make up: sizes follow Zipf's law, workspaces come in random order."""

    workspaces: int = 10_000
    cells: int = 20
    exponent: float = 1.1
    heartbeat_every: int = 200  # sign-ups between two heartbeats; only then does a cell's real load become known
    headroom: float = 2.0  # capacity of a cell over its mean load
    seed: int = 1


@dataclass(frozen=True)
class Outcome:
    """Where all came to lie; loads in units."""

    loads: dict[str, float]
    dedicated: int
    refused: int
    sizes: dict[str, int]

    @property
    def mean(self) -> float:
        """The mean load of a cell."""
        return sum(self.loads.values()) / len(self.loads)

    @property
    def max_over_mean(self) -> float:
        """How far the fullest cell is above the mean; 1 is perfect."""
        return max(self.loads.values()) / self.mean


def simulate(fleet: Fleet) -> Outcome:
    """Sign up every workspace of the fleet, knowing of each no more than its size class."""
    loads = _loads(fleet)
    shared = [load for load in loads if size_of(load) is not Size.DEDICATED]
    random.Random(fleet.seed).shuffle(shared)  # noqa: S311 - a repeatable order, not a secret
    capacity = max(CLASSES[Size.LARGE].quota, round(fleet.headroom * sum(shared) / fleet.cells))
    cells = {
        name: CellFacts(name, REGION, CellState.OPEN, capacity, heard_at=_AT)
        for name in (f"{REGION}-{number}" for number in range(1, fleet.cells + 1))
    }
    real = dict.fromkeys(cells, 0.0)
    refused = 0
    for number, load in enumerate(shared):
        if number % fleet.heartbeat_every == 0:
            cells = {
                name: replace(cell, measured=real[name], reserved_then=cell.reserved) for name, cell in cells.items()
            }
        size = size_of(load)
        decision = decide(REGION, size, cells.values(), _AT)
        if decision.cell is None:
            refused += 1
            continue
        chosen = cells[decision.cell]
        cells[decision.cell] = replace(
            chosen,
            reserved=chosen.reserved + decision.units,
            workspaces=chosen.workspaces + 1,
            large=chosen.large + (size is Size.LARGE),
        )
        real[decision.cell] += load
    return Outcome(real, len(loads) - len(shared), refused, dict(Counter(size_of(load).value for load in loads)))


def _loads(fleet: Fleet) -> Sequence[float]:
    """Loads in units, scaled so that a tenth of a cell's mean load is the most that a shared tenant may be.

    The mean is that of the whole fleet, the largest included, as somebody sees it who has not sorted it yet.
    """
    shares = [rank**-fleet.exponent for rank in range(1, fleet.workspaces + 1)]
    tenth = sum(shares) / fleet.cells / 10
    return [share / tenth * CLASSES[Size.LARGE].quota for share in shares]
