"""A process is restarted and nobody notices: another takes its place first, on the same sockets."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
import pytest

from contracts.feed_disk import Disk
from kit.ports import free_port
from stack import unit as module
from stack.errors import StackError
from stack.handing import of_web
from stack.processes import Command, own_environment
from stack.site import QUICKLY
from stack.supervisor import Supervisor
from stack.unit import Life, Service, Unit
from stack.waiting import over_http
from tests.kit.http.world import GET, Client, connected
from tests.stack.asking import asking
from tests.waiting import eventually

# Answers who it is, how long the body was, where it keeps its feed and whether there was one.
WEB = """
import asyncio, os
from pathlib import Path
from contracts.feed_disk import Disk
from kit import metrics
from kit.serve import serve
from prometheus_client import Gauge

async def app(scope, receive, send):
    length, more = 0, True
    while more:
        said = await receive()
        length, more = length + len(said.get("body", b"")), said.get("more_body", False)
    answer = f"{os.getpid()} {length} {folder} {began_with_some}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(answer))]})
    await send({"type": "http.response.body", "body": answer, "more_body": False})

folder = Path(os.environ["IT_STATE_DIR"])
began_with_some = Disk.path_in(folder, "routing").exists()
Gauge("pid", "pid").set(os.getpid())
disk = Disk(folder, "routing", "a form", {})
metrics.serve(os.environ["IT_METRICS_BIND"])
asyncio.run(serve(app, os.environ["IT_BIND"]))
"""
NEVER_STARTS = "raise SystemExit('a new version that does not start')"
NEVER_READY = WEB.replace('"status": 200', '"status": 503')


@dataclass
class Web:
    """A unit whose next process runs `text`."""

    folder: Path
    text: str = WEB
    port: int = field(default_factory=free_port)
    metrics: int = field(default_factory=free_port)
    others: set[int] = field(default_factory=lambda: {one.pid for one in psutil.Process().children()})

    def __post_init__(self) -> None:
        ready, handing = over_http(self.port, "/", "a"), of_web("IT_", "a", keeps=True)
        service = Service("it", self.command, ready, stop_signal=QUICKLY, handing=handing)
        self.supervisor = Supervisor(self.folder, lambda _: None)
        self.unit = Unit(service, self.folder / "it.log", lambda _: None)
        self.supervisor.units["it"] = self.unit

    def command(self) -> Command:
        """As the stack's are: with addresses and a folder in its environment."""
        at = {"IT_BIND": f"127.0.0.1:{self.port}", "IT_METRICS_BIND": f"127.0.0.1:{self.metrics}"}
        kept = {"IT_STATE_DIR": str(self.folder / "feed")}
        return Command([sys.executable, "-c", self.text], own_environment() | at | kept)

    async def restart(self) -> None:
        """As `cellcast stack restart it`."""
        await self.supervisor.act("restart", ["it"])

    def processes(self) -> list[int]:
        """Those of the unit; what other tests have this process keep, such as multiprocessing's servers, is not."""
        return [one.pid for one in psutil.Process().children() if one.pid not in self.others]

    @property
    def pid(self) -> int:
        """Of the process that counts."""
        assert self.unit.report.pid is not None
        return self.unit.report.pid


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[Web]:
    made = Web(tmp_path)
    await made.unit.start()
    yield made
    await made.unit.stop(at_once=True)
    assert not made.processes(), "every process is gone, and buried"


async def _who(client: Client) -> tuple[int, int]:
    """Who answers next, and how much of a body it got."""
    said = await client.hear()
    assert said.startswith(b"HTTP/1.1 200 ")
    pid, length, *_ = said.rpartition(b"\r\n")[2].split()
    return int(pid), int(length)


async def test_three_restarts_fail_nobody(web: Web) -> None:
    """Each begins with a copy of what the one before it keeps."""
    pids, kept = [web.pid], web.folder / "feed"
    async with asking(web.port, [GET]) as people:
        for place in (kept / "beside", kept, kept / "beside"):
            state = Disk.path_in(place, "routing")
            state.unlink(missing_ok=True)
            await web.restart()
            pids.append(web.pid)
            async with connected(web.port) as client, connected(web.metrics) as scraper:
                await client.say(GET)
                assert (await client.hear()).endswith(f"{web.pid} 0 {place} {True}".encode())
                await scraper.say(GET)
                assert f"pid {web.pid}".encode() in await scraper.hear()
    assert people.failed == []
    assert len({*pids}) == 4 and {int(one.split()[0]) for one in people.answers} == {*pids}
    assert web.unit.report.restarts == 0


async def test_what_is_in_hand_is_finished_by_who_began_it(web: Web) -> None:
    """A body of which half is here, and a connection on which nothing is asked just now."""
    before = web.pid
    async with connected(web.port) as sender, connected(web.port) as waiter:
        await sender.say(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345")
        await waiter.say(GET)
        await _who(waiter)
        restarting = asyncio.create_task(web.restart())
        await eventually(lambda: web.pid != before, 30)
        async with connected(web.port) as other:
            await other.say(GET)
            assert await _who(other) == (web.pid, 0)
        await sender.say(b"67890")
        await waiter.say(GET)
        assert await _who(sender) == (before, 10) and await _who(waiter) == (before, 0)
        assert await sender.rest() == b"" == await waiter.rest()
        await restarting
    assert not psutil.pid_exists(before)


@pytest.mark.parametrize(("text", "why"), [(NEVER_STARTS, "does not start"), (NEVER_READY, "was not ready after 3 s")])
async def test_who_cannot_take_the_place_changes_nothing(
    web: Web, monkeypatch: pytest.MonkeyPatch, text: str, why: str
) -> None:
    """Nobody is answered by it either: it is asked at a port of its own."""
    monkeypatch.setattr(module, "READY_S", 3.0)
    before, web.text = web.pid, text
    async with asking(web.port, [GET]) as people:
        with pytest.raises(StackError, match=why):
            await web.restart()
    assert people.failed == [] and {int(one.split()[0]) for one in people.answers} == {before}
    assert (web.pid, web.unit.report.life) == (before, Life.READY)
    assert web.processes() == [before]
    # What it was given grows old, and would be the newest to a stack that comes up before anything else changes.
    assert list((web.folder / "feed" / "beside").glob("*.mdb*")) == []


async def test_who_took_the_place_is_started_again_when_it_ends(web: Web) -> None:
    await web.restart()
    first = web.pid
    os.kill(first, signal.SIGKILL)
    await eventually(lambda: web.unit.report.restarts == 1 and web.unit.report.life is Life.READY, 60)
    assert web.pid != first
    await web.unit.stop()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", web.port)


async def test_one_that_crashes_while_another_is_to_take_its_place_is_followed_by_that(web: Web) -> None:
    crashed, restarting = web.pid, asyncio.create_task(web.restart())
    await eventually(lambda: len(web.processes()) == 2, 30)
    os.kill(crashed, signal.SIGKILL)
    await restarting
    assert web.unit.report.life is Life.READY and web.processes() == [web.pid]
    await web.restart()


async def test_when_neither_is_left_nobody_waits_for_an_answer(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STEADY_S", 0.0)
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 600.0)
    crashed, web.text = web.pid, NEVER_READY
    restarting = asyncio.create_task(web.restart())
    await eventually(lambda: len(web.processes()) == 2, 30)
    os.kill(crashed, signal.SIGKILL)
    await eventually(lambda: web.unit.report.life is Life.RESTARTING, 30)
    [other] = web.processes()
    os.kill(other, signal.SIGKILL)
    with pytest.raises(StackError, match="was ended by SIGKILL"):
        await restarting
    for port in (web.port, web.metrics):
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)


async def test_one_that_hangs_is_killed_once_another_answers(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    hung = web.pid
    os.kill(hung, signal.SIGSTOP)
    monkeypatch.setattr(web.unit, "service", replace(web.unit.service, stop_within_s=0.5))
    await web.restart()
    assert not psutil.pid_exists(hung)
    async with connected(web.port) as client:
        await client.say(GET)
        assert await _who(client) == (web.pid, 0)


async def test_stopping_it_ends_both(web: Web) -> None:
    """Who is to take the place, and who has it."""
    restarting = asyncio.create_task(web.restart())
    await eventually(lambda: len(web.processes()) == 2, 30)
    await web.unit.stop()
    assert web.processes() == [] and web.unit.report.life is Life.STOPPED
    with pytest.raises(StackError, match="was stopped with it"):
        await restarting
    await web.unit.start()
    assert web.unit.can_be_replaced
