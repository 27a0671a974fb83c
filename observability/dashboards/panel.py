"""What a dashboard is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

# Grafana's names of units.
Unit = Literal["short", "s", "percentunit", "reqps", "bytes", "none"]


@dataclass(frozen=True)
class Panel:
    """A graph; `queries` are by their legends, in Grafana's form: `{{lane}}`. `says` is what to look for."""

    title: str
    queries: Mapping[str, str]
    unit: Unit = "short"
    says: str = ""
    kind: Literal["timeseries", "stat", "table"] = "timeseries"


@dataclass(frozen=True)
class Row:
    """Panels side by side under a title."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Dashboard:
    """`name` is its file's and address's; `chosen` are the labels that can be chosen at the top."""

    name: str
    title: str
    rows: tuple[Row, ...]
    chosen: tuple[str, ...] = ()


def rate(counter: str, by: str, matcher: str = "") -> str:
    """What a counter gains a second, by some labels."""
    return f"sum by ({by}) (rate({counter}{{{matcher}}}[$__rate_interval]))"


def quantile(share: float, histogram: str, by: str = "", matcher: str = "") -> str:
    """A quantile of a histogram, by some labels."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share:g}, {rate(f'{histogram}_bucket', labels, matcher)})"


def percentiles(histogram: str, matcher: str) -> dict[str, str]:
    """The median of a histogram, what one in twenty takes at least, and one in a hundred."""
    return {f"p{share * 100:g}": quantile(share, histogram, matcher=matcher) for share in (0.5, 0.95, 0.99)}
