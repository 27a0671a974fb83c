"""Processes of ours: gone, starting over and over, held up."""

from observability.alerts.alert import Alert

_WEB = 'part="cell", process="web", region="eu", cell="eu-1"'

ALERTS = (
    Alert(
        "ProcessDown",
        "page",
        'up{part=~"router|cell|control-plane|provisioning"} == 0',
        "2m",
        "{{ $labels.instance }} ({{ $labels.part }} {{ $labels.cell }} {{ $labels.process }}) does not answer scrapes.",
        fires={f"up{{{_WEB}}}": "0x90"},
        quiet={f"up{{{_WEB}}}": "1x58 0 1x31", 'up{part="edge"}': "0x90"},
    ),
    Alert(
        "ProcessRestarting",
        "ticket",
        "changes(process_start_time_seconds{part=~'router|cell|control-plane|provisioning'}[30m]) > 3",
        "1m",
        "{{ $labels.instance }} ({{ $labels.part }} {{ $labels.cell }} {{ $labels.process }}) started {{ $value }} "
        "times in half an hour.",
        fires={f"process_start_time_seconds{{{_WEB}}}": "0+300x90"},
        quiet={f"process_start_time_seconds{{{_WEB}}}": "7x30 8x60"},
    ),
    Alert(
        "EventLoopBlocked",
        "ticket",
        "max by (region, cell, part, process) (cellcast_event_loop_longest_block_seconds) > 1",
        "10m",
        "{{ $labels.part }} {{ $labels.cell }} {{ $labels.process }}: nothing else ran for {{ $value }} s.",
        fires={f"cellcast_event_loop_longest_block_seconds{{{_WEB}}}": "2x90"},
        quiet={f"cellcast_event_loop_longest_block_seconds{{{_WEB}}}": "0.1x90"},
    ),
    Alert(
        "RouterCutsConnections",
        "ticket",
        "sum by (region) (rate(cellcast_router_connections_cut_total[5m])) > 10",
        "10m",
        "The routers of {{ $labels.region }} cut off {{ $value }} connections a second: slow clients, or too many.",
        fires={'cellcast_router_connections_cut_total{part="router", region="eu"}': "0+6000x90"},
        quiet={'cellcast_router_connections_cut_total{part="router", region="eu"}': "0+30x90"},
    ),
)
