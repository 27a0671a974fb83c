"""One cell from its web to its servers: rate, errors and durations, then use and saturation."""

from observability.dashboards.panel import Dashboard, Panel, Row, percentiles, quantile, rate

_HERE = 'cell=~"$cell"'
_CONNECTIONS = "sum by (process, pool) (cellcast_pool_connections"
_BACKUP = "barman_cloud_cloudnative_pg_io_last_available_backup_timestamp"

DASHBOARD = Dashboard(
    "cell",
    "Cellcast: a cell",
    chosen=("cell",),
    rows=(
        Row(
            "Web",
            (
                Panel("Requests", {"{{status}}": rate("cellcast_http_requests_total", "status", _HERE)}, "reqps"),
                Panel(
                    "Routes that fail",
                    {"{{route}}": rate("cellcast_http_requests_total", "route", f'{_HERE}, status="5xx"')},
                    "reqps",
                ),
                Panel(
                    "Time to answer",
                    percentiles("cellcast_http_request_seconds", _HERE),
                    "s",
                ),
                Panel(
                    "Slowest routes",
                    {"p95 {{route}}": f"topk(8, {quantile(0.95, 'cellcast_http_request_seconds', 'route', _HERE)})"},
                    "s",
                ),
            ),
        ),
        Row(
            "Jobs",
            (
                Panel(
                    "Waiting and at work",
                    {
                        "{{lane}} waiting": f"cellcast_jobs_due{{{_HERE}}}",
                        "{{lane}} at work": f"cellcast_jobs_leased{{{_HERE}}}",
                    },
                ),
                Panel("Oldest waiting", {"{{lane}}": f"cellcast_jobs_oldest_due_seconds{{{_HERE}}}"}, "s"),
                Panel(
                    "Runs by how they ended",
                    {"{{outcome}}": rate("cellcast_job_runs_total", "outcome", _HERE)},
                    "reqps",
                ),
                Panel(
                    "Waited before it began, p95",
                    {"{{lane}}": quantile(0.95, "cellcast_job_wait_seconds", "lane", _HERE)},
                    "s",
                ),
                Panel(
                    "How long runs take", {"p95 {{kind}}": quantile(0.95, "cellcast_job_seconds", "kind", _HERE)}, "s"
                ),
                Panel("Laid aside", {"{{lane}}": f"cellcast_jobs_dead{{{_HERE}}}"}),
            ),
        ),
        Row(
            "Its servers",
            (
                Panel("Answering", {"{{dependency}}": f"min by (dependency) (cellcast_dependency_up{{{_HERE}}})"}),
                Panel(
                    "Pools in use",
                    {
                        "{{process}} {{pool}}": f'{_CONNECTIONS}{{{_HERE}, state="used"}})'
                        f' / {_CONNECTIONS}{{{_HERE}, state="most"}})'
                    },
                    "percentunit",
                ),
                Panel(
                    "Waiting for a connection",
                    {"p99 {{pool}}": quantile(0.99, "cellcast_pool_wait_seconds", "pool", _HERE)},
                    "s",
                ),
                Panel(
                    "S3 by outcome",
                    {"{{operation}} {{outcome}}": rate("cellcast_s3_calls_total", "operation, outcome", _HERE)},
                    "reqps",
                ),
                Panel("S3, p95", {"{{operation}}": quantile(0.95, "cellcast_s3_seconds", "operation", _HERE)}, "s"),
                Panel(
                    "Waiting at the pooler",
                    {"{{cell}}": f"sum by (cell) (cnpg_pgbouncer_pools_cl_waiting{{{_HERE}}})"},
                    says="Clients that the pooler has no connection for; PostgreSQL's connections are all in use.",
                ),
                Panel("Replicas behind", {"{{instance}}": f"cnpg_pg_replication_lag{{{_HERE}}}"}, "s"),
                Panel(
                    "Age of the last backup",
                    {"{{cell}}": f"time() - max by (cell) ({_BACKUP}{{{_HERE}}})"},
                    "s",
                    "Above 36 hours: old.",
                ),
            ),
        ),
        Row(
            "Its Redis",
            (
                Panel(
                    "Redis's memory",
                    {"{{state}}": f"max by (state) (cellcast_redis_memory_bytes{{{_HERE}}})"},
                    "bytes",
                    "At the most it refuses to be written to: recordings are not begun then, nor people signed in.",
                ),
                Panel(
                    "Redis's connections",
                    {"{{state}}": f"max by (state) (cellcast_redis_clients{{{_HERE}}})"},
                ),
                Panel(
                    "Redis's commands",
                    {
                        "carried out": rate("cellcast_redis_commands_total", "cell", _HERE),
                        "failed": rate("cellcast_redis_errors_total", "cell", _HERE),
                    },
                    "reqps",
                ),
                Panel(
                    "Redis's losses",
                    {
                        "keys thrown away": rate("cellcast_redis_evicted_keys_total", "cell", _HERE),
                        "connections refused": rate("cellcast_redis_refused_connections_total", "cell", _HERE),
                        "writes that waited for its disk": rate("cellcast_redis_late_writes_total", "cell", _HERE),
                    },
                ),
                Panel(
                    "Redis's disk",
                    {"{{what}}": f"min by (what) (cellcast_redis_saved{{{_HERE}}})"},
                    says="0: its last write of this kind failed.",
                ),
            ),
        ),
        Row(
            "Its processes",
            (
                Panel(
                    "Longest block of the event loop",
                    {"{{process}}": f"max by (process) (cellcast_event_loop_longest_block_seconds{{{_HERE}}})"},
                    "s",
                ),
                Panel("Processor", {"{{process}}": rate("process_cpu_seconds_total", "process", _HERE)}),
                Panel(
                    "Memory", {"{{process}}": f"max by (process) (process_resident_memory_bytes{{{_HERE}}})"}, "bytes"
                ),
                Panel("Requests under way", {"{{process}}": f"sum by (process) (cellcast_http_in_flight{{{_HERE}}})"}),
            ),
        ),
        Row(
            "Calls",
            (
                Panel(
                    "Answered", {"{{operation}}": rate("cellcast_calls_answered_total", "operation", _HERE)}, "reqps"
                ),
                Panel(
                    "Time to answer, p95",
                    {"{{operation}}": quantile(0.95, "cellcast_call_answer_seconds", "operation", _HERE)},
                    "s",
                ),
                Panel("Made", {"{{peer}} {{outcome}}": rate("cellcast_calls_total", "peer, outcome", _HERE)}, "reqps"),
                Panel(
                    "Rounds that failed",
                    {"{{what}}": rate("cellcast_rounds_total", "what", f'{_HERE}, outcome="failed"')},
                ),
            ),
        ),
    ),
)
