"""What S3 can answer instead of what was asked, in our words."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError


class StorageError(Exception):
    """S3 did not do what was asked. The text holds no secret and no signed URL."""


class StorageUnavailable(StorageError):
    """S3 cannot be reached or fails by itself: the same call may work later."""


class StorageRefused(StorageError):
    """S3 says no (keys, rights, bucket): the same call will not work until somebody changes that."""


class NotFound(StorageError):
    """There is no such object."""


class TooLarge(StorageError):
    """The object has more bytes than the caller takes."""


class NotEmpty(StorageError):
    """Objects were still listed after all were deleted, because somebody writes there; delete again."""


@contextmanager
def own_errors() -> Iterator[None]:
    """Turn what boto3 raises inside the block into ours."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))
        if code == "NoSuchKey":
            raise NotFound(code) from error
        if status < 500 and code not in ("SlowDown", "RequestTimeout"):
            raise StorageRefused(f"S3 answers {status} {code} to {error.operation_name}") from error
        raise StorageUnavailable(f"S3 answers {status} {code} to {error.operation_name}") from error
    except BotoCoreError as error:
        raise StorageUnavailable(f"S3 does not answer ({type(error).__name__})") from error
