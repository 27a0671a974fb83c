"""`cellcast capacity`: how many recorders a cell of a given size holds, and what bounds it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from loadtest.capacity import Costs, Estimate

app = typer.Typer(help="How many recorders a cell of a given size holds.")

_PARTS = "Processors of the part; 0: not looked at."


@app.callback(
    invoke_without_command=True,
    epilog="Example: cellcast capacity --web-cores 2 --worker-cores 4 --postgres-cores 2 --s3-mbit 1000 --agents 50",
)
def capacity(
    web_cores: Annotated[float, typer.Option(min=0, help=_PARTS)] = 0,
    worker_cores: Annotated[float, typer.Option(min=0, help=_PARTS)] = 0,
    postgres_cores: Annotated[float, typer.Option(min=0, help=_PARTS)] = 0,
    redis_cores: Annotated[float, typer.Option(min=0, help=_PARTS)] = 0,
    s3_cores: Annotated[float, typer.Option(min=0, help="Processors of an S3 server of one's own.")] = 0,
    shared_cores: Annotated[float, typer.Option(min=0, help="Processors of a machine that runs all parts.")] = 0,
    s3_mbit: Annotated[float, typer.Option(min=0, help="Bandwidth to the bucket, Mbit/s.")] = 0,
    memory_gib: Annotated[float, typer.Option(min=0, help="Memory of web, workers and Redis together.")] = 0,
    recording_s: Annotated[float, typer.Option(min=1, help="Mean length of a recording.")] = 120,
    agents: Annotated[int, typer.Option(min=0, help="Agents at work meanwhile.")] = 0,
    busy: Annotated[float, typer.Option(min=0.05, max=1, help="Share of it that may be used.")] = 0.7,
    costs: Annotated[
        Path | None,
        typer.Option(help="Costs, as `make bench ONLY=capacity` writes them; by default those it came with."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer with a JSON object.")] = False,
) -> None:
    """Say how many people can record at once, and what runs out first.

    Exit code 0; 1 when such a cell holds nobody; 2 when the question cannot be answered.
    """
    from loadtest.capacity import Size, Use, estimate
    from loadtest.capacity.costs import BUNDLED, Part, read

    try:
        known = read(costs or BUNDLED)
    except (OSError, ValueError) as error:
        _stop(f"--costs {costs or BUNDLED}: no costs are there: {error}")
    cores: dict[Part, float] = {
        "web": web_cores,
        "worker": worker_cores,
        "postgres": postgres_cores,
        "redis": redis_cores,
        "s3": s3_cores,
    }
    if shared_cores and any(cores.values()):
        _stop("--shared-cores is for a machine that runs all parts: leave the other --...-cores away")
    if not shared_cores and not any(cores.values()):
        _stop("say what the cell has: --web-cores, --worker-cores, --postgres-cores ..., or --shared-cores")
    size = Size({name: count for name, count in cores.items() if count}, shared_cores, s3_mbit, memory_gib * 1024)
    found = estimate(known, size, Use(recording_s, agents, busy))
    if as_json:
        about = {"at": known.at, "machine": known.machine, "source": known.source}
        typer.echo(json.dumps({**asdict(found), "bound_by": found.bound_by, "costs": about}, indent=2))
    else:
        _show(found, known, busy)
    raise typer.Exit(0 if found.recorders else 1)


def _show(found: "Estimate", costs: "Costs", busy: float) -> None:
    typer.echo(f"{found.recorders} people can record at once: {found.recordings_per_hour} recordings an hour.")
    typer.echo(f"Bound by {found.bound_by}. Of each {busy:.0%} may be used; what they hold:")
    for one in found.bounds:
        unit = "" if one.unit == "processors" else f" {one.unit}"
        typer.echo(f"  {one.name:22} {one.recorders:8.0f}   {one.has:.4g}{unit} at {one.each:.3g}{unit} each")
    typer.echo(f"Costs as measured {costs.at} on {costs.machine} ({costs.source}).")


def _stop(why: str) -> NoReturn:
    typer.echo(why, err=True)
    raise typer.Exit(2)
