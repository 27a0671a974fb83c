"""What `locust -f` runs, alone or as master and workers: the people of the scenario that CELLCAST_SCENARIO names.

The samples and the ledger of all workers are collected by the process that leads, and written to CELLCAST_LOAD_OUT
when the load ends: `samples.csv` and `ledger.json`.
"""

import json
import os
from pathlib import Path
from typing import Any

import gevent
from locust import LoadTestShape, User, events
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from loadtest import ledger, samples, scenarios
from loadtest.people.footage import pieces
from loadtest.people.kinds import KINDS
from loadtest.people.visitor import Visitor
from loadtest.scenario import Kind, Scenario

OUT = os.environ.get("CELLCAST_LOAD_OUT")


def _scenario() -> Scenario:
    chosen = scenarios.get(os.environ["CELLCAST_SCENARIO"])
    short = os.environ.get("CELLCAST_LOAD_SHORT")  # "seconds,people"
    if short:
        seconds, most = (int(part) for part in short.split(","))
        chosen = chosen.shortened(seconds, most)
    return chosen


scenario = _scenario()
Visitor.resting, Visitor.seconds = scenario.rest, scenario.seconds
recorder = samples.Recorder()
collected: list[samples.Wire] = []
entries: list[dict[str, Any]] = []


def _people(kind: Kind, count: int) -> type[User]:
    """A kind of people as this scenario has them; locust keeps the proportions by weight."""
    about: dict[str, Any] = {"weight": count, "only_cell": scenario.only_cell.get(kind)}
    if kind == "customer":
        about["records_s"] = scenario.records_s
    made: type[User] = type(KINDS[kind].__name__, (KINDS[kind],), about)
    return made


# Locust looks for them among this module's names.
globals().update({made.__name__: made for made in (_people(kind, count) for kind, count in scenario.people.items())})


class Shape(LoadTestShape):
    """The scenario's people over its time."""

    def tick(self) -> tuple[int, float] | None:
        """How many are there now, and how many come in a second; None ends it."""
        at = float(self.get_run_time()) / scenario.seconds  # type: ignore[no-untyped-call]  # locust's own
        if at >= 1:
            return None
        total = sum(scenario.people.values())
        return max(1, round(total * scenario.shape(at))), max(1.0, total / 5)


def _prepared(environment: Environment, **_: object) -> None:
    environment.events.request.add_listener(recorder.heard)  # type: ignore[no-untyped-call]  # locust's own
    if not isinstance(environment.runner, MasterRunner):
        pieces()  # encoded before anybody comes
    if OUT and not isinstance(environment.runner, WorkerRunner):
        gevent.spawn(_tell, environment, Path(OUT) / "progress.json")


def _tell(environment: Environment, file: Path) -> None:
    """Say every second how it goes."""
    while True:
        total = environment.stats.total
        count = environment.runner.user_count if environment.runner else 0
        now = {"people": count, "steps": total.num_requests, "failed": total.num_failures, "per_s": total.current_rps}
        file.write_text(json.dumps(now), encoding="utf-8")
        gevent.sleep(1)


def _reported(client_id: str, data: dict[str, Any], **_: object) -> None:
    data["cellcast"] = {"samples": recorder.taken(), "ledger": ledger.taken()}


def _arrived(client_id: str, data: dict[str, Any], **_: object) -> None:
    sent = data.get("cellcast", {"samples": [], "ledger": []})
    collected.extend(tuple(one) for one in sent["samples"])
    entries.extend(sent["ledger"])


def _written(environment: Environment, **_: object) -> None:
    if isinstance(environment.runner, WorkerRunner):
        return
    collected.extend(recorder.taken())
    entries.extend(ledger.taken())
    if OUT:
        samples.write(Path(OUT) / "samples.csv", collected)
        (Path(OUT) / "ledger.json").write_text(json.dumps(entries), encoding="utf-8")


for hook, listener in (
    (events.init, _prepared),
    (events.report_to_master, _reported),
    (events.worker_report, _arrived),
    (events.quitting, _written),
):
    hook.add_listener(listener)  # type: ignore[no-untyped-call]  # locust's own
