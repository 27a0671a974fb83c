"""The settings of a cell's processes: web, worker, scheduler and migrations."""

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, FilePath, Json, SecretStr, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from contracts.domains import DomainKey
from contracts.feed_published import BucketAccess
from contracts.feed_state import FEED_URL, FeedAccess
from kit.addresses import Network
from kit.settings import OptionalPublicKeys, OptionalSigningKey, Settings


def _networks(value: object) -> object:
    return (
        tuple(ip_network(one.strip()) for one in value.split(",") if one.strip()) if isinstance(value, str) else value
    )


class CellSettings(Settings):
    """Read from CELLCAST_CELL_*; the same for every process of one cell."""

    model_config = SettingsConfigDict(env_prefix="CELLCAST_CELL_", arbitrary_types_allowed=True)

    name: str = Field(description="The cell's name, such as eu-1", pattern=r"^[a-z]{2}-[0-9]{1,4}$")
    region: Literal["eu", "us"] = Field(description="The jurisdiction in which everything of this cell stays")
    passkey_rp_id: str = Field(
        "", description="The domain that passkeys are bound to, which all cells share; empty: this cell's own host"
    )
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)] = Field(
        (), description="Networks of our own proxies, comma-separated; whom they name is whose request it is"
    )
    bind: str = Field("127.0.0.1:0", description="Where the web process answers, host:port")
    url: str = Field(description="The cell's public address, without a slash at the end")
    go_url: str = Field(description="The front door's public address, which begins every link")
    database_url: str = Field(description="PostgreSQL as the role that row-level security binds")
    owner_database_url: str = Field("", description="PostgreSQL as the owner; only `cellcast cell migrate` has it")
    redis_url: str = Field(description="Redis: sessions, limits, grants, wake-ups")
    s3_endpoint: str = Field(description="The S3 server's address, as browsers reach it")
    s3_bucket: str = Field(description="The cell's bucket", min_length=3)
    s3_region: str = Field(description="The region that S3 signatures name, such as eu-central-1")
    s3_access_key: str = Field(description="Access key of the account restricted to this bucket")
    s3_secret_key: SecretStr = Field(description="Its secret")
    master_key: SecretStr = Field(description="64 hex characters; wraps the keys of personal data in the audit log")
    domain_key: DomainKey = Field(
        None, description="64 hex digits, the same in all cells and routers; hides verified domains from all others"
    )
    scratch_dir: Path = Field(description="Where workers put files while they process them")
    metrics_bind: str = Field("", description="Where Prometheus may read metrics, host:port; empty: nowhere")
    log_level: str = Field("info", description="debug, info, warning or error")
    signing_key: OptionalSigningKey = Field(None, description="Signs this cell's calls: base64 of a raw Ed25519 key")
    registry_public_keys: OptionalPublicKeys = Field(
        None, description="The registry's keys, whose word counts: base64 of raw Ed25519 keys, comma-separated"
    )
    feed_url: str = Field(
        "", description="The control plane's address: it is called, and its feed followed", pattern=FEED_URL
    )
    feed_token: SecretStr = Field(SecretStr(""), description="The credential with which this cell reads its feed")
    state_dir: Path | None = Field(None, description="Where the web process keeps what its feed said")
    published_bucket: Json[BucketAccess] | None = Field(
        None, description="The region's bucket with published snapshots, as JSON, to be read with these keys"
    )
    smtp_url: SecretStr | None = Field(None, description="The mail server: smtps://user:password@host:465, smtp://host")
    mail_from: str = Field("Cellcast <no-reply@cellcast.localhost>", description="Who mail of this cell comes from")
    breached_passwords_path: FilePath | None = Field(
        None, description="SHA-1 hashes of breached passwords, sorted, one a line; passwords on it are refused"
    )
    stalled_after_s: float = Field(120, description="A recording that sent nothing for this long is finished", gt=0)
    follow_every_s: float = Field(20, description="How long at least between two looks after a running recording", gt=0)
    job_lease_s: float = Field(30, description="A job whose worker is silent for this long goes to another", gt=0)
    finish_s: float = Field(
        20, description="How long a stopping worker finishes jobs; what takes longer is given back", ge=0
    )
    sweep_every_s: float = Field(1, description="How often waiting jobs are looked for", gt=0)
    media_jobs: int = Field(2, description="Recordings that one worker process turns into videos at once", gt=0)

    @model_validator(mode="after")
    def _in_touch_or_alone(self) -> Self:
        named = {
            "SIGNING_KEY": self.signing_key is not None,
            "REGISTRY_PUBLIC_KEYS": self.registry_public_keys is not None,
            "FEED_URL": bool(self.feed_url),
            "FEED_TOKEN": bool(self.feed_token.get_secret_value()),
            "STATE_DIR": self.state_dir is not None,
        }
        if any(named.values()) and not all(named.values()):
            missing = ", ".join(name for name, given in named.items() if not given)
            raise ValueError(f"a cell that calls and is called needs these too: {missing}")
        return self

    @model_validator(mode="after")
    def _passkeys_are_of_this_host(self) -> Self:
        host = urlsplit(self.url).hostname or ""
        if self.passkey_rp_id and host != self.passkey_rp_id and not host.endswith("." + self.passkey_rp_id):
            raise ValueError(f"PASSKEY_RP_ID: {host} is not within {self.passkey_rp_id}")
        return self

    @property
    def rp_id(self) -> str:
        """What passkeys are bound to: browsers use one on this domain and those below it."""
        return self.passkey_rp_id or urlsplit(self.url).hostname or ""

    @property
    def feed(self) -> FeedAccess | None:
        """How this cell hears of the registry; None for one that makes and answers no calls."""
        if self.registry_public_keys is None or self.state_dir is None:
            return None
        token = self.feed_token.get_secret_value()
        return FeedAccess(
            self.feed_url.rstrip("/"), token, self.registry_public_keys, self.state_dir, self.published_bucket
        )
