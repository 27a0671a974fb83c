"""Where a region publishes snapshots, so that a process can start while the control plane is gone."""

from collections.abc import Callable

from pydantic import BaseModel, SecretStr

from contracts.feed import snapshot_object


class BucketAccess(BaseModel):
    """A bucket and keys that may read it, as settings name them in JSON."""

    endpoint: str
    bucket: str
    region: str
    access_key: str
    secret_key: SecretStr


def address_in(access: BucketAccess, audience: str) -> Callable[[], str]:
    """Makes addresses of an audience's published snapshot, each good for a minute."""

    def presigned() -> str:
        from kit.storage import S3Config, Signer  # half a second, for what most starts do not need

        secret = access.secret_key.get_secret_value()
        config = S3Config(access.endpoint, access.bucket, access.region, access.access_key, secret)
        return Signer(config).presign_get(snapshot_object(audience), expires=60)

    return presigned
