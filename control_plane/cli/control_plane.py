"""`cellcast control-plane ...`: the process, its migrations, its first operator, its feeds and their readers."""

from typing import Annotated

import typer

from control_plane.cli.commands import Answer, Json, Why, command, give_up, group, show
from control_plane.cli.server import REFUSED, Server, failed
from kit.settings import SettingsError

app = group("The global part: registry, placement, feeds. Its processes are set by CELLCAST_CONTROL_PLANE_*.")
readers = group("Who may read feeds.")
app.add_typer(readers, name="readers")


@app.command(epilog="Example: CELLCAST_CONTROL_PLANE_BIND=127.0.0.1:8100 cellcast control-plane serve")
def serve() -> None:
    """Answer operators and the consumers of feeds, and publish snapshots."""
    import asyncio

    from control_plane.processes import run
    from control_plane.settings import ControlPlaneSettings
    from kit import logs

    try:
        settings = ControlPlaneSettings.load()
    except SettingsError as error:
        give_up(failed(REFUSED, "The settings are wrong", str(error)), as_json=False)
    logs.configure(settings.log_level, process="control-plane")
    asyncio.run(run(settings))


@app.command(
    epilog="Example: CELLCAST_CONTROL_PLANE_OWNER_DATABASE_URL=postgresql://... cellcast control-plane migrate"
)
def migrate() -> None:
    """Bring the registry's tables up to this version, as the database's owner."""
    from control_plane.migrate import migrate as up
    from control_plane.settings import ControlPlaneSettings

    try:
        up(ControlPlaneSettings.load().owner_database_url)
    except (SettingsError, ValueError) as error:
        give_up(failed(REFUSED, "Not migrated", str(error)), as_json=False)


@app.command("bootstrap-operator", epilog="Example: cellcast control-plane bootstrap-operator on-call")
def bootstrap_operator(
    name: Annotated[str, typer.Argument(help="An account like on-call, not a person's name.")],
    days: Annotated[int, typer.Option("--days", help="How long the token counts.", min=1, max=366)] = 90,
    as_json: Json = False,
) -> None:
    """Make the first operator's token, beside the registry's database; it is shown this once.

    Refused while any operator's token counts: that operator issues the others.
    """
    import asyncio

    from control_plane.bootstrap import bootstrap
    from control_plane.settings import ControlPlaneSettings
    from kit.refusals import Refusal

    try:
        token = asyncio.run(bootstrap(ControlPlaneSettings.load(), name, days))
    except (SettingsError, ValueError) as error:
        give_up(failed(REFUSED, "No token was made", str(error)), as_json)
    except Refusal as refused:
        give_up(failed(REFUSED, refused.title, refused.detail), as_json)
    if as_json:
        show(Answer({"name": name, "token": token}), as_json)
    else:
        typer.echo(token)


@app.command("new-signing-key", epilog="Example: cellcast control-plane new-signing-key --json")
def new_signing_key(as_json: Json = False) -> None:
    """Draw a key pair for signing feeds: the private one for the control plane, the public one for its consumers."""
    from kit.signing import SigningKey

    key = SigningKey.new()
    show(Answer({"id": key.id, "private": key.to_text(), "public": key.public_text()}), as_json)


@command(app, "feeds", "cellcast control-plane feeds")
def feeds(server: Server) -> Answer:
    """Where every feed stands, and which keys sign them."""
    found = server.get("feeds")
    return Answer(found, ("audience", "generation", "n", "floor"), f"signed by {', '.join(found['signing_keys'])}")


@command(app, "raise-generation", "cellcast control-plane raise-generation --why 'OPS-17: restored from backup'")
def raise_generation(server: Server, why: Why) -> Answer:
    """Begin a new generation of every feed, after a restore of the registry: consumers then follow it again."""
    return Answer(server.post("feeds", "raise-generation", why=why))


@command(readers, "issue", "cellcast control-plane readers issue router-eu --audience routing")
def reader_issue(
    server: Server,
    name: Annotated[str, typer.Argument(help="The process, like router-eu.")],
    audience: Annotated[list[str], typer.Option("--audience", help="A feed it may read; may be repeated.")],
) -> Answer:
    """Make a credential for a consumer, in place of the one it had; it is shown this once."""
    return Answer(server.post("feed-readers", name=name, audiences=audience))


@command(readers, "list", "cellcast control-plane readers list")
def reader_list(server: Server) -> Answer:
    """All readers, revoked ones too."""
    return Answer(server.get("feed-readers"), ("name", "audiences", "created_at", "revoked_at"))


@command(readers, "revoke", "cellcast control-plane readers revoke router-eu")
def reader_revoke(server: Server, name: Annotated[str, typer.Argument(help="The reader.")]) -> Answer:
    """End a credential."""
    return Answer(server.post("feed-readers", name, "revoke"))
