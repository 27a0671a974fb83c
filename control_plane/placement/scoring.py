"""Which cell a new workspace gets, and why not another: one pure function over the facts of the moment.

Region is law. Of its open cells with room the highest score wins:
`100 x (1 - load - growth - spread)`, each a share of the cell's capacity times its weight:
load     what it carries now and the new workspace's expected units. "Now" is what the cell measured at its last
         heartbeat and what was reserved since; a cell that never measured counts by reservations alone.
growth   what its tenants will have grown by in 30 days at the pace that it measured.
spread   for a large workspace only: the expected units of the large ones already there count once more, since
         those are the tenants whose load is least like its class.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from control_plane.placement.sizes import CLASSES, Size, reserved_for
from control_plane.placement.states import CellState

GROWTH_DAYS = 30  # how long after sign-up a cell should still have room; new machines take weeks
SILENT_AFTER = timedelta(minutes=2)  # four heartbeats; a cell that may be dead gets nothing new
TIE = 0.05  # points; below it "higher" would be read as a reason


@dataclass(frozen=True, slots=True)
class CellFacts:
    """What is known of a cell when a workspace is placed. Loads in units; `growth` in units a day."""

    name: str
    region: str
    state: CellState
    capacity: int
    weight: float = 1.0  # how attractive: at 0.5 it fills half as far as the others
    dedicated: bool = False  # kept for one tenant that orders a cell of its own
    reserved: int = 0
    workspaces: int = 0
    large: int = 0
    measured: float | None = None
    reserved_then: int = 0  # reserved when `measured` was taken
    growth: float = 0.0
    heard_at: datetime | None = None

    @property
    def load(self) -> float:
        """What it carries now, as far as known."""
        if self.measured is None:
            return float(self.reserved)
        return max(0.0, self.measured + self.reserved - self.reserved_then)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One cell's part in a decision. `score` and `parts` (points lost to each) are of cells that could take it."""

    cell: str
    score: float | None
    parts: Mapping[str, float]
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The chosen cell, or None where no cell has room, and every cell's verdict, best first."""

    region: str
    size: Size
    cell: str | None
    units: int
    verdicts: tuple[Verdict, ...]


def decide(region: str, size: Size, cells: Iterable[CellFacts], at: datetime) -> Decision:
    """Choose a cell for a workspace of this size."""
    facts = sorted(cells, key=lambda cell: cell.name)
    hindered = {cell.name: hindrance(region, size, cell, at) for cell in facts}
    able = [(_parts(size, cell), cell) for cell in facts if not hindered[cell.name]]
    # Of equals the emptier one, then the first by name: the same facts always give the same answer.
    able.sort(key=lambda one: (-_score(one[0]), one[1].workspaces, one[1].name))
    verdicts = []
    for place, (parts, cell) in enumerate(able):
        reason = "chosen" if place == 0 else _why_lost(parts, cell, *able[0])
        verdicts.append(Verdict(cell.name, round(_score(parts), 2), parts, reason))
    verdicts += [Verdict(cell.name, None, {}, hindered[cell.name]) for cell in facts if hindered[cell.name]]
    if not able:
        return Decision(region, size, None, 0, tuple(verdicts))
    winner = able[0][1]
    return Decision(region, size, winner.name, reserved_for(size, winner.capacity), tuple(verdicts))


def hindrance(region: str, size: Size, cell: CellFacts, at: datetime) -> str:
    """Why this cell cannot take a workspace of this size at all; empty where it can."""
    if cell.region != region:
        return f"another region: {cell.region}"
    if cell.state is not CellState.OPEN:
        return f"not open: {cell.state}"
    if cell.heard_at is None:
        return "never heard of: its processes have not told the registry that they run"
    if at - cell.heard_at > SILENT_AFTER:
        return f"silent since {cell.heard_at.isoformat(timespec='seconds')}"
    if cell.dedicated is not (size is Size.DEDICATED):
        return "kept for a dedicated workspace" if cell.dedicated else "shared, and a cell of its own is wanted"
    return lack_of_room(size, cell)


def lack_of_room(size: Size, cell: CellFacts) -> str:
    """Why a workspace of this size does not fit beside those who are there; empty where it does."""
    needed = reserved_for(size, cell.capacity)
    used = max(cell.load, float(cell.reserved))
    if used + needed > cell.capacity:
        return f"no room: {used:.0f} of {cell.capacity} units used, {needed} needed"
    return ""


def _parts(size: Size, cell: CellFacts) -> dict[str, float]:
    """Points lost to each term."""
    share = 100 / (cell.capacity * cell.weight)
    crowd = cell.large * CLASSES[Size.LARGE].expected if size is Size.LARGE else 0
    return {
        "load": round((cell.load + reserved_for(size, cell.capacity)) * share, 3),
        "growth": round(max(0.0, cell.growth) * GROWTH_DAYS * share, 3),
        "spread": round(crowd * share, 3),
    }


def _score(parts: Mapping[str, float]) -> float:
    return 100 - sum(parts.values())


def _why_lost(parts: Mapping[str, float], cell: CellFacts, best: Mapping[str, float], winner: CellFacts) -> str:
    behind = sum(parts.values()) - sum(best.values())
    if behind < TIE:
        return f"as good as {winner.name}, which has fewer workspaces or comes first by name"
    term = max(parts, key=lambda name: parts[name] - best[name])
    mine, other = parts[term], best[term]
    return f"{behind:.1f} points behind {winner.name}, mostly {term}: it costs {mine:.1f} here, {other:.1f} there"
