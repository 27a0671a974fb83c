"""`cellcast stack ...`: the whole deployment on this machine, on real servers."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stack.folder import DEFAULT

if TYPE_CHECKING:
    from stack.console import Voice

app = typer.Typer(help="The whole deployment on this machine, on real servers.", no_args_is_help=True)

Dir = Annotated[Path, typer.Option("--dir", help="The stack's folder.")]
Json = Annotated[bool, typer.Option("--json", help="Answer with a JSON object.")]
Names = Annotated[list[str], typer.Argument(help="Processes, such as eu-1-worker.", metavar="NAME...")]


@app.command(epilog="Example: cellcast stack up --dir ./demo --detach")
def up(
    dir_: Dir = DEFAULT,
    cells: Annotated[str, typer.Option(help="Cells, such as eu-1,us-1; by default those of the last time.")] = "",
    detach: Annotated[bool, typer.Option("--detach", help="Return once it is ready; it runs on.")] = False,
    base_port: Annotated[int | None, typer.Option(min=1024, max=65000, help="Use the ports from here on.")] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Remove all data of the folder first; asks.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="A setting of a cell or process: eu-1:STALLED_AFTER_S=5.")
    ] = None,
    edge: Annotated[
        bool, typer.Option("--edge", help="Put TLS and the firewall before it, as in production; needs nginx.")
    ] = False,
    postgres_bin: Annotated[Path | None, typer.Option(help="The machine's own PostgreSQL: its bin folder.")] = None,
    redis_server: Annotated[Path | None, typer.Option(help="The machine's own redis-server.")] = None,
    as_json: Json = False,
) -> None:
    """Take the stack up and keep it up until Ctrl-C; its data stays for the next time."""
    from stack import detached
    from stack.console import Voice, where_to_go
    from stack.description import Description
    from stack.folder import Folder
    from stack.launcher import under_launcher
    from stack.up import Wanted, run

    voice, folder = Voice(as_json=as_json), Folder(dir_)
    with _said(as_json):
        _needs_linux()
        wanted = Wanted(_cells(cells), base_port, reset, edge, postgres_bin, redis_server, _overrides(set_ or []))
        folder.make()
        if reset and not yes:
            _ask_first(folder.path)
        if not detach:
            raise typer.Exit(under_launcher(lambda: run(folder, wanted, voice)))
        now = detached.up(folder, lambda: run(folder, wanted, Voice(as_json=False)), voice)
        voice.answer(
            {**now, "description": folder.description},
            lambda: f"\n{where_to_go(Description.load(folder.description))}\n",
        )


@app.command(epilog="Example: cellcast stack down --dir ./demo")
def down(dir_: Dir = DEFAULT, as_json: Json = False) -> None:
    """Stop everything in order; the data stays. Fine when nothing is up."""
    from stack import detached
    from stack.folder import Folder

    with _said(as_json):
        was_up = detached.down(Folder(dir_))
        _voice(as_json).answer({"was_up": was_up}, lambda: "stopped" if was_up else "nothing is up")


@app.command(epilog="Example: cellcast stack status --json")
def status(dir_: Dir = DEFAULT, as_json: Json = False) -> None:
    """Show the processes and where to go; exit code 0 when all are ready, else 1."""
    from rich.console import Group

    from stack.console import table, where_to_go
    from stack.control import ask
    from stack.description import Description
    from stack.folder import Folder

    folder = Folder(dir_)
    with _said(as_json):
        now = ask(folder, "status")
        rows = now["processes"]

        def text() -> Group:
            there = folder.description.exists()
            return Group(table(rows), "", where_to_go(Description.load(folder.description)) if there else "")

        _voice(as_json).answer({**now, "folder": folder.path, "description": folder.description}, text)
    if not all(row["life"] == "ready" for row in rows):
        raise typer.Exit(1)


@app.command(epilog="Example: cellcast stack logs -f eu-1-worker")
def logs(
    names: Annotated[list[str] | None, typer.Argument(help="Processes; all without one.", metavar="[NAME]...")] = None,
    dir_: Dir = DEFAULT,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is still to come.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of each process's last lines.")] = 20,
    as_json: Json = False,
) -> None:
    """Show what the processes said last; the supervisor's own log is `stack`."""
    from stack import reading
    from stack.folder import Folder

    with _said(as_json):
        reading.show(Folder(dir_), names or [], lines, follow=follow, as_json=as_json)


@app.command(epilog="Example: cellcast stack join eu-2")
def join(
    name: Annotated[str, typer.Argument(help="The new cell, such as eu-2.", metavar="CELL")],
    dir_: Dir = DEFAULT,
    as_json: Json = False,
) -> None:
    """Start one more cell beside a running stack and open it for workspaces; returns once it takes them."""
    from stack.console import table
    from stack.control import ask
    from stack.folder import Folder

    with _said(as_json):
        done = ask(Folder(dir_), "join", cell=(_cells(name) or [""])[0])
        _voice(as_json).answer(done, lambda: table(done["processes"]))


@app.command(epilog="Example: cellcast stack drill eu-1 --json")
def drill(
    name: Annotated[str, typer.Argument(help="A cell of the running stack, such as eu-1.", metavar="CELL")],
    dir_: Dir = DEFAULT,
    as_json: Json = False,
) -> None:
    """Back a cell's PostgreSQL up into its S3, restore it elsewhere to a moment, and compare; exit code 1 if it fails.

    The cell works on meanwhile. It is the drill of the charts, run on this machine's servers.
    """
    from stack.drill import words
    from stack.folder import Folder
    from stack.restoring import drill as run

    with _said(as_json):
        voice = _voice(as_json)
        report = run(Folder(dir_), name, voice.say)
        voice.answer(report, lambda: words(report))


@app.command(epilog="Example: cellcast stack mail --follow")
def mail(
    dir_: Dir = DEFAULT,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is still to come.")] = False,
    as_json: Json = False,
) -> None:
    """Show the mails that the cells sent: the stack's mail server delivers to nobody, and keeps them."""
    from stack import mail as mailbox
    from stack.folder import Folder

    with _said(as_json):
        mailbox.show(Folder(dir_), follow=follow, as_json=as_json)


@app.command(epilog="Example: cellcast stack stop eu-1-s3")
def stop(names: Names, dir_: Dir = DEFAULT, as_json: Json = False) -> None:
    """Stop single processes; they stay down until they are started."""
    _act("stop", names, dir_, as_json)


@app.command(epilog="Example: cellcast stack start eu-1-s3")
def start(names: Names, dir_: Dir = DEFAULT, as_json: Json = False) -> None:
    """Start single processes, and return once they are ready."""
    _act("start", names, dir_, as_json)


@app.command(epilog="Example: cellcast stack restart eu-1-web us-1-web")
def restart(names: Names, dir_: Dir = DEFAULT, as_json: Json = False) -> None:
    """Restart single processes; from a web, provisioning or the control plane another takes over first."""
    _act("restart", names, dir_, as_json)


def _act(verb: str, names: list[str], dir_: Path, as_json: bool) -> None:
    from stack.console import table
    from stack.control import ask
    from stack.folder import Folder

    with _said(as_json):
        done = ask(Folder(dir_), verb, names=names)
        _voice(as_json).answer(done, lambda: table(done["processes"]))


def _voice(as_json: bool) -> "Voice":
    from stack.console import Voice

    return Voice(as_json=as_json)


@contextmanager
def _said(as_json: bool) -> Iterator[None]:
    """Within it, what goes wrong ends the command: one line with the reason, exit code 1."""
    from stack.errors import StackError

    try:
        yield
    except (StackError, OSError) as error:
        _voice(as_json).refuse(str(error))
        raise typer.Exit(1) from None


def _needs_linux() -> None:
    from stack.errors import StackError

    if sys.platform != "linux":
        raise StackError("the stack needs Linux, whose kernel ends its processes when we are gone")


def _cells(text: str) -> list[str] | None:
    import re

    cells = [name.strip() for name in text.split(",") if name.strip()]
    for name in cells:
        if not re.fullmatch(r"(eu|us)-[1-9][0-9]{0,3}", name):
            raise typer.BadParameter(f"{name}: a cell is named like eu-1 or us-2", param_hint="--cells")
    if len(set(cells)) < len(cells):
        raise typer.BadParameter("a cell stands there twice", param_hint="--cells")
    return cells or None


def _overrides(words: list[str]) -> dict[str, dict[str, str]]:
    asked: dict[str, dict[str, str]] = {}
    for word in words:
        target, colon, rest = word.partition(":")
        name, equals, value = rest.partition("=")
        if not (target and colon and name and equals):
            raise typer.BadParameter(f"{word}: it is CELL:NAME=VALUE or PROCESS:NAME=VALUE", param_hint="--set")
        asked.setdefault(target, {})[name.upper()] = value
    return asked


def _ask_first(folder: Path) -> None:
    if not sys.stdin.isatty():
        raise typer.BadParameter("it asks first, and there is nobody to ask: add --yes", param_hint="--reset")
    typer.confirm(f"Remove all data of the stack in {folder}?", abort=True)
