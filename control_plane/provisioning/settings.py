"""The settings of a region's provisioning process."""

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, Json, SecretStr
from pydantic_settings import NoDecode, SettingsConfigDict

from contracts.feed_published import BucketAccess
from contracts.feed_state import FEED_URL, FeedAccess
from contracts.said import Region
from control_plane.saml.keys import KeyPair, read_keys
from kit.settings import ManyPublicKeys, OneSigningKey, Settings


def _pairs(value: object) -> object:
    return (read_keys(value) if value else ()) if isinstance(value, str) else value


SamlKeys = Annotated[tuple[KeyPair, ...], NoDecode, BeforeValidator(_pairs)]


class ProvisioningSettings(Settings):
    """Read from CELLCAST_PROVISIONING_*."""

    model_config = SettingsConfigDict(env_prefix="CELLCAST_PROVISIONING_", arbitrary_types_allowed=True)

    region: Region = Field(description="The region whose cells this process calls, and no other")
    bind: str = Field(description="Where to answer, host:port", pattern=r"^[^:]+:[0-9]+$")
    url: str = Field(description="Its public address, without a slash at the end")
    go_url: str = Field(description="The front door's public address, which leads to sign-in")
    redis_url: str = Field(description="Its own small Redis: limits and nonces, nothing personal")
    signing_key: OneSigningKey = Field(description="Signs its calls: base64 of a raw Ed25519 private key")
    registry_public_keys: ManyPublicKeys = Field(
        description="The registry's keys, whose word counts: base64 of raw Ed25519 keys, comma-separated"
    )
    feed_url: str = Field(
        description="The control plane's address: it is called, and its feed followed", pattern=FEED_URL, min_length=1
    )
    feed_token: SecretStr = Field(description="The credential with which it reads its feed", min_length=1)
    state_dir: Path = Field(description="Where it keeps what its feed said")
    published_bucket: Json[BucketAccess] | None = Field(
        None, description="The region's bucket with published snapshots, as JSON, to be read with these keys"
    )
    saml_keys: SamlKeys = Field(
        (), description="PEM, private key and certificate by turns: the first pair signs requests, each decrypts"
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

    @property
    def feed(self) -> FeedAccess:
        """How it hears of the registry."""
        token = self.feed_token.get_secret_value()
        return FeedAccess(
            self.feed_url.rstrip("/"), token, self.registry_public_keys, self.state_dir, self.published_bucket
        )
