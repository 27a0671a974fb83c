"""`cellcast status`: the fleet at one glance, and what is wrong with it, each with the page that says what to do."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from control_plane.cli import live
from control_plane.cli.commands import WIDE, Json, Stack, Url, give_up
from control_plane.cli.server import UNREACHABLE, Failed, Server

if TYPE_CHECKING:
    from rich.console import RenderableType

SILENT_S, FEED_S, LIGHT_S, MEDIA_S = 120, 300, 60, 300  # as the alerts have it
BURN, FULL = 14.4, 0.85
WRONG = 1
EXITS = (
    "Exit codes: 0 all is well, 1 something is not, 2 wrong usage, 3 the control plane or Prometheus is not reached. "
    "Example: cellcast status --stack .cellcast/stack/stack.json"
)

app = typer.Typer(help="The fleet at one glance.", epilog=EXITS, invoke_without_command=True)


@dataclass
class Cell:
    """One cell; what was not measured is None."""

    name: str
    region: str
    state: str
    load: float
    capacity: int
    workspaces: int
    heard_s: float | None
    feed_s: float | None = None
    oldest_s: dict[str, float] = field(default_factory=dict)  # by lane
    due: dict[str, int] = field(default_factory=dict)
    dead: int = 0
    away: list[str] = field(default_factory=list)


@dataclass
class Part:
    """A router, provisioning, or the control plane."""

    name: str
    region: str
    feed_s: float | None = None
    away: list[str] = field(default_factory=list)


@dataclass
class Trouble:
    """Something that is wrong, and the runbook for it."""

    who: str
    what: str
    runbook: str


@dataclass
class Fleet:
    """All of it. `burns` is None where nobody knows; `measured` says whether processes were asked at all."""

    cells: list[Cell]
    parts: list[Part]
    burns: dict[str, float] | None
    measured: bool
    troubles: list[Trouble]


@app.callback()
def status(
    url: Url = None,
    stack: Stack = None,
    prometheus: Annotated[
        str | None,
        typer.Option("--prometheus", envvar="CELLCAST_PROMETHEUS_URL", help="Who measures.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show cells, their load, queues and feeds, how fast objectives burn, and what is wrong.

    The registry knows the cells; what they measure comes from Prometheus, or from the processes of a stack.
    """
    try:
        measured = live.Prometheus(prometheus) if prometheus else live.Processes(stack) if stack else None
        fleet, code = _looked_at(Server.find(url, stack), measured)
    except Failed as refused:
        give_up(refused, as_json)
    if as_json:
        typer.echo(json.dumps(asdict(fleet), indent=2))
    else:
        _print(fleet)
    if code:
        raise typer.Exit(code)


def _looked_at(server: Server, measured: live.Measured | None) -> tuple[Fleet, int]:
    """The fleet and the exit code. A registry that is away hides its cells, and not what is measured."""
    troubles: list[Trouble] = []
    try:
        listed: list[dict[str, Any]] = server.get("cells")["items"]
    except Failed as refused:
        if measured is None or refused.code != UNREACHABLE:
            raise
        listed = []
        troubles.append(
            Trouble("control-plane", "does not answer: nothing is known of cells but their numbers", "ProcessDown")
        )
    cells = [_cell(one) for one in listed if one["state"] != "retired"]
    parts = [] if measured is None else _measure(cells, measured)
    burns = None if measured is None else measured.burns()
    fleet = Fleet(cells, parts, burns, measured is not None, troubles)
    away = bool(troubles)
    troubles += _wrong(fleet)
    return fleet, UNREACHABLE if away else WRONG if troubles else 0


def _cell(one: dict[str, Any]) -> Cell:
    heard = one["heard_at"]
    silent = None if heard is None else (datetime.now(UTC) - datetime.fromisoformat(heard)).total_seconds()
    shown = {name: one[name] for name in ("name", "region", "state", "load", "capacity", "workspaces")}
    return Cell(**shown, heard_s=None if silent is None else max(0.0, silent))


def _measure(cells: list[Cell], measured: live.Measured) -> list[Part]:
    """Put the numbers where they belong; the parts that are no cells."""
    by_name = {one.name: one for one in cells}
    parts: dict[tuple[str, str], Part] = {}

    def whose(number: live.Number) -> Cell | Part:
        if number.cell in by_name:
            return by_name[number.cell]
        return parts.setdefault((number.part, number.region), Part(number.part or number.cell, number.region))

    for number in measured.find(live.UP):
        who = whose(number)
        if not number.value:
            who.away.append(number.label or "process")
    for number in measured.find(live.DEPENDENCY):
        if not number.value:
            whose(number).away.append(number.label)
    for number in measured.find(live.FEED_AGE):
        whose(number).feed_s = number.value
    for wanted, into in ((live.OLDEST_JOB, "oldest_s"), (live.JOBS_DUE, "due")):
        for number in measured.find(wanted):
            if number.cell in by_name:
                getattr(by_name[number.cell], into)[number.label] = number.value
    for number in measured.find(live.JOBS_DEAD):
        if number.cell in by_name:
            by_name[number.cell].dead += int(number.value)
    return sorted(parts.values(), key=lambda part: (part.name, part.region))


_AWAY = {"postgres": "DatabaseAway", "redis": "RedisAway", "s3": "BucketRefuses"}


def _wrong(fleet: Fleet) -> Iterator[Trouble]:
    for cell in fleet.cells:
        if cell.state == "open" and (cell.heard_s is None or cell.heard_s > SILENT_S):
            said = "was never heard of" if cell.heard_s is None else f"silent for {_time(cell.heard_s)}"
            yield Trouble(cell.name, said, "HeartbeatSilent")
        if cell.state == "open" and cell.load > FULL * cell.capacity:
            yield Trouble(cell.name, f"carries {cell.load:.0f} of {cell.capacity} units", "CellNearlyFull")
        for lane, most in (("light", LIGHT_S), ("media", MEDIA_S)):
            if cell.oldest_s.get(lane, 0) > most:
                yield Trouble(cell.name, f"a job of {lane} has waited {_time(cell.oldest_s[lane])}", "JobsWaiting")
    everybody: list[Cell | Part] = [*fleet.cells, *fleet.parts]
    for who in everybody:
        for one in who.away:
            yield Trouble(_called(who), f"{one} does not answer", _AWAY.get(one, "ProcessDown"))
        if who.feed_s is not None and who.feed_s > FEED_S:
            yield Trouble(_called(who), f"its feed was heard {_time(who.feed_s)} ago", "FeedBehind")
    for name, times in (fleet.burns or {}).items():
        if times >= BURN:
            alert = "".join(word.capitalize() for word in name.split("-")) + "Burn"
            yield Trouble(name, f"its budget burns {times:.0f} times as fast as it may", alert)


def _called(who: Cell | Part) -> str:
    return who.name if isinstance(who, Cell) or not who.region else f"{who.name} {who.region}"


def _print(fleet: Fleet) -> None:
    from rich.console import Console

    terminal = Console()
    terminal = terminal if terminal.is_terminal else Console(width=WIDE)
    for shown in _shown(fleet):
        terminal.print(shown)


def _shown(fleet: Fleet) -> "Iterator[RenderableType]":
    from rich.text import Text

    columns = ("cell", "region", "state", "load", "workspaces", "heard", "feed", "light", "media", "dead", "away")
    yield _table(columns, [_row(cell) for cell in fleet.cells])
    if fleet.parts:
        yield ""
        yield _table(
            ("part", "region", "feed", "away"),
            [(part.name, part.region or "-", _time(part.feed_s), ", ".join(part.away) or "-") for part in fleet.parts],
        )
    if fleet.burns is not None:
        yield ""
        rows = [(name, f"{times:.1f}x") for name, times in sorted(fleet.burns.items())]
        yield _table(("objective", "burns, last hour"), rows)
    if not fleet.measured:
        yield Text("\nQueues and feeds are measured by processes: name --prometheus, or --stack.", "dim")
    yield ""
    if not fleet.troubles:
        yield Text("All is well.", "green")
    for one in fleet.troubles:
        yield Text.assemble((one.who, "bold red"), f" {one.what} ", (f"(docs/runbooks/{one.runbook}.md)", "dim"))


def _row(cell: Cell) -> tuple[str, ...]:
    def lane(name: str) -> str:
        return f"{cell.due[name]:.0f}, {_time(cell.oldest_s.get(name))}" if name in cell.due else "-"

    load = f"{cell.load:.0f} of {cell.capacity}"
    facts = (cell.name, cell.region, cell.state, load, str(cell.workspaces), _time(cell.heard_s), _time(cell.feed_s))
    return (*facts, lane("light"), lane("media"), str(cell.dead), ", ".join(cell.away) or "-")


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> "RenderableType":
    from rich.table import Table

    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    return table


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
