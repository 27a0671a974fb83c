"""The door to S3, against a real S3 server."""

import asyncio
import base64
import dataclasses
import hashlib
import io
import os
import re
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest
from yarl import URL

from kit import storage
from kit.storage import (
    Bucket,
    Grant,
    NotEmpty,
    NotFound,
    S3Config,
    StorageRefused,
    StorageUnavailable,
    TooLarge,
    listing,
)
from kit.storage import bucket as bucket_module
from tests.servers.s3 import S3Server

BODY = os.urandom(1000)


@pytest.fixture
async def browser() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=6)) as session:
        yield session


def sha256(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def grant(bucket: Bucket, key: str, body: bytes = BODY, expires: int = 60) -> Grant:
    return bucket.presign_put(key, size=len(body), sha256_b64=sha256(body), expires=expires)


def exact(url: str) -> URL:
    """The URL as it was signed, not normalised."""
    return URL(url, encoded=True)


async def put(browser: aiohttp.ClientSession, to: Grant, body: bytes, headers: dict[str, str] | None = None) -> int:
    sent = to.headers if headers is None else headers
    async with browser.put(exact(to.url), data=body, headers=sent) as answer:
        return answer.status


async def test_what_was_granted_arrives(bucket: Bucket, browser: aiohttp.ClientSession) -> None:
    assert await put(browser, grant(bucket, "w/r/chunks/000000"), BODY) == 200
    assert await bucket.get("w/r/chunks/000000") == BODY


async def test_a_second_put_is_told_from_the_first_and_changes_nothing(
    bucket: Bucket, browser: aiohttp.ClientSession
) -> None:
    assert await put(browser, grant(bucket, "a/one"), BODY) == 200
    assert await put(browser, grant(bucket, "a/one", b"other"), b"other") == 412
    assert await bucket.get("a/one") == BODY


@pytest.mark.parametrize("sent", [BODY + b"x", BODY[:-1], bytes([BODY[0] ^ 1]) + BODY[1:]])
async def test_other_bytes_than_granted_are_refused(
    bucket: Bucket, browser: aiohttp.ClientSession, sent: bytes
) -> None:
    assert await put(browser, grant(bucket, "a/one"), sent) in (400, 403)
    assert await bucket.list("a/") == []


async def test_the_signed_headers_cannot_be_left_out_or_changed(bucket: Bucket, browser: aiohttp.ClientSession) -> None:
    granted, other = grant(bucket, "a/one"), b"y" * len(BODY)
    for headers in (
        {},
        {"If-None-Match": "*"},
        {"x-amz-checksum-sha256": sha256(BODY)},
        {**granted.headers, "x-amz-checksum-sha256": sha256(other)},
    ):
        assert await put(browser, granted, other, headers) == 403
    assert await bucket.list("a/") == []


async def test_a_grant_is_for_one_key(bucket: Bucket, browser: aiohttp.ClientSession) -> None:
    granted = grant(bucket, "mine/one")
    moved = Grant(granted.url.replace("/mine/", "/yours/"), granted.headers)
    assert await put(browser, moved, BODY) == 403


async def test_a_grant_expires(bucket: Bucket, browser: aiohttp.ClientSession) -> None:
    granted, deadline = grant(bucket, "a/one", expires=1), time.monotonic() + 10
    while (status := await put(browser, granted, BODY)) != 403:
        assert status in (200, 412)
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)


@pytest.mark.parametrize(
    ("size", "digest"),
    [(0, sha256(b"")), (-1, sha256(b"")), (5, "short"), (5, ""), (5, sha256(b"")[:-4] + "\nx-a"), (5, "é" * 44)],
)
async def test_a_senseless_grant_is_not_made(bucket: Bucket, size: int, digest: str) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        bucket.presign_put("a/one", size=size, sha256_b64=digest, expires=60)


async def test_reading_in_the_browser_with_ranges_and_names(bucket: Bucket, browser: aiohttp.ClientSession) -> None:
    await bucket.put("w/r/final/video.webm", BODY, "application/octet-stream")
    name = 'Öl "é"\r\nX: 1.webm'
    url = bucket.presign_get("w/r/final/video.webm", expires=60, filename=name, media_type="video/webm")
    async with browser.get(exact(url), headers={"Range": "bytes=10-19"}) as answer:
        assert answer.status == 206
        assert await answer.read() == BODY[10:20]
        assert answer.headers["Content-Type"] == "video/webm"
        said = answer.headers["Content-Disposition"]
    assert said.startswith('inline; filename="Ol _e___X_ 1.webm"')
    assert said.endswith(quote(name, safe=""))
    async with browser.get(exact(bucket.presign_get("w/r/final/video.webm", expires=60, inline=False))) as answer:
        assert answer.headers["Content-Disposition"] == "attachment"
        assert await answer.read() == BODY


async def test_an_address_for_one_object_reads_no_other(bucket: Bucket, browser: aiohttp.ClientSession) -> None:
    await bucket.put("a/two", BODY, "text/plain")
    url = bucket.presign_get("a/one", expires=60).replace("/a/one", "/a/two")
    async with browser.get(exact(url)) as answer:
        assert answer.status == 403


async def test_a_listing_has_every_page(bucket: Bucket, browser: aiohttp.ClientSession) -> None:
    keys = [f"w/r/chunks/{index:06d}" for index in range(1005)]  # a page has 1,000
    statuses = await asyncio.gather(*(put(browser, grant(bucket, key, b"abc"), b"abc") for key in keys))
    assert set(statuses) == {200}
    await bucket.put("w/other", b"x", "text/plain")
    found = await bucket.list("w/r/chunks/")
    assert [stored.key for stored in found] == keys
    assert {stored.size for stored in found} == {3}
    assert found[0].etag == hashlib.md5(b"abc").hexdigest()
    assert abs(found[0].modified.timestamp() - time.time()) < 120
    assert await bucket.delete_all("w/r/chunks/") == 1005
    assert [stored.key for stored in await bucket.list("")] == ["w/other"]


async def test_many_objects_come_in_the_order_asked_for(bucket: Bucket) -> None:
    bodies = {f"k/{index}": os.urandom(200 - index * 9) for index in range(20)}
    for key, body in bodies.items():
        await bucket.put(key, body, "video/webm")
    keys = [*reversed(bodies), *bodies]
    assert [body async for body in bucket.get_many(keys, ahead=3)] == [bodies[key] for key in keys]


async def test_a_missing_object_among_many_is_named(bucket: Bucket) -> None:
    await bucket.put("k/0", b"a", "video/webm")
    came: list[bytes] = []
    with pytest.raises(NotFound, match="k/1"):
        async for body in bucket.get_many(["k/0", "k/1", "k/2"]):
            came.append(body)
    assert came == [b"a"]


async def test_more_bytes_than_the_caller_takes_are_not_read(bucket: Bucket) -> None:
    await bucket.put("a/one", BODY, "video/webm")
    assert await bucket.get("a/one", limit=len(BODY)) == BODY
    with pytest.raises(TooLarge):
        await bucket.get("a/one", limit=len(BODY) - 1)


async def test_an_object_appended_to_a_file(bucket: Bucket, tmp_path: Path) -> None:
    body = os.urandom(3 * 1024 * 1024 + 5)
    await bucket.put("a/one", body, "video/webm")
    with (tmp_path / "joined").open("w+b") as file:
        file.write(b"before")
        assert await bucket.get_to("a/one", file) == len(body)
    assert (tmp_path / "joined").read_bytes() == b"before" + body
    with pytest.raises(NotFound):
        await bucket.get_to("a/none", io.BytesIO())


@pytest.mark.parametrize(
    ("held_limit", "one_put_limit"),
    [(bucket_module.OBJECT_LIMIT, bucket_module.ONE_PUT_LIMIT), (1024, bucket_module.ONE_PUT_LIMIT), (1024, 1024)],
)
async def test_a_file_is_written_whole_and_in_parts(
    bucket: Bucket,
    s3_server: S3Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    held_limit: int,
    one_put_limit: int,
) -> None:
    monkeypatch.setattr(bucket_module, "OBJECT_LIMIT", held_limit)
    monkeypatch.setattr(bucket_module, "ONE_PUT_LIMIT", one_put_limit)
    monkeypatch.setattr(bucket_module, "PART_SIZE", 5 * 1024 * 1024)  # S3's least
    path, body = tmp_path / "video", os.urandom(12 * 1024 * 1024)
    path.write_bytes(body)
    await bucket.put_file("w/r/final/video.webm", path, "video/webm")
    assert await bucket.get("w/r/final/video.webm") == body
    said = s3_server.client.head_object(Bucket=bucket.config.bucket, Key="w/r/final/video.webm")
    assert said["ContentType"] == "video/webm"
    assert ("-3" in said["ETag"]) == (one_put_limit == 1024)  # S3 writes the number of parts there


async def test_deletion_leaves_no_version_no_marker_no_upload(bucket: Bucket, s3_server: S3Server) -> None:
    client, name = s3_server.client, bucket.config.bucket
    for body in (b"first", b"second"):
        await bucket.put("w/r/one", body, "video/webm")
    client.delete_object(Bucket=name, Key="w/r/one")  # a marker over two versions
    await bucket.put("w/r/two", b"x", "video/webm")
    await bucket.put("w/rest", b"stays", "video/webm")
    client.create_multipart_upload(Bucket=name, Key="w/r/big")
    assert await bucket.delete_all("w/r/") == 4
    left = client.list_object_versions(Bucket=name)
    assert [one["Key"] for one in left["Versions"]] == ["w/rest"]
    assert "DeleteMarkers" not in left
    assert "Uploads" not in client.list_multipart_uploads(Bucket=name)
    assert await bucket.delete_all("w/r/") == 0


async def test_what_comes_during_a_deletion_is_not_passed_over(s3_bucket: S3Config) -> None:
    class WithLateUpload(Bucket):
        def _versions(self, prefix: str) -> Sequence[tuple[str, str]]:
            found = super()._versions(prefix)
            late = {"Key": "w/r/late", "Body": b"late"}  # a grant that is still alive is used now
            self._boto().put_object(Bucket=self.config.bucket, **late)
            return found

    async with WithLateUpload(s3_bucket) as bucket:
        await bucket.put("w/r/one", b"x", "video/webm")
        with pytest.raises(NotEmpty, match="w/r/"):
            await bucket.delete_all("w/r/")


@pytest.mark.parametrize("prefix", ["", "/"])
async def test_the_whole_bucket_is_never_deleted(bucket: Bucket, prefix: str) -> None:
    await bucket.put("w/one", b"x", "video/webm")
    with pytest.raises(ValueError, match="prefix"):
        await bucket.delete_all(prefix)
    assert await bucket.get("w/one") == b"x"


async def test_the_stacks_restricted_account_may_do_all_of_this(
    s3_server: S3Server, browser: aiohttp.ClientSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket_module, "ONE_PUT_LIMIT", 10)
    (tmp_path / "file").write_bytes(BODY)
    async with Bucket(s3_server.restricted_bucket()) as bucket:
        await bucket.check()
        assert await put(browser, grant(bucket, "w/r/one"), BODY) == 200
        await bucket.put_file("w/r/two", tmp_path / "file", "video/webm")
        assert [body async for body in bucket.get_many(["w/r/one", "w/r/two"])] == [BODY, BODY]
        with pytest.raises(NotFound):
            await bucket.get("w/r/three")
        assert await bucket.delete_all("w/r/") == 2
        assert await bucket.list("w/") == []


async def test_wrong_keys_and_a_missing_bucket_are_refusals(s3_bucket: S3Config) -> None:
    for wrong in (
        dataclasses.replace(s3_bucket, secret_key="wrong"),
        dataclasses.replace(s3_bucket, bucket="not-there"),
    ):
        async with Bucket(wrong) as bucket:
            with pytest.raises(StorageRefused):
                await bucket.check()
            with pytest.raises(StorageRefused) as refused:
                await bucket.list("w/")
    assert s3_bucket.secret_key not in str(refused.value)
    assert s3_bucket.secret_key not in repr(s3_bucket)


async def test_an_outage_is_said_and_ends(s3_server: S3Server, bucket: Bucket, tmp_path: Path) -> None:
    await bucket.check()
    await bucket.put("w/one", BODY, "video/webm")
    (tmp_path / "file").write_bytes(BODY)
    s3_server.stop()
    try:
        with pytest.raises(StorageUnavailable):
            await bucket.check()
        for call in (
            bucket.get("w/one"),
            bucket.list("w/"),
            bucket.put_file("w/two", tmp_path / "file", "video/webm"),
            bucket.delete_all("w/"),
        ):
            with pytest.raises(StorageUnavailable) as said:
                await call
            assert not re.search("signature|credential", str(said.value), re.IGNORECASE)
    finally:
        s3_server.start()
    assert await bucket.get("w/one") == BODY


async def test_a_read_outlasts_a_restart(s3_server: S3Server, bucket: Bucket) -> None:
    await bucket.put("w/one", BODY, "video/webm")
    s3_server.stop()
    reading = asyncio.create_task(bucket.get("w/one"))
    s3_server.launch()
    await asyncio.to_thread(s3_server.wait_until_ready)
    assert await reading == BODY


async def test_the_loop_runs_while_s3_works(bucket: Bucket, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(os.urandom(30_000_000))
    writing = asyncio.create_task(bucket.put_file("w/one", tmp_path / "file", "video/webm"))
    turns = 0
    while not writing.done():
        await asyncio.sleep(0.001)
        turns += 1
    await writing
    assert turns > 5  # a call that blocks the loop leaves it one or two


async def test_every_error_is_a_storage_error() -> None:
    errors = [getattr(storage, name) for name in storage.__all__ if isinstance(getattr(storage, name), type)]
    own = [error for error in errors if issubclass(error, Exception)]
    assert len(own) == 6
    assert all(issubclass(error, storage.StorageError) for error in own)


def test_a_listing_is_read_and_anything_else_is_none() -> None:
    head = '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    entry = (
        "<Contents><Key>w/r/a&amp;b</Key><LastModified>2026-11-29T16:20:30.000Z</LastModified>"
        "<ETag>&quot;abc&quot;</ETag><Size>7</Size></Contents>"
    )
    following = "<NextContinuationToken>more</NextContinuationToken>"
    found = listing.page(f"{head}{entry}{following}</ListBucketResult>".encode())
    [one] = found.objects
    assert (one.key, one.size, one.etag, one.modified.isoformat()) == (
        "w/r/a&b",
        7,
        "abc",
        "2026-11-29T16:20:30+00:00",
    )
    assert found.following == "more"
    for other in (head, "<html></html>", "", f"{head}<Contents><Key>x</Key></Contents></ListBucketResult>"):
        with pytest.raises(StorageUnavailable):
            listing.page(other.encode())


async def test_a_listing_of_several_pages_names_each_object_once(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [f"w/r/{index:03}" for index in range(5)]
    for key in (*keys, "w/other"):
        await bucket.put(key, key.encode(), "text/plain")
    monkeypatch.setattr(bucket_module, "LISTED_AT_ONCE", 2)
    found = await bucket.list("w/r/")
    assert [(one.key, one.size) for one in found] == [(key, len(key)) for key in keys]
    assert await bucket.list("w/none/") == []
