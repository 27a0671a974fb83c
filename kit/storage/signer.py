"""Presigned URLs (SigV4 in the query): what a browser may put or get, decided without asking S3."""

import base64
import binascii
import re
import unicodedata
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


@dataclass(frozen=True, slots=True)
class S3Config:
    """A bucket and the keys to it; `endpoint` is a URL without a path (buckets are named in the path)."""

    endpoint: str
    bucket: str
    region: str
    access_key: str
    secret_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Grant:
    """One PUT that a browser may do: exactly these headers and the Content-Length it sets by itself."""

    url: str
    headers: dict[str, str]


class Signer:
    """Signs requests to one bucket; some 0.1 ms of CPU each."""

    def __init__(self, config: S3Config) -> None:
        self.config = config
        self._root = f"{config.endpoint.rstrip('/')}/{quote(config.bucket)}"
        self._credentials = Credentials(config.access_key, config.secret_key)

    def presign_put(self, key: str, *, size: int, sha256_b64: str, expires: int) -> Grant:
        """Allow one PUT of exactly these bytes to `key`, for `expires` seconds, if nothing is there yet.

        Length, SHA-256 and If-None-Match are signed, so other bytes get 403 or 400 and a repeat gets 412.
        Raises ValueError when `sha256_b64` is not the base64 of 32 bytes or `size` is not positive.
        """
        if size <= 0 or not _is_sha256(sha256_b64):
            raise ValueError("a grant needs a positive size and the base64 of a SHA-256")
        headers = {"x-amz-checksum-sha256": sha256_b64, "If-None-Match": "*"}
        url = self._sign("PUT", key, expires, headers={**headers, "Content-Length": str(size)})
        return Grant(url, headers)

    def presign_get(
        self,
        key: str,
        *,
        expires: int,
        filename: str | None = None,
        media_type: str | None = None,
        inline: bool = True,
    ) -> str:
        """A URL that reads `key` for `expires` seconds, ranges included, shown in place or as a download.

        `filename` (any text) and `media_type` are what the answer will say, whatever was stored.
        """
        says = {"response-content-disposition": _disposition(filename, inline=inline)}
        if media_type:
            says["response-content-type"] = media_type
        return self._sign("GET", key, expires, query=says)

    def _sign(
        self,
        method: str,
        key: str,
        expires: int,
        *,
        headers: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
    ) -> str:
        # botocore's signer without the client around it: three times faster than generate_presigned_url.
        url = f"{self._root}/{quote(key, safe='/-_.~')}" if key else self._root
        if query:
            url += "?" + urlencode(query, quote_via=quote)
        request = AWSRequest(method=method, url=url, headers=headers)
        S3SigV4QueryAuth(self._credentials, "s3", self.config.region, expires=expires).add_auth(request)
        return str(request.url)


def _is_sha256(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == 32
    except (binascii.Error, ValueError):
        return False


def _disposition(filename: str | None, *, inline: bool) -> str:
    """A Content-Disposition (RFC 6266): the name in ASCII for old clients, and in full."""
    kind = "inline" if inline else "attachment"
    if filename is None:
        return kind
    ascii_only = unicodedata.normalize("NFKD", filename).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^\w .()-]", "_", ascii_only).strip() or "file"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"
