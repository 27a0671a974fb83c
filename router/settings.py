"""Settings of the router, from the environment."""

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, HttpUrl
from pydantic_settings import SettingsConfigDict

from kit.settings import Settings
from kit.signing import PublicKeys


def _public_keys(value: object) -> object:
    return PublicKeys.from_text(value) if isinstance(value, str) else value


class RouterSettings(Settings):
    """What one router process needs to know."""

    model_config = SettingsConfigDict(env_prefix="CELLCAST_ROUTER_", arbitrary_types_allowed=True)

    bind: str = Field(description="Where to answer, host:port.", pattern=r"^[^:]+:[0-9]+$")
    go_url: HttpUrl = Field(description="The front door's own address, like https://go.example.")
    snapshot_path: Path = Field(description="The file of placements, written by the registry's side.")
    registry_public_keys: Annotated[PublicKeys, BeforeValidator(_public_keys)] = Field(
        description="Whose snapshots count: base64 of raw Ed25519 public keys, comma-separated."
    )
    metrics_bind: str | None = Field(
        None, description="Where to answer scrapes of metrics, host:port; none without it.", pattern=r"^[^:]+:[0-9]+$"
    )
    log_level: str = Field("info", description="debug, info, warning or error.", pattern="^(debug|info|warning|error)$")
