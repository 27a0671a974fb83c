"""`cellcast status`: what is shown of a fleet, what counts as wrong, and the exit codes."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner, Result

from control_plane.cli.live import DEPENDENCY, FEED_AGE, OLDEST_JOB, UP
from control_plane.cli.status import app
from observability.alerts import ALERTS
from observability.objectives import OBJECTIVES

Series = dict[str, list[tuple[dict[str, str], float]]]


def a_cell(name: str = "eu-1", *, silent_s: float = 10, load: float = 100, state: str = "open") -> dict[str, Any]:
    heard = (datetime.now(UTC) - timedelta(seconds=silent_s)).isoformat()
    facts = {"name": name, "region": name[:2], "state": state, "load": load, "capacity": 1000}
    return {**facts, "workspaces": 7, "heard_at": heard}


@contextmanager
def serving(answers: dict[str, Any]) -> Iterator[str]:
    """An HTTP server; a path's answer is JSON, or a function of the query, or text."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            answer = answers.get(parts.path)
            if callable(answer):
                answer = answer(parse_qs(parts.query))
            body = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
            self.send_response(404 if answer is None else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def registry(*cells: dict[str, Any]) -> Iterator[str]:
    with serving({"/api/operators/v1/cells": {"items": list(cells)}}) as url:
        yield url


@contextmanager
def prometheus(series: Series) -> Iterator[str]:
    def found(query: dict[str, list[str]]) -> object:
        rows = [{"metric": labels, "value": [0, str(value)]} for labels, value in series.get(query["query"][0], [])]
        return {"data": {"result": rows}}

    with serving({"/api/v1/query": found}) as url:
        yield url


def asked(*arguments: str) -> Result:
    token = "" if "--stack" in arguments else "token"  # stack.json has one of its own
    return CliRunner().invoke(app, list(arguments), env={"CELLCAST_OPERATOR_TOKEN": token})


def troubles(result: Result) -> set[tuple[str, str]]:
    return {(one["who"], one["runbook"]) for one in json.loads(result.stdout)["troubles"]}


def test_all_is_well() -> None:
    with registry(a_cell(), a_cell("us-1", state="retired")) as url:
        result = asked("--url", url)
    assert result.exit_code == 0
    assert "eu-1" in result.stdout and "All is well." in result.stdout and "us-1" not in result.stdout
    assert "--prometheus" in result.stdout  # what is not known is said


def test_a_silent_and_a_full_cell_are_said_with_their_runbooks() -> None:
    with registry(
        a_cell(silent_s=200), a_cell("eu-2", load=900), a_cell("eu-3", silent_s=999, state="draining")
    ) as url:
        result = asked("--url", url, "--json")
    assert result.exit_code == 1
    assert troubles(result) == {("eu-1", "HeartbeatSilent"), ("eu-2", "CellNearlyFull")}


def test_what_prometheus_measures_is_shown_and_judged() -> None:
    eu, us = ({"part": "cell", "region": name[:2], "cell": name} for name in ("eu-1", "us-1"))
    series: Series = {
        UP.query: [({**eu, "process": "web"}, 1), ({**eu, "process": "worker"}, 0)],
        DEPENDENCY.query: [({**us, "dependency": "redis"}, 0), ({**us, "dependency": "postgres"}, 1)],
        FEED_AGE.query: [({"part": "router", "region": "eu"}, 900), (eu, 12)],
        OLDEST_JOB.query: [({**eu, "lane": "media"}, 301), ({**eu, "lane": "light"}, 59)],
        "slo:budget": [({"slo": "sign-in"}, 0.001), ({"slo": "link-resolves"}, 0.0005)],
        "max by (slo) (slo:bad:ratio_rate1h)": [({"slo": "sign-in"}, 0.02), ({"slo": "link-resolves"}, float("nan"))],
    }
    with registry(a_cell(), a_cell("us-1")) as url, prometheus(series) as measuring:
        result = asked("--url", url, "--prometheus", measuring, "--json")
        shown = asked("--url", url, "--prometheus", measuring).stdout
    assert result.exit_code == 1
    expected = {("eu-1", "ProcessDown"), ("us-1", "RedisAway"), ("router eu", "FeedBehind"), ("eu-1", "JobsWaiting")}
    assert troubles(result) == {*expected, ("sign-in", "SignInBurn")}
    said = json.loads(result.stdout)
    assert said["burns"] == {"sign-in": 20.0, "link-resolves": 0.0}
    assert said["cells"][0]["feed_s"] == 12
    assert "20.0x" in shown and "docs/runbooks/JobsWaiting.md" in shown
    assert {runbook for _, runbook in troubles(result)} <= {one.name for one in ALERTS} | {
        one.alert for one in OBJECTIVES
    }


def test_a_registry_that_is_away_hides_nothing_else() -> None:
    with prometheus({FEED_AGE.query: [({"part": "router", "region": "eu"}, 4)]}) as measuring:
        result = asked("--url", "http://127.0.0.1:1", "--prometheus", measuring, "--json")
    assert result.exit_code == 3
    assert troubles(result) == {("control-plane", "ProcessDown")}
    assert json.loads(result.stdout)["parts"] == [{"name": "router", "region": "eu", "feed_s": 4.0, "away": []}]
    assert asked("--url", "http://127.0.0.1:1").exit_code == 3
    with registry(a_cell()) as url:
        assert asked("--url", url, "--prometheus", "http://127.0.0.1:1").exit_code == 3


def test_the_processes_of_a_stack_are_asked_themselves(tmp_path: Path) -> None:
    text = '# HELP x y\ncellcast_feed_age_seconds{audience="cell/eu-1"} 7.5\ncellcast_jobs_due{lane="light"} 3.0\n'
    cell = {"part": "cell", "region": "eu", "cell": "eu-1"}
    with registry(a_cell()) as url, serving({"/metrics": text}) as process:
        scrapes = [
            {"address": urlsplit(process).netloc, "labels": {**cell, "process": "web"}},
            {"address": "127.0.0.1:1", "labels": {**cell, "process": "worker"}},
        ]
        stack = tmp_path / "stack.json"
        stack.write_text(json.dumps({"control_plane": {"url": url, "operator_token": "token"}, "scrapes": scrapes}))
        result = asked("--stack", str(stack), "--json")
    (shown,) = json.loads(result.stdout)["cells"]
    assert (shown["feed_s"], shown["due"], shown["away"]) == (7.5, {"light": 3.0}, ["worker"])
    assert (result.exit_code, troubles(result)) == (1, {("eu-1", "ProcessDown")})


@pytest.mark.stack
def test_a_running_deployment_is_well(deployment: Any) -> None:
    result = asked("--stack", str(deployment.folder.description), "--json")
    said = json.loads(result.stdout)
    assert {cell["name"] for cell in said["cells"]} >= {"eu-1", "us-1"}
    assert all(cell["feed_s"] is not None and set(cell["due"]) == {"light", "media"} for cell in said["cells"])
    assert {part["name"] for part in said["parts"]} == {"control-plane", "provisioning", "router"}
