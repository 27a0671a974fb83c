"""Work that waits, fails or is given up."""

from observability.alerts.alert import Alert

_SCHEDULER = 'part="cell", process="scheduler", region="eu", cell="eu-1"'
_WORKER = 'part="cell", process="worker", region="eu", cell="eu-1"'

ALERTS = (
    Alert(
        "JobsWaiting",
        "page",
        'max by (region, cell, lane) (cellcast_jobs_oldest_due_seconds{lane="light"}) > 60'
        ' or max by (region, cell, lane) (cellcast_jobs_oldest_due_seconds{lane="media"}) > 300',
        "5m",
        "{{ $labels.cell }}: the oldest job of the lane {{ $labels.lane }} has waited {{ $value | humanizeDuration }}.",
        fires={f'cellcast_jobs_oldest_due_seconds{{{_SCHEDULER}, lane="media"}}': "0+60x90"},
        quiet={f'cellcast_jobs_oldest_due_seconds{{{_SCHEDULER}, lane="media"}}': "120x90"},
    ),
    Alert(
        "JobsFailing",
        "ticket",
        'sum by (region, cell, kind) (rate(cellcast_job_runs_total{outcome=~"failed|lost"}[15m]))'
        " / sum by (region, cell, kind) (rate(cellcast_job_runs_total[15m])) > 0.2",
        "15m",
        "{{ $labels.cell }}: {{ $value | humanizePercentage }} of the runs of {{ $labels.kind }} fail.",
        fires={
            f'cellcast_job_runs_total{{{_WORKER}, kind="recordings.assemble", outcome="done"}}': "0+6x90",
            f'cellcast_job_runs_total{{{_WORKER}, kind="recordings.assemble", outcome="failed"}}': "0+6x90",
        },
        quiet={
            f'cellcast_job_runs_total{{{_WORKER}, kind="recordings.assemble", outcome="done"}}': "0+60x90",
            f'cellcast_job_runs_total{{{_WORKER}, kind="recordings.assemble", outcome="failed"}}': "0+1x90",
        },
    ),
    Alert(
        "JobsGivenUp",
        "ticket",
        'sum by (region, cell, kind) (increase(cellcast_job_runs_total{outcome="dead"}[1h])) > 0',
        "1m",
        "{{ $labels.cell }}: a job {{ $labels.kind }} was laid aside; nobody will try it again.",
        fires={f'cellcast_job_runs_total{{{_WORKER}, kind="recordings.erase", outcome="dead"}}': "0x30 1x60"},
        quiet={f'cellcast_job_runs_total{{{_WORKER}, kind="recordings.erase", outcome="dead"}}': "1x90"},
    ),
    Alert(
        "SweepSilent",
        "page",
        # Over an hour: the series of a scheduler that is gone ends with it.
        "time() - max by (region, cell) (max_over_time("
        'cellcast_round_last_success_timestamp_seconds{what="sweep"}[1h])) > 60',
        "1m",
        "{{ $labels.cell }}: no scheduler has looked for waiting jobs for {{ $value | humanizeDuration }}.",
        fires={f'cellcast_round_last_success_timestamp_seconds{{{_SCHEDULER}, what="sweep"}}': "0+60x30 stale"},
        quiet={f'cellcast_round_last_success_timestamp_seconds{{{_SCHEDULER}, what="sweep"}}': "0+60x90"},
    ),
)
