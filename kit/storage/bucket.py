"""A bucket's objects: read, listed, written, and deleted for good."""

import asyncio
import threading
import zlib
from base64 import b64encode
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO, Self, TypeVar

import aiohttp
from botocore.config import Config
from yarl import URL

from kit.storage import listing
from kit.storage.counting import counted
from kit.storage.errors import NotEmpty, NotFound, StorageRefused, StorageUnavailable, TooLarge, own_errors
from kit.storage.listing import Page, Stored
from kit.storage.signer import S3Config, Signer

MIB = 1024 * 1024
OBJECT_LIMIT = 16 * MIB  # what is held in memory at once: the largest chunk a recorder may send
ONE_PUT_LIMIT = 256 * MIB  # above, in parts, so that a broken connection does not cost the whole file
PART_SIZE = 64 * MIB  # 10,000 parts are allowed: 640 GB
LISTED_AT_ONCE = 1000  # S3 gives no more
DELETE_BATCH = 1000  # DeleteObjects takes no more
ATTEMPTS = 4  # of a read; 0.1 + 0.3 + 0.9 s between them outlasts a reset, not an outage
FIRST_PAUSE_S = 0.1
OWN_READS_S = 60  # life of the signatures under our own reads
THREADS = 4  # boto3's calls at once; bytes that matter go through aiohttp

T = TypeVar("T")


class Bucket(Signer):
    """One bucket. Presigning is local; everything else is asynchronous and never blocks the event loop.

    Reads, listings and small writes go through aiohttp with presigned URLs: 600 objects of 125 kB take 0.12 s that way
    and 0.9 s with boto3 on the same two cores. The rest is boto3 in a few threads. `async with`, or `close()` at the
    end.
    Errors of every call: StorageUnavailable (tried again here as far as that is safe), StorageRefused.
    """

    def __init__(self, config: S3Config) -> None:
        super().__init__(config)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="s3")
        self._client_lock = threading.Lock()
        self._client: Any = None  # boto3 makes its clients' classes at run time
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections. Calls that run in a thread end by themselves."""
        session, self._session = self._session, None
        if session:
            await session.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    # -- reading --------------------------------------------------------------------------------------------

    async def check(self, timeout_s: float = 2) -> None:
        """Say nothing if the bucket is there and the keys open it; tried once, for readiness probes."""
        url = URL(self._sign("HEAD", "", OWN_READS_S), encoded=True)
        with counted("check"):
            try:
                async with self._http().head(url, timeout=aiohttp.ClientTimeout(timeout_s)) as answer:
                    status = answer.status
            except (aiohttp.ClientError, TimeoutError) as error:
                raise StorageUnavailable(f"S3 does not answer ({type(error).__name__})") from error
            if status in (403, 404):
                raise StorageRefused(f"S3 answers {status} for the bucket {self.config.bucket}")
            if status >= 300:
                raise StorageUnavailable(f"S3 answers {status}")

    async def list(self, prefix: str) -> Sequence[Stored]:
        """Every object below `prefix`, in the order of their keys."""

        found: list[Stored] = []
        following: str | None = ""
        with counted("list"):
            while following is not None:
                query = {"list-type": "2", "max-keys": str(LISTED_AT_ONCE), "prefix": prefix}
                if following:
                    query["continuation-token"] = following
                answered = await self._asked("GET", "", _listed, query=query)
                found += answered.objects
                following = answered.following
        return found

    async def get(self, key: str, *, limit: int = OBJECT_LIMIT) -> bytes:
        """An object's bytes. Raises NotFound, TooLarge (more than `limit` bytes; nothing is read then)."""

        async def read(answer: aiohttp.ClientResponse) -> bytes:
            if answer.content_length is None or answer.content_length > limit:
                raise TooLarge(f"{key} has more than {limit} bytes")
            return await answer.read()

        return await self._reading(key, read)

    async def get_many(self, keys: Iterable[str], *, ahead: int = 8, limit: int = OBJECT_LIMIT) -> AsyncIterator[bytes]:
        """The bytes of many objects in the order of `keys`, up to `ahead` of them fetched at once.

        At most `ahead` x `limit` bytes are held. Errors as of `get`, at the place of the key they are about.
        """
        fetching: deque[asyncio.Task[bytes]] = deque()
        try:
            for key in keys:
                fetching.append(asyncio.create_task(self.get(key, limit=limit)))
                if len(fetching) >= ahead:
                    yield await fetching.popleft()
            while fetching:
                yield await fetching.popleft()
        finally:
            for task in fetching:
                task.cancel()
            await asyncio.gather(*fetching, return_exceptions=True)

    async def get_to(self, key: str, to: BinaryIO) -> int:
        """Append an object of any size to a file that is open for writing; the number of bytes.

        A connection that breaks begins again where `to` stood. Raises NotFound.
        """
        start = to.tell()

        async def copy(answer: aiohttp.ClientResponse) -> int:
            to.seek(start)
            to.truncate()
            async for piece in answer.content.iter_chunked(MIB):
                await asyncio.to_thread(to.write, piece)
            return to.tell() - start

        return await self._reading(key, copy)

    async def _reading(self, key: str, use: Callable[[aiohttp.ClientResponse], Awaitable[T]]) -> T:
        """GET `key` and let `use` consume the answer; repeated while that can help."""
        with counted("get"):
            return await self._asked("GET", key, use)

    async def _asked(
        self,
        method: str,
        key: str,
        use: Callable[[aiohttp.ClientResponse], Awaitable[T]],
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> T:
        """One signed request, repeated while that can help; all that are made here may be repeated."""
        reason = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(FIRST_PAUSE_S * 3 ** (attempt - 1))
            url = URL(self._sign(method, key, OWN_READS_S, headers=headers, query=query), encoded=True)
            try:
                async with self._http().request(method, url, headers=headers, data=body) as answer:
                    if answer.status == 200:
                        return await use(answer)
                    if answer.status == 404 and method == "GET" and key:  # else it is the bucket that is missing
                        raise NotFound(key)
                    if answer.status < 500 and answer.status != 429:
                        raise StorageRefused(f"S3 answers {answer.status} to {method} {key}")
                    reason = str(answer.status)
            except (aiohttp.ClientError, TimeoutError) as error:
                reason = type(error).__name__
        raise StorageUnavailable(f"S3 does not answer to {method} {key} ({reason})")

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=32),
                timeout=aiohttp.ClientTimeout(total=None, connect=3, sock_read=10),
                auto_decompress=False,
            )
        return self._session

    # -- writing --------------------------------------------------------------------------------------------

    async def put(self, key: str, body: bytes, media_type: str) -> None:
        """Write an object, over an earlier one; S3 checks the bytes against a checksum."""
        with counted("put"):
            await self._put_body(key, body, media_type)

    async def put_file(self, key: str, path: Path, media_type: str) -> None:
        """Write a file of any size, in parts when it is large; S3 checks the bytes against a checksum."""
        size = (await asyncio.to_thread(path.stat)).st_size
        if size <= OBJECT_LIMIT:
            await self.put(key, await asyncio.to_thread(path.read_bytes), media_type)
        elif size <= ONE_PUT_LIMIT:  # one PUT of 190 MB: 0.65 s; the same in parts: 0.95 s
            await self._in_thread("put", lambda: self._put_at_once(key, path, media_type))
        else:
            await self._in_thread("put", lambda: self._put_in_parts(key, path, media_type))

    async def _put_body(self, key: str, body: bytes, media_type: str) -> None:
        async def taken(answer: aiohttp.ClientResponse) -> None:
            await answer.read()

        checksum = b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
        headers = {"Content-Type": media_type, "x-amz-checksum-crc32": checksum}
        await self._asked("PUT", key, taken, headers=headers, body=body)

    def _put_at_once(self, key: str, path: Path, media_type: str) -> None:
        with path.open("rb") as body:
            self._boto().put_object(
                Bucket=self.config.bucket,
                Key=key,
                Body=body,
                ContentType=media_type,
                ChecksumAlgorithm="CRC32",
            )

    def _put_in_parts(self, key: str, path: Path, media_type: str) -> None:
        from boto3.exceptions import S3UploadFailedError
        from boto3.s3.transfer import TransferConfig

        try:
            self._boto().upload_file(
                str(path),
                self.config.bucket,
                key,
                ExtraArgs={"ContentType": media_type, "ChecksumAlgorithm": "CRC32"},
                Config=TransferConfig(multipart_chunksize=PART_SIZE, max_concurrency=2),
            )
        except S3UploadFailedError as error:  # a wrapper that hides which kind of failure it was
            raise (error.__context__ or error) from error

    # -- deleting -------------------------------------------------------------------------------------------

    async def delete_all(self, prefix: str) -> int:
        """Delete every version and delete marker below `prefix` and abort unfinished uploads there.

        Lists again afterwards: what is gone is gone. Gives the number of versions and markers deleted.
        Raises NotEmpty when something is there again, ValueError for the prefix of the whole bucket.
        """
        if not prefix.strip("/"):
            raise ValueError("an empty prefix would delete the bucket's whole content")
        return await self._in_thread("delete", lambda: self._delete_all(prefix))

    def _delete_all(self, prefix: str) -> int:
        for upload in self._uploads(prefix):
            self._boto().abort_multipart_upload(Bucket=self.config.bucket, **upload)
        doomed = self._versions(prefix)
        for first in range(0, len(doomed), DELETE_BATCH):
            batch = [{"Key": key, "VersionId": version} for key, version in doomed[first : first + DELETE_BATCH]]
            answer = self._boto().delete_objects(Bucket=self.config.bucket, Delete={"Objects": batch, "Quiet": True})
            for error in answer.get("Errors", []):
                raise StorageUnavailable(f"S3 did not delete {error.get('Key')} ({error.get('Code')})")
        left = len(self._versions(prefix)) + len(list(self._uploads(prefix)))
        if left:
            raise NotEmpty(f"{left} objects are below {prefix} again")
        return len(doomed)

    def _versions(self, prefix: str) -> Sequence[tuple[str, str]]:
        """Key and version id of every version and delete marker, once each."""
        found: dict[tuple[str, str], None] = {}  # versitygw 1.8 repeats a page's last entry on the next page
        pages = self._boto().get_paginator("list_object_versions")
        for page in pages.paginate(Bucket=self.config.bucket, Prefix=prefix):
            for one in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                found[one["Key"], one["VersionId"]] = None
        return tuple(found)

    def _uploads(self, prefix: str) -> Iterator[dict[str, str]]:
        pages = self._boto().get_paginator("list_multipart_uploads")
        for page in pages.paginate(Bucket=self.config.bucket, Prefix=prefix):
            for one in page.get("Uploads", []):
                yield {"Key": one["Key"], "UploadId": one["UploadId"]}

    # -- boto3 ----------------------------------------------------------------------------------------------

    async def _in_thread(self, operation: str, call: Callable[[], T]) -> T:
        def translated() -> T:
            with own_errors():
                return call()

        with counted(operation):
            return await asyncio.get_running_loop().run_in_executor(self._threads, translated)

    def _boto(self) -> Any:
        """The client, made at the first need: it costs 0.4 s, and a process that only presigns needs none."""
        with self._client_lock:
            if self._client is None:
                import boto3

                self._client = boto3.session.Session().client(
                    "s3",
                    endpoint_url=self.config.endpoint,
                    region_name=self.config.region,
                    aws_access_key_id=self.config.access_key,
                    aws_secret_access_key=self.config.secret_key,
                    config=Config(
                        s3={"addressing_style": "path"},
                        connect_timeout=3,
                        read_timeout=60,
                        retries={"mode": "standard", "max_attempts": ATTEMPTS},
                        max_pool_connections=2 * THREADS,
                        request_checksum_calculation="when_required",
                        response_checksum_validation="when_required",
                    ),
                )
            return self._client


async def _listed(answer: aiohttp.ClientResponse) -> Page:
    return listing.page(await answer.read())
