"""`cellcast cell ...`: the processes of a cell, its migrations, and founding a workspace by hand."""

import json
import sys
from typing import Annotated, Literal, NoReturn

import typer

from kit.settings import SettingsError

app = typer.Typer(help="Run a cell's processes. Settings come from CELLCAST_CELL_*.", no_args_is_help=True)


def _fail(error: Exception) -> NoReturn:
    typer.echo(str(error), err=True)
    raise typer.Exit(1) from None


def _run(process: str, lane: str | None = None) -> None:
    from cell.processes import run

    try:
        run(process, lane)
    except SettingsError as error:
        _fail(error)


@app.command(epilog="Example: CELLCAST_CELL_BIND=127.0.0.1:8001 cellcast cell serve")
def serve() -> None:
    """Answer browsers and machines."""
    _run("web")


@app.command(epilog="Example: cellcast cell worker --lane media")
def worker(
    lane: Annotated[Literal["light", "media"] | None, typer.Option(help="Only this lane's jobs; else all.")] = None,
) -> None:
    """Do the cell's jobs: videos, thumbnails, clearing up."""
    _run("worker", lane)


@app.command(epilog="Example: cellcast cell scheduler")
def scheduler() -> None:
    """Wake workers for jobs that are due; run one, a second one stands by."""
    _run("scheduler")


@app.command(epilog="Example: CELLCAST_CELL_OWNER_DATABASE_URL=postgresql://... cellcast cell migrate")
def migrate() -> None:
    """Bring the database's tables up to this version, as the database's owner."""
    from cell.migrate import migrate as up
    from cell.settings import CellSettings

    try:
        up(CellSettings.load().owner_database_url)
    except (SettingsError, ValueError) as error:
        _fail(error)


@app.command(epilog="Example: cellcast cell seed < workspace.json")
def seed(
    indent: Annotated[bool, typer.Option("--indent", help="Write the answer for reading by people.")] = False,
) -> None:
    """Furnish a workspace of this cell, as JSON on stdin says; the answer is JSON on stdout.

    {"workspace_id", "people": [{"email", "name", "role", "password"}], "api_token": true, "link": {"title"}, "domain"}
    answers {"api_token", "link_url"}, which are shown this once. Its founder's address counts as confirmed from now on,
    and the domain, for demos, as proved.
    """
    import asyncio

    from pydantic import ValidationError

    from cell.seed import Seed, furnish
    from cell.settings import CellSettings
    from kit.refusals import Refusal

    try:
        wanted = Seed.model_validate_json(sys.stdin.read())
        answer = asyncio.run(furnish(CellSettings.load(), wanted))
    except (SettingsError, ValidationError, Refusal) as error:
        _fail(error)
    typer.echo(json.dumps(answer, indent=2 if indent else None))
