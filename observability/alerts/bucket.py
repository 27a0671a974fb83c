"""The bucket, which holds all footage."""

from observability.alerts.alert import Alert

_WORKER = 'part="cell", process="worker", region="eu", cell="eu-1", operation="get"'
_WEB = 'part="cell", process="web", region="eu", cell="eu-1"'

ALERTS = (
    Alert(
        "BucketRefuses",
        "page",
        'min by (region, cell) (cellcast_dependency_up{dependency="s3"}) == 0'
        ' or sum by (region, cell) (increase(cellcast_s3_calls_total{outcome=~"failed|refused"}[5m])) > 5',
        "2m",
        "S3 of {{ $labels.cell }} does not answer, or refuses: customers' chunks go nowhere.",
        fires={f'cellcast_s3_calls_total{{{_WORKER}, outcome="refused"}}': "0+10x90"},
        quiet={
            f'cellcast_s3_calls_total{{{_WORKER}, outcome="ok"}}': "0+600x90",
            f'cellcast_s3_calls_total{{{_WORKER}, outcome="missing"}}': "0+10x90",
            f'cellcast_dependency_up{{{_WEB}, dependency="s3"}}': "1x90",
        },
    ),
    Alert(
        "BucketSlow",
        "ticket",
        "histogram_quantile(0.95, sum by (region, cell, le) (rate(cellcast_s3_seconds_bucket"
        '{operation=~"get|check"}[10m]))) > 1',
        "10m",
        "S3 of {{ $labels.cell }} takes {{ $value }} s for small reads at the 95th percentile.",
        fires={
            f'cellcast_s3_seconds_bucket{{{_WORKER}, le="1.0"}}': "0x90",
            f'cellcast_s3_seconds_bucket{{{_WORKER}, le="5.0"}}': "0+60x90",
            f'cellcast_s3_seconds_bucket{{{_WORKER}, le="+Inf"}}': "0+60x90",
        },
        quiet={
            f'cellcast_s3_seconds_bucket{{{_WORKER}, le="1.0"}}': "0+60x90",
            f'cellcast_s3_seconds_bucket{{{_WORKER}, le="5.0"}}': "0+60x90",
            f'cellcast_s3_seconds_bucket{{{_WORKER}, le="+Inf"}}': "0+60x90",
        },
    ),
)
