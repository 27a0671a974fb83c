"""Plots as SVG, drawn here so that a report is one file that asks nobody for anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 720, 200, 56, 24, 12
CLASSES = ("first", "second", "third")


@dataclass(frozen=True)
class Line:
    """One line: its name and a value for each point."""

    name: str
    values: Sequence[float]


def plot(
    title: str, unit: str, at: Sequence[float], lines: Sequence[Line], faults: Sequence[Mapping[str, Any]] = ()
) -> Markup:
    """Lines over seconds. Times at which something was made to fail are shaded."""
    top = _ceiling(max((value for line in lines for value in line.values), default=0.0))
    end = (at[-1] if at else 0.0) or 1.0

    def x(seconds: float) -> float:
        return LEFT + (WIDTH - LEFT - 8) * min(1.0, seconds / end)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / top

    parts = [
        Markup('<rect class="fault" x="{}" y="{}" width="{}" height="{}"/>').format(
            f"{x(one['begins']):.1f}",
            TOP,
            f"{max(2.0, x(one['ends']) - x(one['begins'])):.1f}",
            HEIGHT - BOTTOM - TOP,
        )
        for one in faults
    ]
    for share in (0.0, 0.5, 1.0):
        level = f"{y(top * share):.1f}"
        parts.append(
            Markup(
                '<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/><text x="{}" y="{}" class="left">{}</text>'
            ).format(LEFT, WIDTH - 8, level, level, LEFT - 6, level, f"{top * share:g} {unit}".strip())
        )
    for seconds in (0.0, end / 2, end):
        parts.append(
            Markup('<text x="{}" y="{}" class="below">{} s</text>').format(
                f"{x(seconds):.1f}", HEIGHT - 6, f"{seconds:.0f}"
            )
        )
    for line, kind in zip(lines, CLASSES, strict=False):
        points = " ".join(f"{x(when):.1f},{y(value):.1f}" for when, value in zip(at, line.values, strict=True))
        parts.append(Markup('<polyline class="{}" points="{}"/>').format(kind, points))
    legend = ", ".join(line.name for line in lines)
    return Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}: {}">{}</svg>').format(
        WIDTH, HEIGHT, title, legend, Markup("").join(parts)
    )


def _ceiling(value: float) -> float:
    """The next 1, 2 or 5 of a power of ten, at least 1."""
    step = 1.0
    while True:
        for factor in (1, 2, 5):
            if step * factor >= value:
                return step * factor
        step *= 10


_STYLE = """<style>
text { fill: #5b6577; font: 11px system-ui, sans-serif; }
.left { text-anchor: end; dominant-baseline: middle; } .below { text-anchor: middle; }
polyline { fill: none; stroke-width: 2; stroke-linejoin: round; }
.first { stroke: #4a3fd6; } .second { stroke: #0c8f7d; } .third { stroke: #b3261e; }
.grid { stroke: #9aa3b2; } .fault { fill: #f6c5c0; } .good { fill: #0c8f7d; } .bad { fill: #b3261e; }
</style>"""


def standing_alone(drawn: Markup) -> str:
    """A plot as a file of its own: with its name space, and with what the report's page gives it else."""
    opening, _, rest = str(drawn).partition(">")
    named = opening.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return f"{named}>{_STYLE}{rest}\n"
