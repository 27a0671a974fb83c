"""Settings of the router, from the environment."""

from pathlib import Path
from typing import Self

from pydantic import Field, HttpUrl, Json, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from contracts.domains import DomainKey
from contracts.feed_published import BucketAccess
from kit.settings import ManyPublicKeys, Names, Networks, Settings


class RouterSettings(Settings):
    """What one router needs to know. It answers from a feed (FEED_URL), or from a signed file (SNAPSHOT_PATH)."""

    model_config = SettingsConfigDict(env_prefix="CELLCAST_ROUTER_", arbitrary_types_allowed=True)

    bind: str = Field(description="Where to answer, host:port.", pattern=r"^[^:]+:[0-9]+$")
    go_url: HttpUrl = Field(description="The front door's own address, like https://go.example.")
    also_hosts: Names = Field(
        (), description="Host names to answer to beside the front door's, comma-separated: those of retired cells."
    )
    registry_public_keys: ManyPublicKeys = Field(
        description="Whose word counts: base64 of raw Ed25519 public keys, comma-separated."
    )
    snapshot_path: Path | None = Field(None, description="A signed file of placements, where there is no feed.")
    feed_url: HttpUrl | None = Field(None, description="The control plane's address, whose feed to follow.")
    feed_token: SecretStr = Field(SecretStr(""), description="The credential of this reader of feeds.")
    published_bucket: Json[BucketAccess] | None = Field(
        None, description="The region's bucket with the published snapshot, as JSON, to be read with these keys."
    )
    domain_key: DomainKey = Field(
        None, description="64 hex digits, the same in all cells and routers; without them no domain leads to a cell."
    )
    regions: dict[str, str] = Field(
        default_factory=dict, description="JSON, region -> address of its provisioning, whose page mails people links."
    )
    state_dir: Path | None = Field(None, description="Where the map is kept; beside the signed file without it.")
    trusted_proxies: Networks = Field(
        (), description="Networks of our own proxies, comma-separated; whom they name is whose request it is."
    )
    unknown_per_minute: int = Field(30, description="Unknown keys an address may ask a worker for.", ge=1)
    connections_per_address: int = Field(500, description="Connections an address may hold at a worker.", ge=1)
    metrics_bind: str | None = Field(
        None, description="Where to answer scrapes of metrics, host:port; none without it.", pattern=r"^[^:]+:[0-9]+$"
    )
    log_level: str = Field("info", description="debug, info, warning or error.", pattern="^(debug|info|warning|error)$")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.snapshot_path is None) == (self.feed_url is None):
            raise ValueError("set one of SNAPSHOT_PATH and FEED_URL")
        if self.feed_url is not None and (self.state_dir is None or not self.feed_token.get_secret_value()):
            raise ValueError("FEED_URL needs STATE_DIR and FEED_TOKEN")
        return self

    @property
    def folder(self) -> Path:
        """Where the map is kept."""
        if self.state_dir is not None:
            return self.state_dir
        assert self.snapshot_path is not None
        return self.snapshot_path.with_name(f"{self.snapshot_path.name}.state")
