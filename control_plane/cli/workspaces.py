"""`cellcast workspaces ...`: tenants, by their ids."""

from typing import Annotated
from uuid import uuid4

import typer

from control_plane.cli.commands import Answer, Why, command, group
from control_plane.cli.server import Server
from control_plane.placement.sizes import Size

app = group("Workspaces: place, suspend and resume them.")
COLUMNS = ("key", "region", "cell", "state", "size", "epoch", "version", "created_at")

Key = Annotated[str, typer.Argument(help="The workspace key.", show_default=False)]


@command(app, "create", "cellcast workspaces create --region eu --size medium")
def create(
    server: Server,
    region: Annotated[str, typer.Option("--region", help="Where its data stays: eu or us.")],
    size: Annotated[Size, typer.Option("--size", help="The size class ordered.")] = Size.SMALL,
    key: Annotated[str | None, typer.Option("--key", help="A key never given before; else one is drawn.")] = None,
    request_key: Annotated[
        str | None, typer.Option("--request-key", help="Repeat a request with its key, and nothing is made twice.")
    ] = None,
) -> Answer:
    """Reserve a workspace and choose its cell."""
    wanted = request_key or uuid4().hex
    return Answer(server.post("workspaces", region=region, size=size.value, key=key, request_key=wanted))


@command(app, "list", "cellcast workspaces list --cell eu-1 --limit 20")
def list_(
    server: Server,
    region: Annotated[str | None, typer.Option("--region", help="Only of this region.")] = None,
    cell: Annotated[str | None, typer.Option("--cell", help="Only on this cell.")] = None,
    state: Annotated[str | None, typer.Option("--state", help="Only in this state, `deleted` included.")] = None,
    after: Annotated[str | None, typer.Option("--after", help="Go on behind this key.")] = None,
    limit: Annotated[int, typer.Option("--limit", help="At most so many.", min=1, max=1000)] = 100,
) -> Answer:
    """Workspaces by key."""
    found = server.get("workspaces", region=region, cell=cell, state=state, after=after, limit=limit)
    return Answer(found, COLUMNS, note=f"More: --after {found['after']}" if found["after"] else "")


@command(app, "show", "cellcast workspaces show dmkrt234")
def show(server: Server, key: Key) -> Answer:
    """One workspace and where it is."""
    return Answer(server.get("workspaces", key))


@command(app, "suspend", "cellcast workspaces suspend dmkrt234 --why 'BILL-7: unpaid'")
def suspend(server: Server, key: Key, why: Why) -> Answer:
    """Stop a workspace's writes; its data stays."""
    return Answer(server.post("workspaces", key, "suspend", why=why))


@command(app, "resume", "cellcast workspaces resume dmkrt234 --why 'BILL-7: paid'")
def resume(server: Server, key: Key, why: Why) -> Answer:
    """Let a suspended workspace work again."""
    return Answer(server.post("workspaces", key, "resume", why=why))


@command(app, "activate", "cellcast workspaces activate dmkrt234 --why 'seeded by hand'")
def activate(server: Server, key: Key, why: Why) -> Answer:
    """Finish a sign-up whose workspace is made in its cell: links lead there from now on."""
    return Answer(server.post("workspaces", key, "activate", why=why))


@command(app, "abandon", "cellcast workspaces abandon dmkrt234 --why 'OPS-16: never made'")
def abandon(server: Server, key: Key, why: Why) -> Answer:
    """Undo a sign-up whose workspace was never made in its cell; its key is spent."""
    return Answer(server.post("workspaces", key, "abandon", why=why))
