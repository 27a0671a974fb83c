"""`cellcast load ...`: people who behave like people, against a stack of its own or a deployment."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

app = typer.Typer(help="Load from people who behave like people, and what came of it.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Answer with a JSON object.")]


@app.command(name="list", epilog="Example: cellcast load list")
def list_(as_json: Json = False) -> None:
    """Show the scenarios."""
    from loadtest import scenarios

    found = {name: scenarios.get(name).about for name in scenarios.names()}
    typer.echo(
        json.dumps(found, indent=2) if as_json else "\n".join(f"{name:16} {about}" for name, about in found.items())
    )


@app.command(epilog="Example: cellcast load run everybody --seconds 30 --people 20")
def run(
    scenario: Annotated[str, typer.Argument(help="One of `cellcast load list`.")],
    stack: Annotated[
        Path | None, typer.Option(help="A stack.json to attach to; by default a stack of its own.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the report.")] = None,
    seconds: Annotated[int | None, typer.Option(min=5, max=3600, help="A shorter or longer run.")] = None,
    people: Annotated[int | None, typer.Option(min=1, max=5000, help="So many people, in its proportions.")] = None,
    as_json: Json = False,
) -> None:
    """Run a scenario; exit code 0 when nothing was lost or doubled, 1 when something was, 2 when it could not run."""
    from aiohttp import ClientError
    from rich.console import Console

    from loadtest import scenarios
    from loadtest.load.run import LoadFailed, Wanted
    from loadtest.load.run import run as run_it

    if scenario not in scenarios.names():
        _stop(f"there is no scenario {scenario}: see cellcast load list")
    folder = out or Path("reports") / f"{scenario}-{datetime.now():%Y%m%d-%H%M%S}"
    console = Console(stderr=True)
    try:
        with console.status("starting") as status:
            report = run_it(Wanted(scenario, stack, folder.absolute(), people, seconds), status.update)
    except (LoadFailed, ClientError, OSError, ValueError) as error:
        _stop(str(error))
    _tell(report, folder, as_json=as_json)


@app.command(name="report", epilog="Example: cellcast load report out --stack stack.json")
def report_(
    folder: Annotated[Path, typer.Argument(help="What locust wrote to: CELLCAST_LOAD_OUT of its master.")],
    stack: Annotated[
        Path,
        typer.Option(envvar="CELLCAST_STACK", help="The load's stack.json: its cells are asked what they have."),
    ],
    as_json: Json = False,
) -> None:
    """Write the report of a load that locust ran by itself or on several machines; exit codes as those of `run`."""
    from aiohttp import ClientError

    from loadtest import target
    from loadtest.load.folder import facts_of
    from loadtest.load.report import write

    try:
        report = facts_of(folder, target.read(stack))
        write(folder, report)
    except (ClientError, OSError, ValueError, KeyError) as error:
        _stop(f"there is no report of {folder}: {error}")
    _tell(report, folder, as_json=as_json)


@app.command(epilog="Example: cellcast load compare reports/a/report.json reports/b/report.json")
def compare(
    before: Annotated[Path, typer.Argument(help="report.json of the earlier run.")],
    after: Annotated[Path, typer.Argument(help="report.json of the later run.")],
    worse_than: Annotated[float, typer.Option(min=0, help="How much slower is worse: 0.2 is a fifth.")] = 0.2,
    as_json: Json = False,
) -> None:
    """Compare two reports; exit code 0 when nothing is worse, 1 when something is, 2 when one cannot be read."""
    from loadtest.load.compare import compare as compared

    try:
        reports = [json.loads(path.read_text(encoding="utf-8")) for path in (before, after)]
        changes = compared(reports[0], reports[1], worse_than)
    except (OSError, ValueError, KeyError) as error:
        _stop(f"not a report: {error}")
    if as_json:
        typer.echo(json.dumps([{**vars(one), "share": round(one.share, 3)} for one in changes], indent=2))
    else:
        for one in changes:
            mark = "worse" if one.worse else ""
            typer.echo(f"{one.step:28} {one.before_ms:9.1f} ms {one.after_ms:9.1f} ms {one.share:+7.0%} {mark}")
    raise typer.Exit(1 if any(one.worse for one in changes) else 0)


def _tell(report: dict[str, Any], folder: Path, *, as_json: bool) -> NoReturn:
    """Say what came of it, and end with 1 when something was lost or doubled."""
    from loadtest.load.compare import losses

    wrong = losses(report)
    if as_json:
        typer.echo(json.dumps({"report": str(folder / "report.json"), "figures": report["figures"], "wrong": wrong}))
    else:
        _show(report, folder)
        for one in wrong:
            typer.echo(f"WRONG: {one}", err=True)
    raise typer.Exit(1 if wrong else 0)


def _show(report: dict[str, Any], folder: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("step", "count", "failed", "/s", "p50 ms", "p95 ms", "p99 ms")
    for step, one in report["steps"].items():
        table.add_row(step, *(f"{one[name]:g}" for name in ("count", "failed", "per_s", "p50", "p95", "p99")))
    Console().print(table)
    end, figures = report["end"], report["figures"]
    typer.echo(
        f"{end['finished']} recordings finished, {end['lost']} lost, {end['torn']} torn, {end['doubled']} doubled"
    )
    typer.echo(
        f"pages and calls p95 {figures['api_p95_ms']} ms; footage through the web {figures['web_media_bytes']} bytes"
    )
    for one in report["faults"]:
        typer.echo(
            f"{one['kind']} of {', '.join(one['names'])}: the others had {one['others_errors']} errors, "
            f"their p95 changed by {one['others_p95_change']:+.0%}"
        )
    typer.echo(f"report: {folder / 'report.html'}")


def _stop(why: str) -> NoReturn:
    typer.echo(why, err=True)
    raise typer.Exit(2)
