"""The fleet as the control plane knows it, and how parts hear of one another."""

from observability.alerts.alert import Alert

_PLANE = 'part="control-plane"'

ALERTS = (
    Alert(
        "HeartbeatSilent",
        "page",
        "max by (member) (cellcast_fleet_heartbeat_age_seconds) > 120",
        "1m",
        "The cell {{ $labels.member }} was heard of {{ $value | humanizeDuration }} ago; it gets no new workspaces.",
        fires={f'cellcast_fleet_heartbeat_age_seconds{{{_PLANE}, member="eu-1"}}': "0+60x90"},
        quiet={f'cellcast_fleet_heartbeat_age_seconds{{{_PLANE}, member="eu-1"}}': "31x90"},
    ),
    Alert(
        "CellNearlyFull",
        "ticket",
        "max by (member) (cellcast_fleet_load_units) / max by (member) (cellcast_fleet_capacity_units) > 0.85",
        "30m",
        "The cell {{ $labels.member }} carries {{ $value | humanizePercentage }} of what it may.",
        fires={
            f'cellcast_fleet_load_units{{{_PLANE}, member="eu-1"}}': "900x90",
            f'cellcast_fleet_capacity_units{{{_PLANE}, member="eu-1"}}': "1000x90",
        },
        quiet={
            f'cellcast_fleet_load_units{{{_PLANE}, member="eu-1"}}': "500x90",
            f'cellcast_fleet_capacity_units{{{_PLANE}, member="eu-1"}}': "1000x90",
        },
    ),
    Alert(
        "OwnershipUntold",
        "ticket",
        "max by (part) (cellcast_ownership_untold) > 0",
        "10m",
        "{{ $value }} placements are not known to their cells: suspensions and moves are not felt there.",
        fires={f"cellcast_ownership_untold{{{_PLANE}}}": "3x90"},
        quiet={f"cellcast_ownership_untold{{{_PLANE}}}": "0x90"},
    ),
    Alert(
        "PeerHeldBack",
        "ticket",
        "max by (region, cell, part, peer) (cellcast_call_breaker_open) == 1",
        "5m",
        "{{ $labels.part }} {{ $labels.cell }} no longer calls {{ $labels.peer }}, which did not answer.",
        fires={'cellcast_call_breaker_open{part="provisioning", region="eu", peer="eu-1"}': "1x90"},
        quiet={'cellcast_call_breaker_open{part="provisioning", region="eu", peer="eu-1"}': "0x58 1 0x31"},
    ),
    Alert(
        "FeedBehind",
        "ticket",
        "max by (region, cell, part, audience) (cellcast_feed_age_seconds) > 300",
        "5m",
        "{{ $labels.part }} {{ $labels.cell }} has heard nothing from its feed {{ $labels.audience }} for "
        "{{ $value | humanizeDuration }}.",
        fires={'cellcast_feed_age_seconds{part="router", region="eu", audience="routing"}': "0+60x90"},
        quiet={'cellcast_feed_age_seconds{part="router", region="eu", audience="routing"}': "25x90"},
    ),
    Alert(
        "FeedRefused",
        "page",
        "sum by (region, cell, part, audience, why)"
        ' (increase(cellcast_feed_failed_total{why=~"refused|disk|fault"}[10m])) > 3',
        "5m",
        "{{ $labels.part }} {{ $labels.cell }} does not take what its feed {{ $labels.audience }} says: "
        "{{ $labels.why }}.",
        fires={'cellcast_feed_failed_total{part="router", region="eu", audience="routing", why="refused"}': "0+6x90"},
        quiet={'cellcast_feed_failed_total{part="router", region="eu", audience="routing", why="away"}': "0+6x90"},
    ),
)
