"""What a stack says to whoever runs it: a live table while it starts, then where to go, then what happens."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from stack.description import Description, Edge, Workspace
from stack.unit import Life

Row = Mapping[str, Any]  # a Report as JSON, whether it comes from here or over the control socket
_COLOURS = {
    Life.WAITING: "dim",
    Life.STARTING: "yellow",
    Life.READY: "green",
    Life.RESTARTING: "red",
    Life.STOPPED: "dim",
}


def table(rows: Sequence[Row]) -> Table:
    """The processes, one a row."""
    made = Table(box=None, pad_edge=False)
    for column in ("process", "state", "pid", "restarts", ""):
        made.add_column(column, header_style="dim", justify="right" if column in ("pid", "restarts") else "left")
    for row in rows:
        note = row["note"] or (f"{row['seconds']:.1f} s" if row["seconds"] else "")
        made.add_row(
            row["name"],
            Text(row["life"], style=_COLOURS[Life(row["life"])]),
            str(row["pid"] or ""),
            str(row["restarts"] or ""),
            Text(note, style="dim"),
        )
    return made


def where_to_go(stack: Description) -> str:
    """The addresses and log-ins that a newcomer needs."""
    lines = [_of_workspace(stack.router.url, one) for one in stack.workspaces]
    return "\n".join([*lines, *([_of_edge(stack.edge)] if stack.edge else [])])


def _of_edge(edge: Edge) -> str:
    start = f"chromium --user-data-dir=$(mktemp -d) --ignore-certificate-errors-spki-list={edge.pin}"
    return f"Browsers know these addresses once they trust {edge.ca}, or when started as\n  {start}"


def _of_workspace(router: str, one: Workspace) -> str:
    rows = [
        ("agents' pages", f"{router}/{one.key}"),
        ("log in as", f"{one.agent.email}   {one.agent.password}"),
        ("or as admin", f"{one.admin.email}   {one.admin.password}"),
    ]
    if one.link:
        rows.append(("a customer's link", one.link))
    lines = "".join(f"\n  {what:<18} {value}" for what, value in rows)
    return f"{one.region.upper()} workspace, in cell {one.cell}{lines}"


class Voice:
    """Speaks to a terminal with a live table, to a file or pipe in plain lines, or with --json in objects only."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._out = Console(highlight=False, soft_wrap=True, quiet=as_json)
        self._live: Live | None = None
        self._said: dict[str, str] = {}

    def say(self, line: str) -> None:
        """One line of news."""
        self._print(line)

    def refuse(self, reason: str) -> None:
        """Why a command failed: one line on stderr, with --json an object on stdout."""
        with suppress(OSError):
            if self.as_json:
                print(json.dumps({"error": reason}), flush=True)
            else:
                print(f"error: {reason}", file=sys.stderr, flush=True)

    def answer(self, value: Mapping[str, Any], text: Callable[[], object] = str) -> None:
        """The answer of a command: an object with --json, else what `text` makes."""
        if self.as_json:
            with suppress(OSError):
                print(json.dumps(value, default=str), flush=True)
        else:
            self._print(text())

    def show(self, rows: Sequence[Row]) -> None:
        """The processes while they start: on a terminal the table as it is now, else each change as a line."""
        if self._out.is_terminal and not self.as_json:
            if self._live is None:
                # No thread of its own that refreshes: processes are started from this one.
                self._live = Live(console=self._out, auto_refresh=False)
                self._live.start()
            self._live.update(table(rows), refresh=True)
            return
        for row in rows:
            if row["life"] != self._said.get(row["name"]) and row["life"] in (Life.READY, Life.RESTARTING):
                self.say(f"{row['name']} {row['life']} {row['note'] or format(row['seconds'], '.1f') + ' s'}")
            self._said[row["name"]] = row["life"]

    def _print(self, what: object) -> None:
        # A terminal that is gone, which rich makes a SystemExit of, must not keep us from stopping in order.
        with suppress(OSError, SystemExit):
            self._out.print(what, markup=False)

    def settle(self) -> None:
        """Leave the table as it stands."""
        if self._live is not None:
            self._live.stop()
            self._live = None
