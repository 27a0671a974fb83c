"""Every metric, label and route that a rule or dashboard asks for exists, so that none is silent for ever."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from kit.metrics import Known, known
from observability import TARGET_LABELS
from observability.dashboards import DASHBOARDS
from observability.external import EXTERNAL
from observability.promql import asked
from observability.promtool import check, write
from observability.rules import files
from tests.guards.modules import modules_of

_PROMETHEUS = TARGET_LABELS | {"alertname", "alertstate", "le", "name", "namespace", "severity", "slo", "window"}


@cache
def metrics() -> dict[str, Known]:
    """Every metric of this code by each of the names that queries find it by."""
    for part in ("kit", "contracts", "cell", "router", "control_plane"):
        modules_of(part)
    return {sample: one for one in known() for sample in (one.name, *one.samples)}


def recorded() -> set[str]:
    """The series that rules record."""
    return {rule["record"] for _, rule in _rules() if "record" in rule}


def _rules() -> Iterator[tuple[str, dict[str, str]]]:
    for file, content in files().items():
        for group in content["groups"]:
            for rule in group["rules"]:
                yield f"{file}: {rule.get('alert', rule.get('record'))}", rule


def queries() -> Iterator[tuple[str, str]]:
    """Every query of a rule or dashboard, by what it is in."""
    for name, rule in _rules():
        yield name, rule["expr"]
    for dashboard in DASHBOARDS:
        for row in dashboard.rows:
            for panel in row.panels:
                for query in panel.queries.values():
                    yield f"{dashboard.title}: {panel.title}", query


def wrong_with(query: str) -> list[str]:
    """What a query asks for that is not there."""
    wrong = []
    for one in asked(query):
        if one.metric in EXTERNAL or one.metric in recorded() or one.metric == "ALERTS":
            continue
        metric = metrics().get(one.metric)
        if metric is None or one.metric not in metric.samples:
            wrong.append(f"no metric is called {one.metric}")
        elif strangers := one.labels - set(metric.labels) - _PROMETHEUS:
            wrong.append(f"{one.metric} has no {', '.join(sorted(strangers))}")
    return wrong


@pytest.mark.parametrize(("name", "query"), queries())
def test_a_query_asks_for_what_there_is(name: str, query: str) -> None:
    assert list(asked(query)) or query.startswith("vector("), f"{name}: no metric is found in it"
    assert not wrong_with(query), f"{name}: {wrong_with(query)}"


def test_what_is_not_there_is_found() -> None:
    assert wrong_with("rate(cellcast_http_requests_total[5m])") == []
    assert wrong_with("rate(cellcast_http_requests[5m])")
    assert wrong_with('cellcast_jobs_due{line="light"}')
    assert wrong_with("sum by (cell) (rate(cellcast_made_up_total[5m])) > 3")


def test_routes_that_queries_pick_exist() -> None:
    from cell.app import ROUTES
    from control_plane.provisioning.app import ROUTES as OF_PROVISIONING

    rules = {route.rule for routes in (*ROUTES, *OF_PROVISIONING) for route in routes.table}
    picked = {found for _, query in queries() for found in re.findall(r'route=~"([^"]+)"', query)}
    assert picked
    for pattern in (piece for one in picked for piece in one.split("|")):
        assert any(re.fullmatch(pattern, rule) for rule in rules), f"no route is like {pattern}"


def test_prometheus_takes_every_query(tmp_path: Path) -> None:
    """Dashboards' queries as rules, with what Grafana fills in filled in."""
    rules = [
        {"record": f"q:{number}", "expr": query.replace("$__rate_interval", "5m").replace("$cell", ".*")}
        for number, (_, query) in enumerate(queries())
    ]
    path = write(tmp_path / "queries.yaml", {"groups": [{"name": "queries", "rules": rules}]})
    taken, words = check([path])
    assert taken, words
