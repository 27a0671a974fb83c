"""Metrics of others that our rules and dashboards go by, and who makes them."""

EXTERNAL = {
    "up": "Prometheus, of each scrape",
    "process_start_time_seconds": "prometheus-client, of each process of ours",
    "process_resident_memory_bytes": "prometheus-client, of each process of ours",
    "process_cpu_seconds_total": "prometheus-client, of each process of ours",
    "process_open_fds": "prometheus-client, of each process of ours",
    "cnpg_pg_replication_lag": "CloudNativePG's exporter",
    "cnpg_collector_last_available_backup_timestamp": "CloudNativePG's exporter",
    "certmanager_certificate_expiration_timestamp_seconds": "cert-manager",
}
