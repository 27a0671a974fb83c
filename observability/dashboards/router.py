"""The front door."""

from observability.dashboards.panel import Dashboard, Panel, Row, quantile, rate

_HERE = 'region=~"$region"'

DASHBOARD = Dashboard(
    "router",
    "Cellcast: the front door",
    chosen=("region",),
    rows=(
        Row(
            "Requests",
            (
                Panel("By outcome", {"{{outcome}}": rate("cellcast_router_requests_total", "outcome", _HERE)}, "reqps"),
                Panel(
                    "Time to find the answer",
                    {
                        "p50": quantile(0.5, "cellcast_router_request_seconds", matcher=_HERE),
                        "p99": quantile(0.99, "cellcast_router_request_seconds", matcher=_HERE),
                    },
                    "s",
                ),
                Panel(
                    "Cut off", {"{{region}}": rate("cellcast_router_connections_cut_total", "region", _HERE)}, "reqps"
                ),
            ),
        ),
        Row(
            "The map",
            (
                Panel("Age", {"{{instance}}": f"cellcast_router_map_age_seconds{{{_HERE}}}"}, "s"),
                Panel("Workspaces", {"{{instance}}": f"cellcast_router_map_workspaces{{{_HERE}}}"}),
                Panel("Size", {"{{instance}}": f"cellcast_router_map_bytes{{{_HERE}}}"}, "bytes"),
                Panel("Snapshots taken", {"{{source}}": rate("cellcast_feed_snapshots_total", "source", _HERE)}),
            ),
        ),
        Row(
            "Processes",
            (
                Panel("Workers that answer", {"{{instance}}": f"cellcast_router_workers{{{_HERE}}}"}),
                Panel("Connections", {"{{instance}}": f"cellcast_router_connections{{{_HERE}}}"}),
            ),
        ),
    ),
)
