"""The fleet at one glance: which cell to look at."""

from observability.dashboards.panel import Dashboard, Panel, Row, rate

_MEMORY = "max by (part, region, cell) (cellcast_redis_memory_bytes"

DASHBOARD = Dashboard(
    "fleet",
    "Cellcast: the fleet",
    rows=(
        Row(
            "Cells",
            (
                Panel("Silent for", {"{{member}}": "cellcast_fleet_heartbeat_age_seconds"}, "s", "Above 120: silent."),
                Panel(
                    "Load of capacity",
                    {"{{member}}": "cellcast_fleet_load_units / cellcast_fleet_capacity_units"},
                    "percentunit",
                ),
                Panel("Workspaces", {"{{member}}": "cellcast_fleet_workspaces"}),
                Panel(
                    "Redis's memory in use",
                    {
                        "{{part}} {{region}} {{cell}}": f'{_MEMORY}{{state="used"}}) / {_MEMORY}{{state="most"}})',
                    },
                    "percentunit",
                    "Above 0.85: nearly full.",
                ),
                Panel("Placements that cells do not know", {"untold": "max(cellcast_ownership_untold)"}),
            ),
        ),
        Row(
            "What people meet",
            (
                Panel(
                    "Requests that we could not answer",
                    {"{{cell}}": rate("cellcast_http_requests_total", "cell", 'status="5xx"')},
                    "reqps",
                ),
                Panel("Oldest waiting job", {"{{cell}} {{lane}}": "cellcast_jobs_oldest_due_seconds"}, "s"),
                Panel(
                    "Servers that answer",
                    {"{{cell}} {{dependency}}": "min by (cell, dependency) (cellcast_dependency_up)"},
                    says="0: away.",
                ),
                Panel(
                    "Age of what feeds said",
                    {
                        "{{part}} {{cell}} {{audience}}": "max by (part, cell, audience) (cellcast_feed_age_seconds)",
                    },
                    "s",
                ),
            ),
        ),
        Row(
            "Between the parts",
            (
                Panel(
                    "Calls that failed",
                    {
                        "{{part}} {{cell}} to {{peer}}": rate(
                            "cellcast_calls_total", "part, cell, peer", 'outcome=~"failed|held back"'
                        )
                    },
                    "reqps",
                ),
                Panel(
                    "Events of feeds not taken yet",
                    {"{{part}} {{cell}} {{audience}}": "max by (part, cell, audience) (cellcast_feed_behind)"},
                ),
                Panel("Last event", {"{{audience}}": "max by (audience) (cellcast_feed_head)"}),
                Panel(
                    "Published snapshots behind",
                    {
                        "{{audience}} {{region}}": "max by (audience) (cellcast_feed_head)"
                        " - on (audience) group_right () max by (audience, region) (cellcast_feed_published)"
                    },
                ),
            ),
        ),
    ),
)
