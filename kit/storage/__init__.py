"""The one door to S3: grants for browsers, and a bucket's objects; only this folder imports boto3 and botocore."""

from kit.storage.bucket import Bucket
from kit.storage.errors import (
    NotEmpty,
    NotFound,
    StorageError,
    StorageRefused,
    StorageUnavailable,
    TooLarge,
)
from kit.storage.listing import Stored
from kit.storage.signer import Grant, S3Config, Signer

__all__ = [
    "Bucket",
    "Grant",
    "NotEmpty",
    "NotFound",
    "S3Config",
    "Signer",
    "StorageError",
    "StorageRefused",
    "StorageUnavailable",
    "Stored",
    "TooLarge",
]
