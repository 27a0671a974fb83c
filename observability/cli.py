"""`cellcast observability ...`: writes what Prometheus and Grafana read, from the tables of this version."""

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Rules of Prometheus and dashboards of Grafana, as this version has them.", no_args_is_help=True)

Out = Annotated[Path, typer.Option("--out", help="The folder to write into; made if it is not there.")]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


@app.command(epilog="Example: cellcast observability rules --out ./rules --runbooks https://docs.example/runbooks")
def rules(
    out: Out = Path("rules"),
    runbooks: Annotated[str, typer.Option(help="Where the runbooks are read.")] = "docs/runbooks",
    as_json: Json = False,
) -> None:
    """Write the recording rules and alerts, one file a subject, in Prometheus' form."""
    from observability import promtool

    out.mkdir(parents=True, exist_ok=True)
    _say([str(path) for path in promtool.write_rules(out, runbooks.rstrip("/"))], as_json)


@app.command(epilog="Example: cellcast observability dashboards --out ./dashboards")
def dashboards(out: Out = Path("dashboards"), as_json: Json = False) -> None:
    """Write the dashboards, each a file that Grafana imports."""
    from observability import grafana

    out.mkdir(parents=True, exist_ok=True)
    for name, content in grafana.files().items():
        (out / name).write_text(json.dumps(content, indent=2) + "\n")
    _say([str(out / name) for name in grafana.files()], as_json)


@app.command("try", epilog="Example: cellcast observability try")
def try_(as_json: Json = False) -> None:
    """Try the rules with promtool: each alert on series under which it must be seen, and on some where it must not."""
    import tempfile

    from observability import promtool

    with tempfile.TemporaryDirectory() as folder:
        try:
            well, words = promtool.try_rules(Path(folder))
        except promtool.NoPromtool as missing:
            well, words = False, str(missing)
    typer.echo(json.dumps({"well": well, "said": words}) if as_json else words)
    if not well:
        raise typer.Exit(1)


@app.command("alerts", epilog="Example: cellcast observability alerts --json")
def list_alerts(as_json: Json = False) -> None:
    """List every alert: how urgent it is and what it says."""
    from observability.alerts import ALERTS
    from observability.objectives import OBJECTIVES

    rows = [(one.alert, "page, ticket", one.words) for one in OBJECTIVES]
    rows += [(one.name, one.severity, one.says) for one in ALERTS]
    if as_json:
        items = [dict(zip(("name", "severity", "says"), row, strict=True)) for row in rows]
        typer.echo(json.dumps({"items": items}, indent=2))
        return
    for name, severity, says in rows:
        typer.echo(f"{name:24}{severity:14}{says}")


@app.command(epilog="Example: cellcast observability rehearse RedisAway --stack .cellcast/stack/stack.json")
def rehearse(
    alerts: Annotated[list[str] | None, typer.Argument(help="Alerts; all that can be.", metavar="[ALERT]...")] = None,
    stack: Annotated[Path, typer.Option(help="A stack.json; its stack is hurt.")] = Path(".cellcast/stack/stack.json"),
    faster: Annotated[
        float, typer.Option(min=1, max=50, help="Scrapes, windows and `for` so many times shorter than they are.")
    ] = 1,
    as_json: Json = False,
) -> None:
    """Make faults on a stack, see with a real Prometheus that alerts come, follow their runbooks, see that they end."""
    import signal
    import sys
    import tempfile
    from dataclasses import asdict

    from observability.prometheus import NoPrometheus
    from observability.rehearsals import REHEARSALS, RehearsalFailed
    from observability.rehearsals import rehearse as rehearse_all

    known = {one.alert: one for one in REHEARSALS}
    if unknown := [name for name in alerts or [] if name not in known]:
        raise typer.BadParameter(f"{unknown[0]}: there are {', '.join(known)}", param_hint="ALERT")
    chosen = tuple(known[name] for name in alerts or known)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # told to end, it undoes what it did, as after Ctrl-C
    try:
        with tempfile.TemporaryDirectory(prefix="cellcast-rehearsal-") as folder:
            for one in rehearse_all(stack.absolute(), chosen, Path(folder), faster):
                typer.echo(json.dumps(asdict(one)) if as_json else one.words())
    except (RehearsalFailed, NoPrometheus, OSError, ValueError, KeyError) as failed:
        typer.echo(f"error: {failed}", err=True)
        raise typer.Exit(1) from None


def _say(paths: list[str], as_json: bool) -> None:
    typer.echo(json.dumps({"written": paths}) if as_json else "\n".join(paths))
