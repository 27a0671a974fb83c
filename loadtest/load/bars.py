"""Figures beside one another as SVG: how much of what its target allows each takes."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from loadtest.load.plots import standing_alone

ROW, LEFT, WIDE, WIDTH = 18, 260, 400, 720
MOST = 2.0  # times its target; what is beyond is drawn as much


@dataclass(frozen=True)
class Bar:
    """One figure; `share` below 1 reaches its target."""

    name: str
    share: float
    ok: bool


def bars(title: str, shown: Sequence[Bar]) -> str:
    """A bar a figure, and a line where the target is."""
    height = ROW * len(shown) + 24
    target = LEFT + WIDE / MOST
    parts = [Markup('<line class="grid" x1="{0}" x2="{0}" y1="4" y2="{1}"/>').format(f"{target:.1f}", height - 20)]
    parts.append(Markup('<text class="below" x="{}" y="{}">its target</text>').format(f"{target:.1f}", height - 6))
    for number, one in enumerate(shown):
        y, wide = number * ROW + 4, WIDE * min(one.share, MOST) / MOST
        parts.append(
            Markup(
                '<text class="left" x="{}" y="{}">{}</text><rect class="{}" x="{}" y="{}" width="{}" height="{}"/>'
            ).format(LEFT - 6, y + ROW / 2, one.name, "good" if one.ok else "bad", LEFT, y + 3, f"{wide:.1f}", ROW - 6)
        )
    drawn = Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
    return standing_alone(drawn.format(WIDTH, height, title, Markup("").join(parts)))
