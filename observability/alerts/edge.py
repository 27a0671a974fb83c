"""What stands before the processes that people reach: what they cannot see themselves, since it never came to them."""

from observability.alerts.alert import Alert

_BY = "region, cell, part"
_REQUESTS = "cellcast_edge_requests_total"
_UNANSWERED = f'{_REQUESTS}{{by="edge", status="5xx"}}'
_EDGE = 'part="cell", process="edge", region="eu", cell="eu-1"'

ALERTS = (
    Alert(
        "EdgeErrors",
        "page",
        f"sum by ({_BY}) (rate({_UNANSWERED}[5m])) / sum by ({_BY}) (rate({_REQUESTS}[5m])) > 0.01"
        f" and sum by ({_BY}) (increase({_UNANSWERED}[5m])) > 10",
        "2m",
        "The edge of {{ $labels.part }} {{ $labels.cell }} {{ $labels.region }} answers "
        "{{ $value | humanizePercentage }} of requests itself, with 5xx: nothing came from what is behind it.",
        fires={
            f'{_REQUESTS}{{{_EDGE}, by="edge", status="5xx"}}': "0x30 0+10x60",
            f'{_REQUESTS}{{{_EDGE}, by="behind", status="2xx"}}': "0+100x90",
        },
        quiet={
            f'{_REQUESTS}{{{_EDGE}, by="edge", status="5xx"}}': "0x50 9x40",  # a few, as when one process ends
            f'{_REQUESTS}{{{_EDGE}, by="edge", status="4xx"}}': "0+50x90",  # blocks
            f'{_REQUESTS}{{{_EDGE}, by="behind", status="5xx"}}': "0+50x90",  # objectives go by these
            f'{_REQUESTS}{{{_EDGE}, by="behind", status="2xx"}}': "0+100x90",
        },
    ),
)
