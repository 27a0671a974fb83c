"""The edges: what comes from outside, and what of it never gets to a process of ours."""

from observability.dashboards.panel import Dashboard, Panel, Row, percentiles, rate

_HERE = 'region=~"$region", cell=~"$cell"'
_WHOSE = "part, region, cell"
_LEGEND = "{{part}} {{region}} {{cell}}"

DASHBOARD = Dashboard(
    "edge",
    "Cellcast: the edges",
    chosen=("region", "cell"),
    rows=(
        Row(
            "Requests",
            (
                Panel("Of each edge", {_LEGEND: rate("cellcast_edge_requests_total", _WHOSE, _HERE)}, "reqps"),
                Panel(
                    "By who answered",
                    {"{{by}} {{status}}": rate("cellcast_edge_requests_total", "by, status", _HERE)},
                    "reqps",
                    "edge: nothing was asked behind it, or nothing came.",
                ),
                Panel(
                    "Nothing came from behind",
                    {_LEGEND: rate("cellcast_edge_requests_total", _WHOSE, f'{_HERE}, by="edge", status="5xx"')},
                    "reqps",
                ),
                Panel(
                    "Time for people",
                    percentiles("cellcast_edge_request_seconds", _HERE),
                    "s",
                    "From the first byte of a request to the last of its answer: slow lines are in it.",
                ),
            ),
        ),
        Row(
            "The firewall",
            (
                Panel(
                    "Requests that it blocks", {_LEGEND: rate("cellcast_edge_blocked_total", _WHOSE, _HERE)}, "reqps"
                ),
                Panel(
                    "What it takes them for",
                    {"{{family}}": rate("cellcast_edge_blocked_total", "family", _HERE)},
                    "reqps",
                ),
                Panel(
                    "Rules that match",
                    {"{{family}}": rate("cellcast_edge_matched_total", "family", _HERE)},
                    says="Much more than is blocked: what people write looks like attacks. Look at the log.",
                ),
            ),
        ),
        Row(
            "nginx",
            (
                Panel("Connections of clients", {_LEGEND: f"sum by ({_WHOSE}) (cellcast_edge_connections{{{_HERE}}})"}),
                Panel("What it sends", {_LEGEND: rate("cellcast_edge_sent_bytes_total", _WHOSE, _HERE)}, "bytes"),
                Panel("What it complains of", {"{{level}}": rate("cellcast_edge_said_total", "level", _HERE)}),
            ),
        ),
    ),
)
