"""How much of each promise's budget is left, and how fast it goes: made from the objectives."""

from observability.dashboards.panel import Dashboard, Panel, Row
from observability.objectives import OBJECTIVES, Objective
from observability.rules import ratio


def _row(one: Objective) -> Row:
    share = f'{{slo="{one.name}", region=~"$region"}}'
    burning = {window: f"{ratio(window)}{share} / {one.budget:g}" for window in ("5m", "1h", "6h", "3d")}
    return Row(
        f"{one.words} ({one.goal:.2%})",
        (
            Panel(
                "Budget burns, times as fast as it may",
                {f"{{{{cell}}}} {window}": query for window, query in burning.items()},
                says="14.4 over an hour wakes somebody; 1 lasts the 30 days.",
            ),
            Panel("Bad, over 3 days", {"{{cell}}": f"{ratio('3d')}{share}"}, "percentunit", kind="stat"),
        ),
    )


DASHBOARD = Dashboard("objectives", "Cellcast: objectives", tuple(map(_row, OBJECTIVES)), chosen=("region",))
