"""promtool's unit tests of the rules, written from the same tables: each alert becomes true, and stays silent."""

from collections.abc import Mapping
from typing import Any

from observability.alerts import SUBJECTS
from observability.objectives import BURNS, OBJECTIVES, SECONDS, Burn, Objective

AT = "60m"
_CELL = 'region="eu", cell="eu-1"'
# Series that make bad and good events, a share of which is bad; `{}` is where the numbers go.
_SERIES: Mapping[str, tuple[str, str]] = {
    "link-resolves": (
        f'cellcast_router_requests_total{{{_CELL}, outcome="starting"}}',
        f'cellcast_router_requests_total{{{_CELL}, outcome="led"}}',
    ),
    "recording-accepted": (
        f'cellcast_http_requests_total{{{_CELL}, route="/r/<link>/recordings", status="5xx"}}',
        f'cellcast_http_requests_total{{{_CELL}, route="/w/<key>/uploads/<uuid:recording_id>/finish", status="2xx"}}',
    ),
    "recording-playable": (
        f'cellcast_recording_processed_seconds_count{{{_CELL}, outcome="failed"}}',
        f'cellcast_recording_processed_seconds_count{{{_CELL}, outcome="ready"}}',
    ),
    "sign-in": (
        f'cellcast_http_requests_total{{{_CELL}, route="/w/<key>/sign-in", status="5xx"}}',
        f'cellcast_http_requests_total{{{_CELL}, route="/w/<key>/sign-in/factor", status="3xx"}}',
    ),
    "scim-applied": (
        f'cellcast_scim_requests_total{{{_CELL}, operation="POST Users", status="503"}}',
        f'cellcast_scim_requests_total{{{_CELL}, operation="POST Users", status="201"}}',
    ),
}
_WELL = f'cellcast_recording_processed_seconds_bucket{{{_CELL}, outcome="ready", le="60.0"}}'


def files() -> dict[str, dict[str, Any]]:
    """promtool's files of tests by name, one beside each file of rules: a test evaluates all rules that it loads."""
    made = {f"objective-{one.name}": _file(f"objective-{one.name}", "5m", _of_objective(one)) for one in OBJECTIVES}
    for subject, rows in SUBJECTS.items():
        tried = [(one.name, series, here) for one in rows for series, here in ((one.fires, True), (one.quiet, False))]
        made[f"alerts-{subject}"] = _file(f"alerts-{subject}", "1m", [_case(*one) for one in tried])
    return {f"{name}.tests.yaml": content for name, content in made.items()}


def _file(name: str, every: str, cases: list[dict[str, Any]]) -> dict[str, Any]:
    return {"rule_files": [f"{name}.rules.yaml"], "evaluation_interval": every, "tests": cases}


def _of_objective(one: Objective) -> list[dict[str, Any]]:
    return [*(_burnt(one, burn) for burn in BURNS), _kept(one), _rare(one)]


def _case(alert: str, series: Mapping[str, str], here: bool) -> dict[str, Any]:
    expected = [{"labels": "{}", "value": 1}] if here else []
    return {
        "name": f"{alert} {'is seen' if here else 'is silent'}",
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": f'count(count by (alertname) (ALERTS{{alertname="{alert}", alertstate="firing"}}))',
                "eval_time": AT if alert != "CertificateExpires" else "75m",
                "exp_samples": expected,
            }
        ],
    }


def _burnt(one: Objective, burn: Burn) -> dict[str, Any]:
    """Twice as fast as the burn bears, until the short window is full: over the long one the share is the same."""
    share = min(1.0, 2 * burn.times * one.budget)
    minutes = SECONDS[burn.short] // 60 + 10
    return _flow(one, f"{one.alert} over {burn.long}", share, minutes, burn, here=True)


def _kept(one: Objective) -> dict[str, Any]:
    """Half of what may be bad."""
    return _flow(one, f"{one.alert} is silent within its budget", one.budget / 2, 120, None, here=False)


def _rare(one: Objective) -> dict[str, Any]:
    """Everything bad, but hardly anything comes."""
    case = _flow(one, f"{one.alert} is silent where hardly anything comes", 1.0, 120, None, here=False)
    for series in case["input_series"]:
        series["values"] = "0x30 1x90" if series["values"] != "0x120" else "0x120"
    return case


def _flow(one: Objective, name: str, share: float, minutes: int, burn: Burn | None, *, here: bool) -> dict[str, Any]:
    """100 events a minute of which `share` is bad."""
    bad, good = _SERIES[one.name]
    flows = {bad: share * 100, good: (1 - share) * 100}
    if one.name == "recording-playable":
        flows[_WELL] = flows[good]
    values = {series: f"0+{flow:g}x{minutes}" if flow else f"0x{minutes}" for series, flow in flows.items()}
    window = f', window="{burn.long}"' if burn else ""
    alerts = f'ALERTS{{alertname="{one.alert}", alertstate="firing"{window}}}'
    return {
        "name": name,
        "interval": "1m",
        "input_series": [{"series": series, "values": numbers} for series, numbers in values.items()],
        "promql_expr_test": [
            {
                "expr": f"count({alerts})",
                "eval_time": f"{minutes}m",
                "exp_samples": [{"labels": "{}", "value": 1}] if here else [],
            }
        ],
    }
