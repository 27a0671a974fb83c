"""The settings of the control plane's process and of its migrations."""

from pydantic import BaseModel, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from kit.settings import OneSigningKey, OptionalSigningKey, Settings


class BucketSettings(BaseModel):
    """A region's bucket for snapshots."""

    endpoint: str
    bucket: str
    region: str
    access_key: str
    secret_key: SecretStr


class ControlPlaneSettings(Settings):
    """Read from CELLCAST_CONTROL_PLANE_*."""

    model_config = SettingsConfigDict(env_prefix="CELLCAST_CONTROL_PLANE_", arbitrary_types_allowed=True)

    bind: str = Field("127.0.0.1:0", description="Where the process answers, host:port")
    url: str = Field(description="The control plane's own address, without a slash at the end")
    go_url: str = Field(description="The front door's public address")
    database_url: str = Field(description="PostgreSQL of the registry, as the application's role")
    owner_database_url: str = Field("", description="The same as the owner; only for `migrate`")
    signing_key: OneSigningKey = Field(
        description="Signs feeds, calls and answers: base64 of a raw Ed25519 private key"
    )
    next_signing_key: OptionalSigningKey = Field(
        None, description="Signs besides, while consumers change from the one key to the other"
    )
    snapshot_buckets: dict[str, BucketSettings] = Field(
        default_factory=dict,
        description="JSON, region -> {endpoint, bucket, region, access_key, secret_key}: where snapshots are published",
    )
    sign_up_urls: dict[str, str] = Field(
        default_factory=dict, description="JSON, region -> address of its provisioning: where sign-ups are led"
    )
    publish_every_s: float = Field(30, description="How often changed snapshots are published", gt=0)
    feed_keep: int = Field(
        200_000, description="Events that a feed's log keeps; who is further behind takes a snapshot", ge=1
    )
    metrics_bind: str = Field("", description="Where Prometheus may read metrics, host:port; empty: nowhere")
    log_level: str = Field("info", description="debug, info, warning or error", pattern="^(debug|info|warning|error)$")
