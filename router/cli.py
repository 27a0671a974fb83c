"""The router's commands."""

import asyncio
import sys

import typer

app = typer.Typer(help="The global front door: links and pages lead to their workspace's cell.", no_args_is_help=True)


@app.callback()
def router() -> None:
    """The global front door: links and pages lead to their workspace's cell."""


@app.command()
def serve() -> None:
    """Answer at CELLCAST_ROUTER_BIND until told to stop; settings are CELLCAST_ROUTER_* in the environment."""
    from kit import logs
    from kit.settings import SettingsError
    from router.app import run
    from router.settings import RouterSettings

    try:
        settings = RouterSettings.load()
    except SettingsError as refused:
        sys.exit(str(refused))
    logs.configure(settings.log_level, process="router")
    asyncio.run(run(settings))
