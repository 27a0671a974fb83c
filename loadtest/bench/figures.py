"""What a figure is, and the list of them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

Better = Literal["higher", "lower"]
Measure = Callable[[], float]


class Unmeasurable(Exception):
    """The figure cannot be taken here. The text says what is missing, in words for whoever ran it."""


@dataclass(frozen=True)
class Figure:
    """A number with a target. `measure` takes it: a median over its own repeats, bounded in time."""

    name: str
    unit: str
    target: float
    better: Better
    measure: Measure

    def reached(self, value: float) -> bool:
        """True when `value` is at the target or better."""
        return value >= self.target if self.better == "higher" else value <= self.target


_figures: dict[str, Figure] = {}


def figure(name: str, *, unit: str, target: float, better: Better) -> Callable[[Measure], Measure]:
    """Register the decorated function as the way to measure `name`, like `router.share_of_bare_asgi`."""

    def register(measure: Measure) -> Measure:
        if name in _figures:
            raise ValueError(f"two benchmarks measure {name}")
        _figures[name] = Figure(name, unit, target, better, measure)
        return measure

    return register


def chosen(prefixes: Iterable[str]) -> list[Figure]:
    """The registered figures whose name begins with one of `prefixes`, by name; all of them without prefixes."""
    wanted = tuple(prefixes)
    return [one for name, one in sorted(_figures.items()) if not wanted or name.startswith(wanted)]
