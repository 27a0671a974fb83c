"""Takes a stack up in the order of its needs, keeps it up, and takes it down in order."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from stack.errors import StackError
from stack.processes import end_orphans
from stack.unit import Life, Report, Service, Unit

STEP_WITHIN_S = 60.0  # a step takes seconds; what takes longer is stuck


@dataclass(frozen=True)
class Step:
    """Something done once on the way up, such as migrations. `after` names processes and steps that come first."""

    name: str
    run: Callable[[], Awaitable[None]]
    after: tuple[str, ...] = ()


class Supervisor:
    """The processes of one stack. `changed` hears of each change: the process as it stands now."""

    def __init__(self, logs: Path, changed: Callable[[Report], None]) -> None:
        self._logs, self._told = logs, changed
        self._done: set[str] = set()  # steps
        self.units: dict[str, Unit] = {}

    @property
    def reports(self) -> list[Report]:
        """Every process as it stands now, in the order of the topology."""
        return [unit.report for unit in self.units.values()]

    async def up(self, services: Sequence[Service], steps: Sequence[Step]) -> None:
        """Start these, each as soon as what it needs is there, beside what runs already.

        Raises StackError with the first reason; whoever calls it takes the rest down then.
        """
        there = self._done | self.units.keys()
        units = [Unit(one, self._logs / f"{one.name}.log", self._changed) for one in services]
        self.units.update((unit.service.name, unit) for unit in units)
        begin = asyncio.Event()
        tasks: dict[str, asyncio.Task[None]] = {}

        async def one(after: tuple[str, ...], run: Callable[[], Awaitable[None]]) -> None:
            await begin.wait()
            await asyncio.gather(*(tasks[name] for name in after if name not in there))
            await run()

        try:
            async with asyncio.TaskGroup() as group:
                for unit in units:
                    tasks[unit.service.name] = group.create_task(one(unit.service.after, unit.start))
                for step in steps:
                    tasks[step.name] = group.create_task(one(step.after, self._timed(step)))
                begin.set()
        except ExceptionGroup as several:  # not `except*`, from which Python 3.11.2 lets only groups out
            raise _first(several) from None
        self._done.update(step.name for step in steps)

    def _timed(self, step: Step) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            begun = time.monotonic()
            try:
                await asyncio.wait_for(step.run(), STEP_WITHIN_S)
            except TimeoutError:
                raise StackError(f"{step.name} took more than {STEP_WITHIN_S:g} s: see {self._logs}") from None
            self.note("done", step.name, seconds=round(time.monotonic() - begun, 2))

        return run

    async def down(self, *, at_once: bool = False) -> None:
        """Stop everything, in the order of the stages; those of one stage together."""
        units = sorted(self.units.values(), key=lambda unit: unit.service.stage)
        stages = [list(group) for _, group in groupby(units, key=lambda unit: unit.service.stage)]
        for stage in [units] if at_once else stages:
            await asyncio.gather(*(unit.stop(at_once=at_once) for unit in stage))
        end_orphans()

    async def act(self, verb: str, names: Sequence[str]) -> None:
        """`start`, `stop` or `restart` processes by name; where it can be, another takes its place before one stops.

        Raises StackError for an unknown one, or one that fails.
        """
        if unknown := [name for name in names if name not in self.units]:
            raise StackError(f"there is no process {unknown[0]}: there are {', '.join(self.units)}")
        units = [self.units[name] for name in names]
        done: list[BaseException | None] = []
        if verb == "restart":
            replaced = [unit for unit in units if unit.can_be_replaced]
            units = [unit for unit in units if unit not in replaced]
            done += await asyncio.gather(*(unit.replace() for unit in replaced), return_exceptions=True)
            self._end_orphans(", ".join(names))
        if verb in ("stop", "restart"):
            await asyncio.gather(*(unit.stop() for unit in units))
        if verb in ("start", "restart"):
            done += await asyncio.gather(*(unit.start() for unit in units), return_exceptions=True)
        for failed in filter(None, done):
            raise failed

    async def drop(self, names: Sequence[str]) -> None:
        """End processes at once and look after them no longer."""
        gone = [self.units.pop(name) for name in names if name in self.units]
        await asyncio.gather(*(unit.stop(at_once=True) for unit in gone))

    def note(self, event: str, name: str = "", **details: object) -> None:
        """Write a line to the supervisor's own log."""
        when = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = {"timestamp": when, "event": event, **({"name": name} if name else {}), **details}
        with (self._logs / "stack.log").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, default=str) + "\n")

    def _changed(self, unit: Unit) -> None:
        report = unit.report
        self.note(report.life, report.name, pid=report.pid, note=report.note)
        if report.life in (Life.RESTARTING, Life.STOPPED):
            self._end_orphans(report.name)
        self._told(report)

    def _end_orphans(self, name: str) -> None:
        if left := end_orphans():
            self.note("ended what it left behind", name, processes=left)


def _first(several: ExceptionGroup[Exception]) -> Exception:
    """The first reason; the others follow from it, or came at the same time."""
    found: Exception = several
    while isinstance(found, ExceptionGroup):
        found = found.exceptions[0]
    return found
