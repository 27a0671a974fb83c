"""What every part leans on: PostgreSQL, Redis, the pools of connections to them, certificates."""

from observability.alerts.alert import Alert

_WEB = 'part="cell", process="web", region="eu", cell="eu-1"'
_POSTGRES = 'part="cell", process="postgres", region="eu", cell="eu-1"'
_BY = "region, cell, part"

ALERTS = (
    Alert(
        "DatabaseAway",
        "page",
        f'min by ({_BY}) (cellcast_dependency_up{{dependency="postgres"}}) == 0'
        f' or sum by ({_BY}) (increase(cellcast_pool_failures_total{{pool=~"postgres.*"}}[2m])) > 5',
        "1m",
        "PostgreSQL of {{ $labels.part }} {{ $labels.cell }} does not answer.",
        fires={f'cellcast_dependency_up{{{_WEB}, dependency="postgres"}}': "0x90"},
        quiet={
            f'cellcast_dependency_up{{{_WEB}, dependency="postgres"}}': "1x90",
            f'cellcast_pool_failures_total{{{_WEB}, pool="postgres"}}': "0x30 1x60",
        },
    ),
    Alert(
        "RedisAway",
        "page",
        f'min by ({_BY}) (cellcast_dependency_up{{dependency="redis"}}) == 0',
        "1m",
        "Redis of {{ $labels.part }} {{ $labels.cell }} does not answer.",
        fires={f'cellcast_dependency_up{{{_WEB}, dependency="redis"}}': "0x90"},
        quiet={f'cellcast_dependency_up{{{_WEB}, dependency="redis"}}': "1x90"},
    ),
    Alert(
        "PoolExhausted",
        "ticket",
        f'sum by ({_BY}, pool) (cellcast_pool_connections{{state="used"}})'
        f' / sum by ({_BY}, pool) (cellcast_pool_connections{{state="most"}}) > 0.9',
        "5m",
        "{{ $labels.part }} {{ $labels.cell }}: the pool {{ $labels.pool }} is nearly all in use; work waits for it.",
        fires={
            f'cellcast_pool_connections{{{_WEB}, pool="postgres", state="used"}}': "10x90",
            f'cellcast_pool_connections{{{_WEB}, pool="postgres", state="most"}}': "10x90",
        },
        quiet={
            f'cellcast_pool_connections{{{_WEB}, pool="postgres", state="used"}}': "3x90",
            f'cellcast_pool_connections{{{_WEB}, pool="postgres", state="most"}}': "10x90",
        },
    ),
    Alert(
        "ReplicaBehind",
        "ticket",
        f"max by ({_BY}) (cnpg_pg_replication_lag) > 60",
        "5m",
        "A replica of PostgreSQL of {{ $labels.part }} {{ $labels.cell }} is {{ $value }} s behind: a failover now "
        "would wait for it.",
        fires={f"cnpg_pg_replication_lag{{{_POSTGRES}}}": "120x90"},
        quiet={f"cnpg_pg_replication_lag{{{_POSTGRES}}}": "1x90"},
    ),
    Alert(
        "CertificateExpires",
        "ticket",
        "min by (namespace, name) (certmanager_certificate_expiration_timestamp_seconds) - time() < 14 * 86400",
        "1h",
        "The certificate {{ $labels.name }} in {{ $labels.namespace }} ends in {{ $value | humanizeDuration }}.",
        fires={'certmanager_certificate_expiration_timestamp_seconds{namespace="eu-1", name="edge"}': "864000x90"},
        quiet={'certmanager_certificate_expiration_timestamp_seconds{namespace="eu-1", name="edge"}': "5184000x90"},
    ),
)
