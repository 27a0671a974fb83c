"""The application's account may use its own bucket and nothing else."""

import secrets
from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from urllib.request import urlopen

import boto3
import pytest
from botocore.client import Config
from botocore.exceptions import ClientError

from kit.ports import free_port
from stack import s3, versitygw
from stack.processes import spawn
from tests.servers.folders import server_folder
from tests.waiting import until

ORIGIN = "http://eu-1.localhost:8000"
APP, STRANGER = s3.Keys("app", secrets.token_urlsafe(24)), s3.Keys("stranger", secrets.token_urlsafe(24))


def _healthy(server: s3.Server) -> bool:
    try:
        with urlopen(server.endpoint + s3.HEALTH, timeout=2) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except OSError:
        return False


@pytest.fixture(scope="module")
def server() -> Iterator[s3.Server]:
    with server_folder("s3") as folder:
        root = s3.Keys("root", secrets.token_urlsafe(24))
        made = s3.Server(versitygw.find_or_build(), free_port(), "eu-central-1", folder / "s3", root)
        process = spawn(s3.command(made), folder / "log")
        try:
            until(lambda: _healthy(made), 30, (folder / "log").read_text)
            for _ in range(2):  # the second time brings nothing new and refuses nothing
                s3.prepare(made, "recordings", APP, ORIGIN)
            s3.prepare(made, "others", STRANGER, ORIGIN)
            yield made
        finally:
            process.kill()
            process.wait()


def _client(server: s3.Server, keys: s3.Keys) -> Any:  # boto3 has no types
    return boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        region_name=server.region,
        aws_access_key_id=keys.access,
        aws_secret_access_key=keys.secret,
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


@pytest.fixture
def app(server: s3.Server) -> Any:
    return _client(server, APP)


def test_the_application_does_its_work(app: Any) -> None:
    first = app.put_object(Bucket="recordings", Key="a/b", Body=b"one")["VersionId"]
    app.put_object(Bucket="recordings", Key="a/b", Body=b"two")
    assert app.get_object(Bucket="recordings", Key="a/b", VersionId=first)["Body"].read() == b"one"
    app.delete_object(Bucket="recordings", Key="a/b")
    listed = app.list_object_versions(Bucket="recordings", Prefix="a/")
    assert len(listed["Versions"]) == 2 and len(listed["DeleteMarkers"]) == 1
    for one in listed["Versions"] + listed["DeleteMarkers"]:
        app.delete_object(Bucket="recordings", Key="a/b", VersionId=one["VersionId"])
    assert "Versions" not in app.list_object_versions(Bucket="recordings", Prefix="a/")


def test_the_application_writes_in_parts_and_copies(app: Any) -> None:
    upload = app.create_multipart_upload(Bucket="recordings", Key="big")["UploadId"]
    big = {"Bucket": "recordings", "Key": "big", "UploadId": upload}
    app.put_object(Bucket="recordings", Key="small", Body=b"s" * 10)
    etag = app.upload_part(**big, PartNumber=1, Body=b"x" * (5 << 20))["ETag"]
    copied = app.upload_part_copy(**big, PartNumber=2, CopySource="recordings/small")["CopyPartResult"]["ETag"]
    assert len(app.list_parts(**big)["Parts"]) == 2
    parts = [{"PartNumber": 1, "ETag": etag}, {"PartNumber": 2, "ETag": copied}]
    app.complete_multipart_upload(**big, MultipartUpload={"Parts": parts})
    assert app.head_object(Bucket="recordings", Key="big")["ContentLength"] == (5 << 20) + 10
    app.abort_multipart_upload(
        Bucket="recordings",
        Key="gone",
        UploadId=app.create_multipart_upload(Bucket="recordings", Key="gone")["UploadId"],
    )
    assert "Uploads" not in app.list_multipart_uploads(Bucket="recordings")
    assert app.get_bucket_versioning(Bucket="recordings")["Status"] == "Enabled"


@pytest.mark.parametrize(
    ("call", "given"),
    [
        ("get_object", {"Bucket": "others", "Key": "x"}),
        ("put_object", {"Bucket": "others", "Key": "y", "Body": b""}),
        ("list_objects_v2", {"Bucket": "others"}),
        ("create_bucket", {"Bucket": "new-one"}),
        ("put_bucket_policy", {"Bucket": "recordings", "Policy": "{}"}),
        ("delete_bucket_policy", {"Bucket": "recordings"}),
        ("put_bucket_cors", {"Bucket": "recordings", "CORSConfiguration": {"CORSRules": []}}),
        ("put_bucket_versioning", {"Bucket": "recordings", "VersioningConfiguration": {"Status": "Suspended"}}),
        ("put_bucket_acl", {"Bucket": "recordings", "ACL": "public-read"}),
        ("delete_bucket", {"Bucket": "recordings"}),
    ],
)
def test_nothing_else_is_allowed(server: s3.Server, app: Any, call: str, given: dict[str, Any]) -> None:
    _client(server, STRANGER).put_object(Bucket="others", Key="x", Body=b"theirs")
    with pytest.raises(ClientError) as refused:
        getattr(app, call)(**given)
    assert refused.value.response["Error"]["Code"] == "AccessDenied"


def test_a_wrong_secret_is_refused(server: s3.Server) -> None:
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        _client(server, replace(APP, secret="wrong")).list_objects_v2(Bucket="recordings")


def test_the_cells_pages_may_send_and_read_and_see_the_etag(server: s3.Server) -> None:
    root = _client(server, server.root)
    (rule,) = root.get_bucket_cors(Bucket="recordings")["CORSRules"]
    assert rule["AllowedOrigins"] == [ORIGIN]
    assert set(rule["AllowedMethods"]) == {"PUT", "GET", "HEAD"}
    assert rule["ExposeHeaders"] == ["ETag"]
