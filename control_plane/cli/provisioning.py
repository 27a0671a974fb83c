"""`cellcast provisioning ...`: the process of a region's sign-ups and sign-ins."""

from typing import Annotated

import typer

from control_plane.cli.commands import give_up, group
from control_plane.cli.server import REFUSED, failed
from kit.settings import SettingsError

app = group("The regional part: sign-up. Its process is set by CELLCAST_PROVISIONING_*.")


@app.command(epilog="Example: CELLCAST_PROVISIONING_BIND=127.0.0.1:8200 cellcast provisioning serve --region eu")
def serve(
    region: Annotated[str, typer.Option("--region", help="The region that is served: eu or us.")],
) -> None:
    """Answer those who sign up, and finish sign-ups that stopped half-way."""
    import asyncio
    import os

    from contracts.feed_store import StoreBroken
    from control_plane.provisioning.processes import run
    from control_plane.provisioning.settings import ProvisioningSettings
    from kit import logs

    os.environ.setdefault("CELLCAST_PROVISIONING_REGION", region)
    try:
        settings = ProvisioningSettings.load()
        if settings.region != region:
            raise SettingsError(f"CELLCAST_PROVISIONING_REGION: is {settings.region}, but --region is {region}")
        logs.configure(settings.log_level, process=settings.name)
        asyncio.run(run(settings))
    except (SettingsError, StoreBroken) as error:
        give_up(failed(REFUSED, "The process cannot begin", str(error)), as_json=False)


@app.command("new-saml-key", epilog="Example: cellcast provisioning new-saml-key 'Cellcast EU'")
def new_saml_key(
    name: Annotated[str, typer.Argument(help="What the certificate calls us, for admins of identity providers.")],
) -> None:
    """Draw a key pair for CELLCAST_PROVISIONING_SAML_KEYS: a private key in PEM, and its certificate."""
    from control_plane.saml.keys import KeyPair

    typer.echo(KeyPair.new(name).to_text(), nl=False)
