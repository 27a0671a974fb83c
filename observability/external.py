"""Metrics that our rules and dashboards go by and no process of ours counts: who makes each, and how it is come by."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Read(StrEnum):
    """How a metric comes to Prometheus. All but the last the charts see to."""

    PROCESSES = "the scrapes of our processes"
    EDGE = "the scrapes of edges"
    POSTGRES = "the scrapes of PostgreSQL"
    POOLER = "the scrapes of its pooler"
    RULE = "a rule that comes with PostgreSQL"
    CLUSTER = "what a cluster must have, as docs/operate.md says"


@dataclass(frozen=True)
class Source:
    """Where a metric is from."""

    made_by: str
    read: Read


_CLIENT = Source("prometheus-client", Read.PROCESSES)
_EDGE = Source("charts/lib/files/edge/count.awk", Read.EDGE)

EXTERNAL: Mapping[str, Source] = {
    "up": Source("Prometheus", Read.PROCESSES),
    "process_start_time_seconds": _CLIENT,
    "process_resident_memory_bytes": _CLIENT,
    "process_cpu_seconds_total": _CLIENT,
    "cellcast_edge_requests_total": _EDGE,
    "cellcast_edge_request_seconds_bucket": _EDGE,
    "cellcast_edge_sent_bytes_total": _EDGE,
    "cellcast_edge_connections": _EDGE,
    "cellcast_edge_matched_total": _EDGE,
    "cellcast_edge_blocked_total": _EDGE,
    "cellcast_edge_said_total": _EDGE,
    "cnpg_pg_replication_lag": Source("CloudNativePG", Read.POSTGRES),
    # CloudNativePG's own metric of backups does not know of those that the plug-in makes.
    "barman_cloud_cloudnative_pg_io_last_available_backup_timestamp": Source("Barman Cloud plug-in", Read.POSTGRES),
    "cnpg_pgbouncer_pools_cl_waiting": Source("CloudNativePG", Read.POOLER),
    "postgres:backups_wanted": Source("the charts", Read.RULE),
    "certmanager_certificate_expiration_timestamp_seconds": Source("cert-manager", Read.CLUSTER),
    "kube_job_failed": Source("kube-state-metrics", Read.CLUSTER),
}
