"""S3's answer to ListObjectsV2, read: boto3 takes ten times the processor time, most of it for dates."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.etree.ElementTree import ParseError, fromstring

from kit.storage.errors import StorageUnavailable

_NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as a listing tells it; `size` in bytes."""

    key: str
    size: int
    etag: str
    modified: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the objects, and the word for the next page; None on the last."""

    objects: Sequence[Stored]
    following: str | None


def page(answer: bytes) -> Page:
    """Read one. Raises StorageUnavailable for what is no listing: a proxy's page, or an answer that was cut off."""
    try:
        root = fromstring(answer)  # noqa: S314 - of our own bucket, and expat resolves nothing outside the answer
        objects = [
            Stored(
                key=one[_NAMESPACE + "Key"],
                size=int(one[_NAMESPACE + "Size"]),
                etag=one[_NAMESPACE + "ETag"].strip('"'),
                modified=datetime.fromisoformat(one[_NAMESPACE + "LastModified"]),
            )
            for one in (
                {field.tag: field.text or "" for field in entry} for entry in root.iter(_NAMESPACE + "Contents")
            )
        ]
    except (ParseError, KeyError, ValueError) as error:
        raise StorageUnavailable(f"S3 answers no listing ({type(error).__name__})") from error
    if root.tag != _NAMESPACE + "ListBucketResult":
        raise StorageUnavailable("S3 answers no listing")
    return Page(objects, root.findtext(_NAMESPACE + "NextContinuationToken"))
