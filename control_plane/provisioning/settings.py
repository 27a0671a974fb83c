"""The settings of a region's provisioning process."""

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, Json, SecretStr
from pydantic_settings import NoDecode, SettingsConfigDict

from contracts.feed_published import BucketAccess
from contracts.feed_state import FEED_URL, FeedAccess
from contracts.said import Region
from control_plane.saml.keys import KeyPair, read_keys
from kit.addresses import Network
from kit.settings import ManyPublicKeys, OneSigningKey, Settings

NAME_SERVER = r"^([^,/?#\s]+:[0-9]+)?$"


def _pairs(value: object) -> object:
    return read_keys(value) if isinstance(value, str) else value


def _networks(value: object) -> object:
    return [one.strip() for one in value.split(",") if one.strip()] if isinstance(value, str) else value


SamlKeys = Annotated[tuple[KeyPair, ...], NoDecode, BeforeValidator(_pairs), Field(min_length=1)]


class ProvisioningSettings(Settings):
    """Read from CELLCAST_PROVISIONING_*."""

    model_config = SettingsConfigDict(env_prefix="CELLCAST_PROVISIONING_", arbitrary_types_allowed=True)

    region: Region = Field(description="The region whose cells this process calls, and no other")
    bind: str = Field(description="Where to answer, host:port", pattern=r"^([^:]+:[0-9]+|fd://[0-9]+(,fd://[0-9]+)?)$")
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
        description="PEM, private key and certificate by turns: the first pair signs requests, each decrypts; "
        "`cellcast provisioning new-saml-key` draws one"
    )
    saml_processes: int = Field(1, description="Processes that judge answers of identity providers", ge=1, le=64)
    saml_answers_per_minute: int = Field(600, description="Answers of identity providers from one address", ge=1)
    finds_per_hour: int = Field(20, description="Times that one address may ask for its workspaces by mail", ge=1)
    name_server: str = Field(
        "", description="Whom to ask for domains' records, host:port; empty: as this machine does", pattern=NAME_SERVER
    )
    metadata_allow_local: bool = Field(
        False, description="For development alone: metadata may be fetched from private addresses and without TLS"
    )
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)] = Field(
        (), description="Networks of our own proxies, comma-separated; whom they name is whose request it is"
    )
    sweep_every_s: float = Field(10, description="How often sign-ups that stopped half-way are looked for", gt=0)
    sweep_after_s: int = Field(60, description="A sign-up without an end for this long is brought to one", ge=0)
    sign_ups_per_hour: int = Field(20, description="Sign-ups from one network address", ge=1)
    scim_per_second: int = Field(1000, description="SCIM requests of one workspace that a process answers", ge=1)
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
