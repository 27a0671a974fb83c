"""One process of the stack: ready when it says so, started again when it ends by itself, stopped when told."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from stack import unit as module
from stack.errors import StackError
from stack.processes import Command, own_environment
from stack.unit import Life, Service, Unit
from stack.waiting import by_log, said_last
from tests.waiting import eventually

SAYS_READY = 'print(\'{"event": "ready"}\', flush=True)\n'
RUNS = f"{SAYS_READY}import time; time.sleep(600)"

Maker = Callable[..., Unit]


def program(text: str) -> Command:
    return Command([sys.executable, "-c", text], own_environment())


@pytest.fixture
async def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Maker]:
    made: list[Unit] = []
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.1)

    def one(text: str, **more: object) -> Unit:
        service = Service("it", program(text), by_log("ready"), **more)  # type: ignore[arg-type]  # its fields
        made.append(Unit(service, tmp_path / "it.log", lambda _: None))
        return made[-1]

    yield one
    for unit in made:
        await unit.stop(at_once=True)


async def test_a_log_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    """A fork makes its log itself, perhaps after the first look."""
    assert not await by_log("ready")(tmp_path / "it.log", 0)
    assert said_last(tmp_path / "it.log", 0) == "it said nothing"


async def test_it_is_ready_when_it_says_so(make: Maker) -> None:
    unit = make(RUNS)
    assert unit.report.pid is None
    await unit.start()
    assert unit.report.life is Life.READY
    assert unit.report.pid and psutil.pid_exists(unit.report.pid)


async def test_what_another_life_said_does_not_count(make: Maker, tmp_path: Path) -> None:
    (tmp_path / "it.log").write_text('{"event": "ready"}\n')
    unit = make("import time; time.sleep(600)")
    starting = asyncio.create_task(unit.start())
    await eventually(lambda: unit.report.seconds > 0.3, 5)
    assert unit.report.life is Life.STARTING
    await unit.stop(at_once=True)
    with pytest.raises(StackError, match="it: was stopped while it started"):
        await starting


async def test_one_that_cannot_start_says_why(make: Maker) -> None:
    unit = make("import sys; sys.exit('CELLCAST_CELL_NAME: is missing')")
    with pytest.raises(StackError, match=r"it: ended with 1 \(CELLCAST_CELL_NAME: is missing\)"):
        await unit.start()
    assert unit.report.life is Life.STOPPED


async def test_one_that_crashes_is_started_again_after_longer_and_longer_pauses(make: Maker) -> None:
    unit = make(RUNS)
    await unit.start()
    for restarts in (1, 2):
        pid = unit.report.pid
        assert pid
        os.kill(pid, signal.SIGKILL)
        await eventually(lambda: unit.report.life is Life.RESTARTING, 5)
        assert "was ended by SIGKILL" in unit.report.note and f"again in {0.1 * restarts:g} s" in unit.report.note
        await eventually(lambda: unit.report.life is Life.READY, 5)
        assert unit.report.restarts == restarts and unit.report.pid != pid


async def test_stopping_gives_it_time_and_then_kills(make: Maker) -> None:
    polite = make("import signal, sys\nsignal.signal(15, lambda *_: sys.exit(print('bye', flush=True)))\n" + RUNS)
    await polite.start()
    await polite.stop()
    assert polite.report.life is Life.STOPPED and polite.report.pid is None
    assert "bye" in polite.report.log.read_text()
    deaf = make("import signal\nsignal.signal(15, signal.SIG_IGN)\n" + RUNS, stop_within_s=0.2)
    await deaf.start()
    pid = deaf.report.pid
    await deaf.stop()
    assert pid and not psutil.pid_exists(pid)


async def test_one_that_is_stopped_while_it_pauses_stays_down(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 600.0)
    unit = make(RUNS)
    await unit.start()
    assert unit.report.pid
    os.kill(unit.report.pid, signal.SIGKILL)
    await eventually(lambda: unit.report.life is Life.RESTARTING, 5)
    await unit.stop()
    assert unit.report.life is Life.STOPPED


async def test_one_that_is_too_slow_is_ended(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READY_S", 0.2)
    unit = make("import time; time.sleep(600)")
    with pytest.raises(StackError, match=r"was not ready after 0.2 s"):
        await unit.start()


async def test_it_may_be_stopped_and_started_again(make: Maker) -> None:
    unit = make(RUNS)
    with suppress(StackError):
        await unit.start()
    await unit.stop()
    await unit.start()
    assert unit.report.life is Life.READY and unit.report.restarts == 0
