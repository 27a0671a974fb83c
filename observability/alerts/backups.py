"""Backups of PostgreSQL: made, seen, and of use."""

from observability.alerts.alert import Alert

_BY = "region, cell, part"
_MADE = "barman_cloud_cloudnative_pg_io_last_available_backup_timestamp"
_CELL = 'part="cell", region="eu", cell="eu-1"'
_POSTGRES = f'{_CELL}, process="postgres"'
_PLANE = 'part="control-plane"'

ALERTS = (
    Alert(
        "BackupOld",
        "page",
        # 0 where none was ever made.
        f"time() - max by ({_BY}) ({_MADE}) > 36 * 3600",
        "30m",
        "The last base backup of {{ $labels.part }} {{ $labels.cell }} is {{ $value | humanizeDuration }} old.",
        # promtool's clock begins at 0: a backup of two days before.
        fires={f'{_MADE}{{{_PLANE}, process="postgres"}}': "-172800x90"},
        quiet={f"{_MADE}{{{_POSTGRES}}}": "0x90", f'{_MADE}{{{_POSTGRES}, instance="2"}}': "-172800x90"},
    ),
    Alert(
        "BackupUnseen",
        "ticket",
        f"postgres:backups_wanted unless on ({_BY}) {_MADE}",
        "30m",
        "{{ $labels.part }} {{ $labels.cell }} is to have backups, and nothing says when the last was made.",
        fires={
            f"postgres:backups_wanted{{{_CELL}}}": "1x90",
            f"postgres:backups_wanted{{{_PLANE}}}": "1x90",
            f"{_MADE}{{{_POSTGRES}}}": "0x90",
        },
        quiet={
            f"postgres:backups_wanted{{{_CELL}}}": "1x90",
            f"{_MADE}{{{_POSTGRES}}}": "0x90",
            f"postgres:backups_wanted{{{_PLANE}}}": "1x90",
            f'{_MADE}{{{_PLANE}, process="postgres"}}': "0x90",
        },
    ),
    Alert(
        "DrillFailed",
        "ticket",
        # One that was started by hand is somebody's who looks at it.
        "max by (namespace, job_name)"
        ' (kube_job_failed{namespace=~"cell-.+|cellcast-.+", job_name=~"(.+-)?drill-[0-9]+"}) > 0',
        "1m",
        "The restore drill {{ $labels.job_name }} in {{ $labels.namespace }} failed.",
        fires={'kube_job_failed{namespace="cell-eu-1", job_name="eu-1-drill-29674110", condition="true"}': "1x90"},
        quiet={
            'kube_job_failed{namespace="cell-eu-1", job_name="eu-1-drill-29674110", condition="true"}': "0x90",
            'kube_job_failed{namespace="cell-eu-1", job_name="eu-1-migrate-2", condition="true"}': "1x90",
            'kube_job_failed{namespace="elsewhere", job_name="fire-drill-1", condition="true"}': "1x90",
        },
    ),
)
