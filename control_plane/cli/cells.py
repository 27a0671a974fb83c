"""`cellcast cells ...`: cells join, fill, close, drain and go."""

from typing import Annotated

import typer

from control_plane.cli.commands import Answer, Why, command, group
from control_plane.cli.server import Server

app = group("Cells: register, open, close, drain and retire them.")
COLUMNS = ("name", "region", "state", "workspaces", "load", "reserved", "capacity", "weight", "heard_at", "url")

Name = Annotated[str, typer.Argument(help="The cell, like eu-3.", show_default=False)]
PublicKeys = Annotated[
    list[str] | None,
    typer.Option("--public-key", help="Base64 of the public key that it signs with; two while one follows the other."),
]


@command(app, "add", "cellcast cells add eu-3 --cell-url https://eu-3.example --capacity 1000 --public-key KEY --open")
def add(
    server: Server,
    name: Name,
    cell_url: Annotated[str, typer.Option("--cell-url", help="Where the cell answers: scheme://host.")],
    capacity: Annotated[int, typer.Option("--capacity", help="In units: typical small workspaces.", min=1)],
    weight: Annotated[float, typer.Option("--weight", help="How attractive; 0.5 fills half as far.")] = 1.0,
    public_key: PublicKeys = None,
    dedicated: Annotated[bool, typer.Option("--dedicated", help="Keep it for one dedicated workspace.")] = False,
    open_it: Annotated[bool, typer.Option("--open", help="Let it take workspaces at once.")] = False,
) -> Answer:
    """Register a cell of the region that its name begins with. It takes nothing until it is opened.

    With its public key it makes and answers calls; `feed_token` is then its credential for its feed, shown this once.
    """
    made = server.post(
        "cells",
        name=name,
        region=name.partition("-")[0],
        url=cell_url,
        capacity=capacity,
        weight=weight,
        dedicated=dedicated,
        public_keys=public_key or [],
        open=open_it,
    )
    return Answer(made)


@command(app, "change", "cellcast cells change eu-3 --public-key OLD --public-key NEW --why 'OPS-16: new key'")
def change(
    server: Server,
    name: Name,
    why: Why,
    cell_url: Annotated[str | None, typer.Option("--cell-url", help="Where it answers from now on.")] = None,
    public_key: PublicKeys = None,
    capacity: Annotated[int | None, typer.Option("--capacity", help="In units, from now on.", min=1)] = None,
    weight: Annotated[float | None, typer.Option("--weight", help="How attractive, from now on.")] = None,
) -> Answer:
    """Give a cell another address, other keys in place of those it had, or another size; what is not named stays."""
    wanted = {"url": cell_url, "public_keys": public_key or None, "capacity": capacity, "weight": weight}
    return Answer(server.post("cells", name, "change", **wanted, why=why))


@command(app, "list", "cellcast cells list --json")
def list_(server: Server) -> Answer:
    """All cells, with what they carry."""
    return Answer(server.get("cells"), COLUMNS)


@command(app, "show", "cellcast cells show eu-1")
def show(server: Server, name: Name) -> Answer:
    """One cell."""
    return Answer(server.get("cells", name))


@command(app, "open", "cellcast cells open eu-3 --why 'OPS-12: tested'")
def open_(server: Server, name: Name, why: Why) -> Answer:
    """Let a cell take new workspaces."""
    return Answer(server.post("cells", name, "open", why=why))


@command(app, "cordon", "cellcast cells cordon eu-3 --why 'OPS-13: disk'")
def cordon(server: Server, name: Name, why: Why) -> Answer:
    """Stop new placements on a cell; those who are there stay and work."""
    return Answer(server.post("cells", name, "cordon", why=why))


@command(app, "drain", "cellcast cells drain eu-3 --why 'OPS-14: replaced by eu-4'")
def drain(server: Server, name: Name, why: Why) -> Answer:
    """Stop new placements on a cell that is to be emptied."""
    return Answer(server.post("cells", name, "drain", why=why))


@command(app, "retire", "cellcast cells retire eu-3 --why 'OPS-15: empty'")
def retire(server: Server, name: Name, why: Why) -> Answer:
    """Take a cell out for good. Refused, with the list, while it still owns workspaces."""
    return Answer(server.post("cells", name, "retire", why=why))
