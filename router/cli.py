"""The router's commands."""

import sys
from typing import Annotated

import typer

app = typer.Typer(help="The global front door: links and pages lead to their workspace's cell.", no_args_is_help=True)


@app.callback()
def router() -> None:
    """The global front door: links and pages lead to their workspace's cell."""


@app.command()
def serve(
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that answer; about one a core.")] = 1,
) -> None:
    """Answer at CELLCAST_ROUTER_BIND until told to stop; settings are CELLCAST_ROUTER_* in the environment."""
    from contracts.feed_store import StoreBroken
    from kit import logs
    from kit.settings import SettingsError
    from router.parent import run
    from router.settings import RouterSettings

    try:
        settings = RouterSettings.load()
    except SettingsError as refused:
        sys.exit(str(refused))
    logs.configure(settings.log_level, process="router")
    try:
        run(settings, workers)
    except (StoreBroken, OSError) as error:
        sys.exit(f"the router cannot start: {error}")
