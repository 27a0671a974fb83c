"""A cell's S3 server on one machine: versitygw over a folder, a bucket, and an account that may use only that."""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from stack.errors import StackError
from stack.processes import Command, own_environment

WITHIN_S = 15.0  # each question to a server on this machine; this ends one that hangs
HEALTH = "/health"
REGIONS = {"eu": "eu-central-1", "us": "us-east-1"}  # the region that signatures name, by jurisdiction

# What the application does with objects, and with its bucket. Nothing else: not the policy, not other buckets.
_OBJECT_ACTIONS = (
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
)
_BUCKET_ACTIONS = (
    "s3:ListBucket",
    "s3:ListBucketVersions",
    "s3:ListBucketMultipartUploads",
    "s3:GetBucketLocation",
    "s3:GetBucketVersioning",
)

# What Barman does with a bucket of backups: docs/aws/backup.json, and a test compares.
BACKUP_OBJECTS = ("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject")
BACKUP_BUCKET = ("s3:ListBucket",)

RULES = (_OBJECT_ACTIONS, _BUCKET_ACTIONS)  # when they change, a bucket is prepared again


class S3Refused(StackError):
    """The S3 server did not do what it was asked. The text says why, in its own words."""


@dataclass(frozen=True)
class Keys:
    """An account's pair of keys."""

    access: str
    secret: str


@dataclass(frozen=True)
class Server:
    """One S3 server: its program, where it listens and keeps its files, and its root keys, which no process of ours
    ever gets."""

    program: Path
    port: int
    region: str
    folder: Path
    root: Keys

    @property
    def endpoint(self) -> str:
        """The address for clients; buckets stand in the path."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def data(self) -> Path:
        """The folder whose subfolders are the buckets."""
        return self.folder / "objects"


def command(server: Server) -> Command:
    """Make the folders and say what runs the server."""
    versions, accounts = server.folder / "versions", server.folder / "accounts"
    for folder in (server.folder, server.data, versions, accounts):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Command(
        arguments=[
            *(server.program, "-p", f"127.0.0.1:{server.port}", "-r", server.region, "--keep-alive", "-q"),
            *("--health", HEALTH, "--iam-dir", accounts),
            *("posix", "--versioning-dir", versions, server.data),
        ],
        environment=own_environment()
        | {"ROOT_ACCESS_KEY_ID": server.root.access, "ROOT_SECRET_ACCESS_KEY": server.root.secret},
    )


def prepare(server: Server, bucket: str, application: Keys, origin: str) -> None:
    """Make a cell's bucket and account and give them their rules; what is there is brought to the same state.

    `origin` is the cell's address, whose pages may PUT and GET. Raises S3Refused.
    """
    with _asked(server) as s3:
        _make_bucket(s3, bucket)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        s3.put_bucket_cors(Bucket=bucket, CORSConfiguration=_cors(origin))
        _make_account(server, application)
        _allow(
            s3, bucket, [("objects", application, _OBJECT_ACTIONS, "/*"), ("bucket", application, _BUCKET_ACTIONS, "")]
        )


def prepare_published(server: Server, bucket: str, writer: Keys, reader: Keys) -> None:
    """Make a region's bucket for what the registry publishes: one account writes it, the other reads it.

    Raises S3Refused.
    """
    with _asked(server) as s3:
        _make_bucket(s3, bucket)
        for account in (writer, reader):
            _make_account(server, account)
        _allow(s3, bucket, [("write", writer, ("s3:PutObject",), "/*"), ("read", reader, ("s3:GetObject",), "/*")])


def prepare_backups(server: Server, bucket: str, account: Keys) -> None:
    """Make a bucket for backups, not versioned, and the account that may use it. Raises S3Refused."""
    with _asked(server) as s3:
        _make_bucket(s3, bucket)
        _make_account(server, account)
        _allow(s3, bucket, [("objects", account, BACKUP_OBJECTS, "/*"), ("bucket", account, BACKUP_BUCKET, "")])


@contextmanager
def _asked(server: Server) -> Iterator[Any]:  # boto3 makes its clients' methods at run time
    """A client with the root keys; what the server refuses within the block is raised as S3Refused."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield boto3.client(
            "s3",
            endpoint_url=server.endpoint,
            region_name=server.region,
            aws_access_key_id=server.root.access,
            aws_secret_access_key=server.root.secret,
            config=Config(
                s3={"addressing_style": "path"},
                connect_timeout=WITHIN_S,
                read_timeout=WITHIN_S,
                retries={"total_max_attempts": 2},
            ),
        )
    except (BotoCoreError, ClientError) as error:
        raise S3Refused(f"S3 server at {server.endpoint}: {error}") from error


def _make_bucket(s3: Any, bucket: str) -> None:  # boto3's client
    if bucket not in {one["Name"] for one in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=bucket)


def _make_account(server: Server, keys: Keys) -> None:
    ask = partial(_admin, server)
    if keys.access not in ask("list-users").split():
        ask("create-user", "--access", keys.access, "--role", "user", secret=keys.secret)


def _admin(server: Server, *words: str, secret: str = "") -> str:
    """Run one command of versitygw's administration. Raises S3Refused."""
    given = ["--secret", secret] if secret else []
    done = subprocess.run(
        [server.program, "admin", *words, *given],
        capture_output=True,
        text=True,
        check=False,
        timeout=WITHIN_S,
        env={
            "PATH": os.defpath,
            "ADMIN_ACCESS_KEY_ID": server.root.access,
            "ADMIN_SECRET_ACCESS_KEY": server.root.secret,
            "ADMIN_REGION": server.region,
            "ADMIN_ENDPOINT_URL": server.endpoint,
        },
    )
    if done.returncode:
        raise S3Refused(f"versitygw admin {words[0]}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def _cors(origin: str) -> dict[str, Any]:  # the shape is boto3's
    rule = {
        "AllowedOrigins": [origin],
        "AllowedMethods": ["PUT", "GET", "HEAD"],
        "AllowedHeaders": ["*"],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 3600,
    }
    return {"CORSRules": [rule]}


def _allow(s3: Any, bucket: str, rules: Sequence[tuple[str, Keys, Sequence[str], str]]) -> None:  # boto3's client
    """Set the bucket's whole policy: each rule a name, whom it allows, which actions, and on what below the bucket."""
    statements = [
        {
            "Sid": name,
            "Effect": "Allow",
            "Principal": {"AWS": [account.access]},
            "Action": list(actions),
            "Resource": f"arn:aws:s3:::{bucket}{below}",
        }
        for name, account, actions, below in rules
    ]
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))
