"""What `locust -f` runs, alone or as master and workers: the people of the scenario that CELLCAST_SCENARIO names.

--users, --spawn-rate and --run-time say how many come, how fast and for how long, or else the scenario does. Whoever
leads collects the samples and the ledger of all workers, and writes them to CELLCAST_LOAD_OUT when the load ends:
`samples.csv`, `ledger.json`, and `run.json`, which says what was run.
"""

import argparse
import json
import os
import secrets
import sys
from pathlib import Path
from typing import Any

import gevent
from locust import LoadTestShape, User, events
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from loadtest import ledger, samples, scenarios
from loadtest.people.customer import Customer
from loadtest.people.footage import pieces
from loadtest.people.kinds import KINDS
from loadtest.people.visitor import Visitor
from loadtest.scenario import Kind

OUT = os.environ.get("CELLCAST_LOAD_OUT")
NAME = os.environ["CELLCAST_SCENARIO"]

scenario = scenarios.get(NAME)
recorder = samples.Recorder()
collected: list[samples.Wire] = []
entries: list[dict[str, Any]] = []
if not {"--master", "--list"} & set(sys.argv):
    pieces()  # encoded before anybody comes: a worker connects, and is counted as ready, when this file has been read


def _people(kind: Kind) -> type[User]:
    """A kind of people as this scenario has them."""
    return type(KINDS[kind].__name__, (KINDS[kind],), {"only_cell": scenario.only_cell.get(kind)})


# Locust looks for them among this module's names.
kinds = {kind: _people(kind) for kind in scenario.people}
globals().update({made.__name__: made for made in kinds.values()})


class Shape(LoadTestShape):
    """The scenario's people over its time."""

    use_common_options = True

    def tick(self) -> tuple[int, float] | None:
        """How many are there now, and how many come in a second; None ends it."""
        assert self.runner is not None, "locust gives a shape its runner"
        options = _options(self.runner.environment)
        at = float(self.get_run_time()) / options.run_time  # type: ignore[no-untyped-call]  # locust's own
        if at < 1:
            return max(1, round(options.num_users * scenario.shape(at))), options.spawn_rate
        if isinstance(self.runner, MasterRunner):
            self.runner.stop()  # and waits for every worker's last report; what ends the load waits half a second
        return None


def _options(environment: Environment) -> argparse.Namespace:
    assert isinstance(environment.parsed_options, argparse.Namespace), "locust was started by its command"
    return environment.parsed_options


def _prepared(environment: Environment, **_: object) -> None:
    environment.events.request.add_listener(recorder.heard)  # type: ignore[no-untyped-call]  # locust's own
    if isinstance(environment.runner, WorkerRunner):
        return
    options = _options(environment)  # before locust takes a person a second where nothing is said
    options.num_users = options.num_users or scenario.total
    options.spawn_rate = options.spawn_rate or max(1.0, options.num_users / 5)
    options.run_time = options.run_time or scenario.seconds
    for kind, count in scenario.sized(options.num_users).people.items():
        kinds[kind].weight = count  # by which locust keeps the proportions
    if OUT:
        Path(OUT).mkdir(parents=True, exist_ok=True)
        gevent.spawn(_tell, environment, Path(OUT) / "progress.json")


def _begun(environment: Environment, **_: object) -> None:
    """Whoever leads says what is run; locust hands options that are not its own on to workers before people come."""
    options = _options(environment)
    if not isinstance(environment.runner, WorkerRunner):
        mark = f"load {secrets.token_hex(5)}"
        options.cellcast = {
            "scenario": NAME, "mark": mark, "people": options.num_users, "seconds": options.run_time,
        }  # fmt: skip
    sized = scenario.sized(options.cellcast["people"], options.cellcast["seconds"])
    Visitor.mark, Visitor.resting, Visitor.seconds = options.cellcast["mark"], scenario.rest, sized.seconds
    Customer.records_s = sized.records_s


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


def _stopped(environment: Environment, **_: object) -> None:
    """A worker says what it still knows before it says that it has stopped."""
    if isinstance(environment.runner, WorkerRunner):
        environment.runner._send_stats()  # its last report, as it makes one when it quits


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
        (Path(OUT) / "run.json").write_text(json.dumps(_options(environment).cellcast), encoding="utf-8")


for hook, listener in (
    (events.init, _prepared),
    (events.test_start, _begun),
    (events.report_to_master, _reported),
    (events.worker_report, _arrived),
    (events.test_stop, _stopped),
    (events.quitting, _written),
):
    hook.add_listener(listener)  # type: ignore[no-untyped-call]  # locust's own
