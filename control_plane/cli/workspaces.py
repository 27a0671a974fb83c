"""`cellcast workspaces ...`: tenants, by their ids."""

import re
from typing import Annotated
from uuid import uuid4

import typer

from contracts.placements import State
from control_plane.cli.commands import Answer, Why, command, group
from control_plane.cli.server import WRONG_USAGE, Failed, Server, failed
from control_plane.cli.sign_up import Founder, finish, new_password, read_password, to_repeat
from control_plane.placement.sizes import Size

app = group("Workspaces: make, place, suspend and resume them.")
COLUMNS = ("key", "region", "cell", "state", "size", "epoch", "version", "created_at")

REQUEST_KEY = r"[A-Za-z0-9_-]{16,64}"
Key = Annotated[str, typer.Argument(help="The workspace key.", show_default=False)]


@command(
    app,
    "create",
    "cellcast workspaces create --region eu --size medium --company Acme --email ada@acme.example --name 'Ada Byron'",
)
def create(
    server: Server,
    region: Annotated[str, typer.Option("--region", help="Where its data stays: eu or us.")],
    company: Annotated[str, typer.Option("--company", help="What the workspace is called.")],
    email: Annotated[str, typer.Option("--email", help="Its first admin's address, which gets a mail to confirm it.")],
    name: Annotated[str, typer.Option("--name", help="Its first admin's name.")],
    size: Annotated[Size, typer.Option("--size", help="The size class ordered.")] = Size.SMALL,
    key: Annotated[str | None, typer.Option("--key", help="A key never given before; else one is drawn.")] = None,
    request_key: Annotated[
        str | None,
        typer.Option("--request-key", help="16 to 64 random characters; repeated, nothing is made twice."),
    ] = None,
    language: Annotated[str, typer.Option("--language", help="Of the mail: en, de, ar, fr or es.")] = "en",
    from_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the admin's password from standard input, not draw one.")
    ] = False,
) -> Answer:
    """Make a workspace with its first admin: reserved, made in its cell, in use.

    The control plane reserves and hears of nobody; company, name, address and password go to the region's provisioning.
    Without --password-stdin a password is drawn and shown this once.
    """
    request = request_key or uuid4().hex
    if not re.fullmatch(REQUEST_KEY, request):
        raise failed(WRONG_USAGE, "That is no request key", "Use 16 to 64 of A-Z, a-z, 0-9, - and _.")
    drawn = None if from_stdin else new_password()
    founder = Founder(company, name, email, drawn or read_password())
    reserved = server.post("workspaces", region=region, size=size.value, key=key, request_key=request)
    try:
        made = finish(reserved, request, founder, language)
    except Failed as refused:
        raise to_repeat(refused, reserved, request, drawn) from refused
    before = reserved["state"] != "provisioning"  # then this password is not the one that counts
    shown = {one: reserved[one] for one in ("id", "key", "region", "cell", "size")}
    shown |= {"state": made["state"], "url": made["url"], "request_key": request}
    if drawn and not before:
        shown["password"] = drawn
    note = "This request made it before; the password is the one of then." if before else ""
    return Answer(shown, note=note)


@command(app, "list", "cellcast workspaces list --cell eu-1 --limit 20")
def list_(
    server: Server,
    region: Annotated[str | None, typer.Option("--region", help="Only of this region.")] = None,
    cell: Annotated[str | None, typer.Option("--cell", help="Only on this cell.")] = None,
    state: Annotated[State | None, typer.Option("--state", help="Only in this state, `deleted` included.")] = None,
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
