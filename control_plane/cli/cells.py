"""`cellcast cells ...`: cells join, fill, close, drain and go."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from control_plane.cli.cell_values import Cell, check_region, derived_url
from control_plane.cli.cell_values import text as values_text
from control_plane.cli.commands import Answer, Why, command, group
from control_plane.cli.server import REFUSED, WRONG_USAGE, Server, failed

app = group("Cells: register, open, close, drain and retire them.")
COLUMNS = ("name", "region", "state", "workspaces", "load", "reserved", "capacity", "weight", "heard_at", "url")

Name = Annotated[str, typer.Argument(help="The cell, like eu-3.", show_default=False)]
PublicKeys = Annotated[
    list[str] | None,
    typer.Option("--public-key", help="Base64 of the public key that it signs with; two while one follows the other."),
]


Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", help="With --values: another value of the chart `cell`, PATH=YAML; it wins. May be repeated."
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Write over a values file that is there.")]


@command(app, "add", "cellcast cells add eu-3 --capacity 1000 --public-key KEY --values fleet/cell/eu-3.yaml")
def add(
    server: Server,
    name: Name,
    capacity: Annotated[int, typer.Option("--capacity", help="In units: typical small workspaces.", min=1)],
    cell_url: Annotated[
        str | None, typer.Option("--cell-url", help="Where the cell answers, scheme://host; else like the others.")
    ] = None,
    weight: Annotated[float, typer.Option("--weight", help="How attractive; 0.5 fills half as far.")] = 1.0,
    public_key: PublicKeys = None,
    dedicated: Annotated[bool, typer.Option("--dedicated", help="Keep it for one dedicated workspace.")] = False,
    open_it: Annotated[bool, typer.Option("--open", help="Let it take workspaces at once.")] = False,
    values: Annotated[
        Path | None, typer.Option("--values", help="Write the values file for its Helm release here.")
    ] = None,
    set_: Set = None,
    force: Force = False,
) -> Answer:
    """Register a cell of the region that its name begins with. It takes nothing until it is opened.

    With its public key it makes and answers calls; `feed_token` is then its credential for its feed, shown this once.
    With --values its values file is written too: its size is by its capacity, the rest as the registry and the files of
    other cells in the same folder say.
    """
    url = cell_url or derived_url(name, server.get("cells")["items"])
    with _writing(server, Cell(name, url, capacity), values, set_ or [], force=force) as written:
        made = server.post(
            "cells",
            name=name,
            region=name.partition("-")[0],
            url=url,
            capacity=capacity,
            weight=weight,
            dedicated=dedicated,
            public_keys=public_key or [],
            open=open_it,
        )
    return Answer({**made, **written}, note=_NEXT.format(name=name, file=values) if values else "")


@command(app, "values", "cellcast cells values eu-3 fleet/cell/eu-3.yaml --force")
def values_(
    server: Server,
    name: Name,
    file: Annotated[Path, typer.Argument(help="The values file to write.", show_default=False)],
    set_: Set = None,
    force: Force = False,
) -> Answer:
    """Write the values file of a cell that is registered, as `cells add --values` does."""
    one = server.get("cells", name)
    with _writing(server, Cell(name, one["url"], one["capacity"]), file, set_ or [], force=force) as written:
        return Answer(dict(written))


_NEXT = """
Next: put its secrets into the store (docs/operate.md, "Secrets"), then {file} into review: merged, it is installed.
Once it is heard of (`cellcast cells show {name}`): cellcast cells open {name} --why TICKET"""


@contextmanager
def _writing(
    server: Server, cell: Cell, file: Path | None, given: list[str], *, force: bool
) -> Iterator[dict[str, str]]:
    """Make the values file beside its place; it takes it once the block is done, and is gone where the block fails."""
    if file is None:
        if given or force:
            raise failed(WRONG_USAGE, "--set and --force are of the values file", "Give --values FILE too.")
        yield {}
        return
    if file.exists() and not force:
        raise failed(REFUSED, f"{file} is there", "Give another name, or --force to write over it.")
    if not file.parent.is_dir():
        raise failed(WRONG_USAGE, f"There is no folder {file.parent}", "Make it, or give another.")
    deployment = server.get("deployment")
    check_region(cell.name, deployment)
    text = values_text(cell, deployment, file.parent, given)
    new = file.with_name(f".{file.name}.new")
    try:
        new.write_text(text, encoding="utf-8")  # before the cell is registered: a full disk is noticed here
        yield {"size": cell.size, "values": str(file)}
        new.replace(file)
    except OSError as error:
        raise failed(REFUSED, f"{file} cannot be written", str(error)) from error
    finally:
        new.unlink(missing_ok=True)


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
