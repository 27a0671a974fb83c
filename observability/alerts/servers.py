"""What every part leans on: PostgreSQL, Redis, the pools of connections to them, certificates."""

from observability.alerts.alert import Alert

_WEB = 'part="cell", process="web", region="eu", cell="eu-1"'
_POSTGRES = 'part="cell", process="postgres", region="eu", cell="eu-1"'
_BY = "region, cell, part"
_SCHEDULER = 'part="cell", process="scheduler", region="eu", cell="eu-1"'
_EVICTED, _REFUSED = "cellcast_redis_evicted_keys_total", "cellcast_redis_refused_connections_total"


def _memory(state: str) -> str:
    return f'max by ({_BY}) (cellcast_redis_memory_bytes{{state="{state}"}})'


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
        "RedisMemoryFull",
        "page",
        f"{_memory('used')} / {_memory('most')} > 0.85 or max by ({_BY}) (increase({_EVICTED}[10m])) > 0",
        "2m",
        "Redis of {{ $labels.part }} {{ $labels.cell }} {{ $labels.region }} has little memory left, or throws away "
        "what it holds.",
        fires={
            f'cellcast_redis_memory_bytes{{{_SCHEDULER}, state="used"}}': "90x90",
            f'cellcast_redis_memory_bytes{{{_SCHEDULER}, state="most"}}': "100x90",
        },
        quiet={
            f'cellcast_redis_memory_bytes{{{_SCHEDULER}, state="used"}}': "60x90",
            f'cellcast_redis_memory_bytes{{{_SCHEDULER}, state="most"}}': "100x90",
            'cellcast_redis_memory_bytes{part="provisioning", region="eu", state="used"}': "60x90",  # without a limit
            f"{_EVICTED}{{{_SCHEDULER}}}": "7x90",
        },
    ),
    Alert(
        "RedisNotSaving",
        "page",
        f"min by ({_BY}, what) (cellcast_redis_saved) == 0",
        "2m",
        "Redis of {{ $labels.part }} {{ $labels.cell }} {{ $labels.region }} cannot write to its disk: "
        "{{ $labels.what }}.",
        fires={f'cellcast_redis_saved{{{_SCHEDULER}, what="log"}}': "1x30 0x60"},
        quiet={f'cellcast_redis_saved{{{_SCHEDULER}, what="log"}}': "1x58 0 1x31"},
    ),
    Alert(
        "RedisRefuses",
        "ticket",
        f"max by ({_BY}) (increase({_REFUSED}[10m])) > 0",
        "1m",
        "Redis of {{ $labels.part }} {{ $labels.cell }} {{ $labels.region }} refuses connections: it has the most that "
        "it takes.",
        fires={f"{_REFUSED}{{{_SCHEDULER}}}": "0x30 0+2x60"},
        quiet={f"{_REFUSED}{{{_SCHEDULER}}}": "7x90"},
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
