"""A stack comes up in the order of its needs, says the first reason when it does not, and goes down in stages."""

import json
from pathlib import Path

import pytest

from stack.errors import StackError
from stack.supervisor import Step, Supervisor
from stack.unit import Life, Service
from stack.waiting import by_log
from tests.stack.test_unit import RUNS, program


def service(name: str, *after: str, stage: int = 0, text: str = RUNS) -> Service:
    return Service(name, program(text), by_log("ready"), after, stage)


def history(logs: Path, event: str) -> list[str]:
    lines = [json.loads(line) for line in (logs / "stack.log").read_text().splitlines()]
    return [line["name"] for line in lines if line["event"] == event]


async def test_each_starts_after_what_it_needs_and_stops_in_its_stage(tmp_path: Path) -> None:
    done: list[str] = []

    async def migrate() -> None:
        assert supervisor.units["database"].report.life is Life.READY
        done.append("migrations")

    services = [service("web", "migrations", stage=0), service("database", stage=1)]
    supervisor = Supervisor(tmp_path, lambda _: None)
    await supervisor.up(services, [Step("migrations", migrate, after=("database",))])
    assert done == ["migrations"]
    assert history(tmp_path, "ready") == ["database", "web"]
    await supervisor.down()
    assert history(tmp_path, "stopped") == ["web", "database"]


async def test_the_first_reason_is_the_one_that_is_said(tmp_path: Path) -> None:
    services = [service("database", text="raise SystemExit('no room')"), service("web", "database"), service("other")]
    supervisor = Supervisor(tmp_path, lambda _: None)
    with pytest.raises(StackError, match=r"^database: ended with 1 \(no room\)$"):
        await supervisor.up(services, [])
    await supervisor.down()
    assert {one.life for one in supervisor.reports} == {Life.STOPPED}


async def test_what_comes_later_finds_what_is_there(tmp_path: Path) -> None:
    supervisor, runs = Supervisor(tmp_path, lambda _: None), []

    async def step() -> None:
        runs.append("prepared")

    await supervisor.up([service("database")], [Step("prepared", step, after=("database",))])
    database = supervisor.units["database"].report.pid
    await supervisor.up([service("web", "database", "prepared")], [])
    assert [one.life for one in supervisor.reports] == [Life.READY, Life.READY]
    assert supervisor.units["database"].report.pid == database and runs == ["prepared"]
    await supervisor.drop(["web"])
    assert list(supervisor.units) == ["database"]
    await supervisor.down()


async def test_an_unknown_name_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path, lambda _: None)
    await supervisor.up([service("one")], [])
    with pytest.raises(StackError, match="there is no process two: there are one"):
        await supervisor.act("stop", ["two"])
    await supervisor.down()
