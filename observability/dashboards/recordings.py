"""What the product does: recordings, sign-ins, provisioning, and who the busiest are."""

from observability.dashboards.panel import Dashboard, Panel, Row, quantile, rate

_HERE = 'cell=~"$cell"'

DASHBOARD = Dashboard(
    "recordings",
    "Cellcast: recordings and sign-ins",
    chosen=("cell",),
    rows=(
        Row(
            "Recordings",
            (
                Panel("Came into a state", {"{{state}}": rate("cellcast_recordings_total", "state", _HERE)}, "reqps"),
                Panel(
                    "From finished to playable",
                    {
                        "p50": quantile(
                            0.5, "cellcast_recording_processed_seconds", matcher=f'{_HERE}, outcome="ready"'
                        ),
                        "p95": quantile(
                            0.95, "cellcast_recording_processed_seconds", matcher=f'{_HERE}, outcome="ready"'
                        ),
                    },
                    "s",
                ),
                Panel(
                    "Given up",
                    {
                        "{{cell}}": rate(
                            "cellcast_recording_processed_seconds_count", "cell", f'{_HERE}, outcome="failed"'
                        )
                    },
                    "reqps",
                ),
                Panel(
                    "Busiest workspaces",
                    {"{{workspace}}": f"cellcast_workspace_recordings_day{{{_HERE}}}"},
                    says="Recordings of the last day, of the ten that make most: a noisy neighbour is among them.",
                    kind="table",
                ),
            ),
        ),
        Row(
            "Sign-ins",
            (
                Panel(
                    "By way and end",
                    {"{{how}} {{outcome}}": rate("cellcast_sign_ins_total", "how, outcome", _HERE)},
                    "reqps",
                ),
                Panel(
                    "Identity providers' answers",
                    {"{{outcome}}": rate("cellcast_saml_sign_ins_total", "outcome")},
                    "reqps",
                ),
                Panel("Questions for workspaces", {"{{outcome}}": rate("cellcast_finds_total", "outcome")}, "reqps"),
            ),
        ),
        Row(
            "Provisioning by identity providers",
            (
                Panel("Requests", {"{{operation}}": rate("cellcast_scim_requests_total", "operation")}, "reqps"),
                Panel(
                    "Not carried out",
                    {"{{status}}": rate("cellcast_scim_requests_total", "status", 'status=~"4..|5.."')},
                    "reqps",
                ),
                Panel(
                    "Time, p95", {"{{operation}}": quantile(0.95, "cellcast_scim_request_seconds", "operation")}, "s"
                ),
            ),
        ),
    ),
)
