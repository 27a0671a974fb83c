"""How a command is declared: what it asks and what it shows; the rest (--url, --stack, --json, exit codes) is here."""

import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn, get_type_hints

import typer

from control_plane.cli.server import Failed, Server

Url = Annotated[
    str | None, typer.Option("--url", envvar="CELLCAST_URL", help="The control plane's address.", show_default=False)
]
Stack = Annotated[
    Path | None, typer.Option("--stack", help="A running stack's stack.json: address and token.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
Why = Annotated[str, typer.Option("--why", help="The reason, for the record: a ticket's number, not a person.")]
WIDE = 400  # characters a line where nobody looks, so that a script finds a row in one line
EXITS = "Exit codes: 0 done, 1 refused, 2 wrong usage, 3 not reached (repeating can help), 4 no such thing."


@dataclass(frozen=True)
class Answer:
    """What a command found. `items` of the data become a table of `columns`; data without items, lines."""

    data: dict[str, Any]  # JSON
    columns: Sequence[str] = ()
    note: str = ""


def group(words: str) -> typer.Typer:
    """A group of commands."""
    made = typer.Typer(help=words, no_args_is_help=True, epilog=EXITS)
    made.callback()(lambda: None)  # a group stays one even with a single command
    return made


def command(app: typer.Typer, name: str, example: str) -> Callable[[Callable[..., Answer]], None]:
    """Declare a command that asks the control plane: its first parameter is the Server, the others are its own."""

    def register(act: Callable[..., Answer]) -> None:
        def run(url: Url = None, stack: Stack = None, as_json: Json = False, **given: object) -> None:
            try:
                answer = act(Server.find(url, stack), **given)
            except Failed as refused:
                give_up(refused, as_json)
            show(answer, as_json)

        _take_parameters(run, act)
        app.command(name, epilog=f"Example: {example}")(run)

    return register


def show(answer: Answer, as_json: bool) -> None:
    """Print what was found."""
    if as_json:
        typer.echo(json.dumps(answer.data, indent=2))
        return
    from rich.console import Console
    from rich.table import Column, Table

    if answer.columns:  # folded, not cut: what does not fit is read on the next line
        columns = (Column(name.replace("_", " "), overflow="fold") for name in answer.columns)
        table = Table(*columns, box=None, pad_edge=False)
        for item in answer.data["items"]:
            table.add_row(*(_text(item.get(name)) for name in answer.columns))
    else:
        table = Table(box=None, pad_edge=False, show_header=False)
        for name, value in answer.data.items():
            table.add_row(name.replace("_", " "), _text(value))
    terminal = Console()
    (terminal if terminal.is_terminal else Console(width=WIDE)).print(table)
    if answer.note:
        typer.echo(answer.note)


def give_up(refused: Failed, as_json: bool) -> NoReturn:
    """Say what was refused, on stderr, and end with its exit code."""
    typer.echo(json.dumps(refused.problem, indent=2) if as_json else refused.words, err=True)
    raise typer.Exit(refused.code)


def _take_parameters(run: Callable[..., None], act: Callable[..., Answer]) -> None:
    """Let typer see the command's own parameters, then ours; `run` passes them on."""
    ours = [one for one in inspect.signature(run).parameters.values() if one.kind is not one.VAR_KEYWORD]
    own = list(inspect.signature(act).parameters.values())[1:]
    hints = {**get_type_hints(act, include_extras=True), **get_type_hints(run, include_extras=True)}
    parameters = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[one.name]) for one in (*own, *ours)]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # typer reads it
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    run.__doc__ = act.__doc__


def _text(value: object) -> str:
    from rich.markup import escape

    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:g}"
    return escape(", ".join(map(str, value)) if isinstance(value, list) else str(value))
