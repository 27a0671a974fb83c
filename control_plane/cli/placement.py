"""`cellcast placement ...`: where a workspace is, why, since when; and how a made-up fleet would lie."""

from typing import Annotated

import typer

from control_plane.cli.commands import Answer, Json, command, group, show
from control_plane.cli.server import Server
from control_plane.cli.workspaces import Key
from control_plane.placement.simulation import Fleet, simulate

app = group("Placements: where workspaces live, and why.")
HISTORY = ("version", "epoch", "at", "change", "from_state", "to_state", "from_cell", "to_cell", "by", "why")
VERDICTS = ("cell", "score", "load", "growth", "spread", "reason")


@command(app, "show", "cellcast placement show dmkrt234")
def show_(server: Server, key: Key) -> Answer:
    """Where a workspace is: cell, epoch, state, version."""
    found = server.get("workspaces", key)
    return Answer({name: found[name] for name in ("key", "id", "region", "cell", "epoch", "state", "version")})


@command(app, "explain", "cellcast placement explain dmkrt234")
def explain(server: Server, key: Key) -> Answer:
    """Why it got its first cell: each cell's score, the points that each term cost, and why the others lost."""
    found = server.get("placements", key, "decision")
    items = [{**verdict.pop("parts"), **verdict} for verdict in found.pop("verdicts")]
    note = f"{found['size']} workspace {found['key']} in {found['region']}: {found['chosen']}, as of {found['at']}"
    return Answer({**found, "items": items}, VERDICTS, note)


@command(app, "history", "cellcast placement history dmkrt234")
def history(server: Server, key: Key) -> Answer:
    """Every change: who, when, why, from what to what."""
    return Answer(server.get("placements", key, "history"), HISTORY)


@app.command("simulate", epilog="Example: cellcast placement simulate --workspaces 10000 --cells 20 --json")
def simulate_(
    workspaces: Annotated[int, typer.Option("--workspaces", help="How many sign up.", min=10, max=1_000_000)] = 10_000,
    cells: Annotated[int, typer.Option("--cells", help="How many cells there are.", min=1, max=1000)] = 20,
    exponent: Annotated[float, typer.Option("--zipf", help="How unequal they are.", min=0, max=3)] = 1.1,
    heartbeat_every: Annotated[
        int, typer.Option("--heartbeat-every", help="Sign-ups between two measurements of the cells' load.", min=1)
    ] = Fleet.heartbeat_every,
    headroom: Annotated[float, typer.Option("--headroom", help="Capacity over mean load.", min=0.1)] = 2.0,
    seed: Annotated[int, typer.Option("--seed", help="Another order of sign-ups.")] = 1,
    as_json: Json = False,
) -> None:
    """Place a made-up fleet by the code that places real workspaces; asks no control plane.

    Sizes follow Zipf's law and come in random order; of each only the class is known at sign-up. Those above a tenth
    of a cell's mean load are dedicated and left out.
    """
    outcome = simulate(Fleet(workspaces, cells, exponent, heartbeat_every, headroom, seed))
    items = [{"cell": name, "load": round(load, 1)} for name, load in outcome.loads.items()]
    data = {
        "items": items,
        "max_over_mean": outcome.max_over_mean,
        "mean": outcome.mean,
        "refused": outcome.refused,
        "sizes": outcome.sizes,
    }
    note = (
        f"max over mean {outcome.max_over_mean:.3f}, {outcome.dedicated} dedicated left out, {outcome.refused} refused"
    )
    show(Answer(data, ("cell", "load"), note), as_json)
