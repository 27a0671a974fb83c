"""The settings of a region's provisioning process."""

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import SettingsConfigDict

from contracts.operations import Region
from kit.settings import Settings
from kit.signing import PublicKeys, SigningKey


def _key(value: object) -> object:
    return SigningKey.from_text(value) if isinstance(value, str) else value


def _public_keys(value: object) -> object:
    return PublicKeys.from_text(value) if isinstance(value, str) else value


class ProvisioningSettings(Settings):
    """Read from CELLCAST_PROVISIONING_*."""

    model_config = SettingsConfigDict(env_prefix="CELLCAST_PROVISIONING_", arbitrary_types_allowed=True)

    region: Region = Field(description="The region whose cells this process calls, and no other")
    bind: str = Field(description="Where to answer, host:port", pattern=r"^[^:]+:[0-9]+$")
    url: str = Field(description="Its public address, without a slash at the end")
    go_url: str = Field(description="The front door's public address, which leads to sign-in")
    redis_url: str = Field(description="Its own small Redis: limits and nonces, nothing personal")
    signing_key: Annotated[SigningKey, BeforeValidator(_key)] = Field(
        description="Signs its calls: base64 of a raw Ed25519 private key"
    )
    peers_path: Path = Field(description="The signed file of processes that it calls and that call it")
    registry_public_keys: Annotated[PublicKeys, BeforeValidator(_public_keys)] = Field(
        description="Whose files and feeds count: base64 of raw Ed25519 public keys, comma-separated"
    )
    sweep_every_s: float = Field(10, description="How often sign-ups that stopped half-way are looked for", gt=0)
    sweep_after_s: int = Field(60, description="A sign-up without an end for this long is brought to one", ge=0)
    sign_ups_per_hour: int = Field(20, description="Sign-ups from one network address", ge=1)
    metrics_bind: str = Field("", description="Where Prometheus may read metrics, host:port; empty: nowhere")
    log_level: str = Field("info", description="debug, info, warning or error", pattern="^(debug|info|warning|error)$")

    @property
    def name(self) -> str:
        """The name under which it calls."""
        return f"provisioning-{self.region}"
