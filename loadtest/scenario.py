"""What a scenario is: who comes, how their number goes up and down, and what goes wrong meanwhile."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

Kind = Literal["customer", "crowd", "agent", "integrator", "admin", "idp", "sso"]
Shape = Callable[[float], float]  # share of the scenario's length (0 to 1) -> share of the people that are there


RAMP = 0.1


def steady(at: float) -> float:
    """All come within the first tenth and stay."""
    return min(1.0, at / RAMP)


@dataclass(frozen=True)
class Fault:
    """Something done to processes of a stack on this machine, `at` a share of the scenario's length.

    hang: stopped (SIGSTOP) for a share of the length, then continued. slow: stopped two thirds of that time, in turns
    too short to be seen as gone. restart: as by `cellcast stack restart`, one after another.
    """

    kind: Literal["hang", "slow", "restart"]
    names: tuple[str, ...]
    at: float
    lasts: float = 0.0


@dataclass(frozen=True)
class Rest:
    """A cell's people do nothing for a share of the length, from `at` on: what others do beside an idle cell."""

    cell: str
    at: float
    lasts: float


@dataclass(frozen=True)
class Scenario:
    """People (kind -> how many at most), for `seconds`. `only_cell` keeps some kinds to one cell."""

    about: str
    people: Mapping[Kind, int]
    seconds: int
    shape: Shape = steady
    records_s: tuple[int, int] = (60, 180)
    only_cell: Mapping[Kind, str] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    rest: Rest | None = None
    settings: tuple[str, ...] = ()  # of the stack: eu-1:NAME=value

    @property
    def total(self) -> int:
        """How many people there are at most."""
        return sum(self.people.values())

    def sized(self, people: int | None = None, seconds: int | None = None) -> "Scenario":
        """The same with about so many people, each kind with its share and never without anybody, and for so long.

        In a shorter one recordings are shorter as well, so that some are finished.
        """
        share, lasts = (people or self.total) / self.total, seconds or self.seconds
        sized = {kind: max(1, round(count * share)) for kind, count in self.people.items()}
        least, most = self.records_s
        if lasts < self.seconds:
            longest = max(3, lasts // 3)
            least, most = min(least, longest), min(most, longest)
        return replace(self, people=sized, seconds=lasts, records_s=(least, most))


def monday(at: float) -> float:
    """Few at first, all of them in the middle, half of them towards the end."""
    if at < 0.2:
        return 0.1 + at * 0.5
    if at < 0.4:
        return 0.2 + (at - 0.2) * 4
    return 1.0 if at < 0.7 else max(0.5, 1.0 - (at - 0.7) * 2.5)


def burst(at: float) -> float:
    """Nearly nobody, then everybody at once."""
    return 0.02 if at < 0.2 else 1.0


def ramp(at: float) -> float:
    """More and more, evenly."""
    return min(1.0, 0.02 + at)
