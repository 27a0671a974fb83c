"""A stack from `up` to `down`: prepares it, takes it up, says where to go, and takes it down when told."""

import asyncio
import faulthandler
import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from stack import control, mail, nginx, postgres, redis, versitygw
from stack.certificates import Authority
from stack.console import Voice, where_to_go
from stack.errors import StackError
from stack.folder import Folder
from stack.nginx import Edges
from stack.site import Programs, Site
from stack.state import State
from stack.supervisor import Supervisor
from stack.topology import Topology
from stack.unit import Life, Report

_MAIL_S = 0.5  # how often it is looked for new mail
DEFAULT_CELLS = ("eu-1", "us-1")


@dataclass(frozen=True)
class Wanted:
    """What `up` was asked for."""

    cells: list[str] | None = None  # None: those of the last time, else one EU and one US cell
    base_port: int | None = None
    reset: bool = False
    edge: bool = False
    postgres_bin: Path | None = None
    redis_server: Path | None = None
    overrides: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def run(folder: Folder, wanted: Wanted, voice: Voice) -> int:
    """Be the supervisor of a folder until told to stop; the exit code. What goes wrong is said in one line."""
    faulthandler.register(signal.SIGUSR1)  # `kill -USR1` of a supervisor that hangs shows where
    try:
        with folder.alone():
            topology = _prepare(folder, wanted, voice)
            asyncio.run(_Running(topology, voice).live())
    except StackError as error:
        voice.settle()
        voice.refuse(str(error))
        return 1
    return 0


def _prepare(folder: Folder, wanted: Wanted, voice: Voice) -> Topology:
    """Read the folder's state, or make it up, and look for every program before the first is started."""
    folder.description.unlink(missing_ok=True)  # left by a stack that was killed
    if wanted.reset:
        folder.reset()
        folder.make()
    state = State.load(folder.state) or State.new(folder.state, list(DEFAULT_CELLS))
    state.cells = wanted.cells or state.cells
    state.settle_ports(wanted.base_port)
    programs = Programs(
        postgres.programs(wanted.postgres_bin),
        redis.program(wanted.redis_server),
        versitygw.find_or_build(voice.say),
    )
    edges = Edges(nginx.find(), Authority(folder.tls)) if wanted.edge else None
    topology = Topology(Site(folder, state, programs, wanted.overrides, edges))
    if unknown := wanted.overrides.keys() - {*state.cells, *(one.name for one in topology.part.services)}:
        raise StackError(f"--set {sorted(unknown)[0]}: there is no such cell or process")
    state.save()
    return topology


class _Running:
    """One life of a stack, in one event loop."""

    def __init__(self, topology: Topology, voice: Voice) -> None:
        self._topology, self._voice = topology, voice
        self._folder = topology.site.folder
        self._stop, self._at_once = asyncio.Event(), False
        self._ready = False
        self._supervisor = Supervisor(self._folder.logs, self._changed)

    async def live(self) -> None:
        """Up, ready, and down again. Raises StackError when it does not get up."""
        begun = time.monotonic()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._asked_to_stop)
        loop.add_signal_handler(signal.SIGQUIT, self._launcher_is_gone)
        server = await control.serve(self._folder.control, self._command)
        try:
            if await self._get_up():
                self._say_ready(time.monotonic() - begun)
                telling = asyncio.create_task(self._tell_of_mail())
                await self._stop.wait()
                telling.cancel()
                self._voice.say("stopping")
        finally:
            await self._get_down()
            server.close()

    async def _get_up(self) -> bool:
        """Take it up, showing how it goes; False when it was told to stop meanwhile."""
        topology = self._topology.part
        rising = asyncio.create_task(self._supervisor.up(topology.services, topology.steps))
        told = asyncio.create_task(self._stop.wait())
        while not rising.done() and not told.done():
            self._voice.show(self._rows())
            await asyncio.wait([rising, told], timeout=0.1, return_when=asyncio.FIRST_COMPLETED)
        self._voice.show(self._rows())
        self._voice.settle()
        for task in (rising, told):
            if not task.done():
                task.cancel()
        with suppress(asyncio.CancelledError):
            await rising
            return True
        return False

    async def _get_down(self) -> None:
        """In order; a second signal, or the launcher's death, ends it at once."""
        self._ready = False
        self._folder.description.unlink(missing_ok=True)
        self._supervisor.note("down", at_once=self._at_once)
        going = asyncio.create_task(self._supervisor.down(at_once=self._at_once))
        while not going.done():
            self._stop.clear()
            told = asyncio.create_task(self._stop.wait())
            await asyncio.wait([going, told], return_when=asyncio.FIRST_COMPLETED)
            told.cancel()
            if not going.done() and self._at_once:
                await self._supervisor.down(at_once=True)
        await going

    async def _join(self, cell: str) -> control.Answer:
        """Start a cell more beside what runs, and have the registry place workspaces on it."""
        part = self._topology.join(cell)
        names = [one.name for one in part.services]
        try:
            await self._supervisor.up(part.services, part.steps)
        except StackError:
            await self._supervisor.drop(names)
            self._topology.leave(cell)
            raise
        self._write_description()
        return {"processes": [row for row in self._rows() if row["name"] in names]}

    def _say_ready(self, seconds: float) -> None:
        self._ready = True
        self._write_description()
        self._supervisor.note("ready", seconds=round(seconds, 2))
        described = self._topology.describe(self._supervisor.reports)
        self._voice.answer(
            {"ready": True, "seconds": round(seconds, 2), "description": self._folder.description},
            lambda: f"\nCellcast is up after {seconds:.1f} s. Ctrl-C stops it.\n\n{where_to_go(described)}\n",
        )

    async def _tell_of_mail(self) -> None:
        """What the cells send by mail is part of what there is to see."""
        folder, last = mail.folder_of(self._folder.data), mail.latest(mail.folder_of(self._folder.data))
        while True:
            for one in mail.mails(folder, after=last):
                self._voice.say(mail.shown(one))
                last = one.name
            await asyncio.sleep(_MAIL_S)

    def _write_description(self) -> None:
        self._topology.describe(self._supervisor.reports).write(self._folder.description)

    def _changed(self, report: Report) -> None:
        if not self._ready:
            return
        self._write_description()
        if report.life is Life.RESTARTING:
            self._voice.say(f"{report.name} {report.note}")
        elif report.life is Life.READY and report.restarts:
            self._voice.say(f"{report.name} is ready again")

    def _asked_to_stop(self) -> None:
        self._at_once = self._stop.is_set() or not self._ready
        self._stop.set()

    def _launcher_is_gone(self) -> None:
        self._at_once = True
        self._stop.set()

    def _rows(self) -> list[dict[str, Any]]:  # JSON
        return [asdict(report) for report in self._supervisor.reports]

    async def _command(self, asked: control.Answer) -> control.Answer:
        match asked["do"]:
            case "status":
                return {
                    "ready": self._ready,
                    "launcher": os.getppid(),
                    "supervisor": os.getpid(),
                    "processes": self._rows(),
                }
            case "down":
                self._asked_to_stop()
                return {}
            case "join" if self._ready:
                return await self._join(asked["cell"])
            case "start" | "stop" | "restart" as verb if self._ready:
                await self._supervisor.act(verb, asked["names"])
                return {"processes": [row for row in self._rows() if row["name"] in asked["names"]]}
        raise StackError(f"cannot {asked['do']} now: the stack is starting or stopping")
