"""`cellcast peers ...`: the processes that sign calls. Cells among them come and go with `cellcast cells`."""

from enum import StrEnum
from typing import Annotated

import typer

from control_plane.cli.commands import Answer, Why, command, group
from control_plane.cli.server import Server

app = group("Processes that sign calls, and their public keys.")
COLUMNS = ("name", "kind", "region", "url", "public_keys", "changed_at")

Name = Annotated[str, typer.Argument(help="The process, like provisioning-eu.", show_default=False)]
KEYS = "Base64 of the public key that it signs with; two while one follows the other."


class Kind(StrEnum):
    """What can be registered here."""

    PROVISIONING = "provisioning"


@command(
    app,
    "add",
    "cellcast peers add provisioning-eu --kind provisioning --region eu --url https://sign-up.eu.example"
    " --public-key KEY",
)
def add(
    server: Server,
    name: Name,
    kind: Annotated[Kind, typer.Option("--kind", help="What it is; a cell is added by `cellcast cells add`.")],
    region: Annotated[str, typer.Option("--region", help="The region that it is in: eu or us.")],
    address: Annotated[str, typer.Option("--peer-url", help="Where it answers: scheme://host.")],
    public_key: Annotated[list[str], typer.Option("--public-key", help=KEYS)],
) -> Answer:
    """Register a process. `feed_token` is its credential for its region's feed, shown this once."""
    made = server.post("peers", name=name, kind=kind.value, region=region, url=address, public_keys=public_key)
    return Answer(made)


@command(app, "list", "cellcast peers list --json")
def list_(server: Server) -> Answer:
    """All peers, cells too."""
    return Answer(server.get("peers"), COLUMNS)


@command(app, "change", "cellcast peers change provisioning-eu --public-key NEW --why 'OPS-18: the old key has ended'")
def change(
    server: Server,
    name: Name,
    why: Why,
    address: Annotated[str | None, typer.Option("--peer-url", help="Where it answers from now on.")] = None,
    public_key: Annotated[list[str] | None, typer.Option("--public-key", help=KEYS)] = None,
) -> Answer:
    """Give a process another address, or other keys in place of those it had."""
    return Answer(server.post("peers", name, "change", url=address, public_keys=public_key or None, why=why))


@command(app, "remove", "cellcast peers remove provisioning-eu --why 'OPS-19: its host was lost'")
def remove(server: Server, name: Name, why: Why) -> Answer:
    """End a process: its calls are refused within a second, and its credential for feeds counts no longer."""
    return Answer(server.post("peers", name, "remove", why=why))
