"""What is looked at: one file a dashboard, one row of the table a panel. `observability/grafana.py` writes them.

In a query `$cell` and `$region` are what was chosen at the top, `$__rate_interval` is Grafana's.
"""

from observability.dashboards import cell, edge, fleet, objectives, recordings, router
from observability.dashboards.panel import Dashboard

DASHBOARDS: tuple[Dashboard, ...] = (
    fleet.DASHBOARD,
    objectives.DASHBOARD,
    cell.DASHBOARD,
    recordings.DASHBOARD,
    router.DASHBOARD,
    edge.DASHBOARD,
)
