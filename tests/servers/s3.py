"""Fixtures `s3_server`, `s3_bucket` and `bucket`: a private versitygw for one process's tests, with new buckets."""

import http.client
import secrets
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from kit.storage import Bucket, S3Config
from stack import versitygw
from stack.ports import free_port
from stack.processes import Command, spawn
from tests.servers.folders import server_folder
from tests.waiting import until

REGION = "eu-test-1"


@dataclass
class S3Server:
    """A running versitygw over a folder. `stop` and `start` are for tests of an outage; the data stays."""

    folder: Path
    port: int
    access_key: str
    secret_key: str
    process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def client(self) -> Any:  # boto3 makes its clients' classes at run time
        """A client of its own, so that tests see what is in the bucket without asking the code they test."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(s3={"addressing_style": "path"}),
        )

    def start(self) -> None:
        """Start it and wait until it answers."""
        for name in ("data", "versions", "accounts"):
            (self.folder / name).mkdir(exist_ok=True)
        arguments: list[str | Path] = [versitygw.find_or_build(), "-p", f"127.0.0.1:{self.port}"]
        arguments += ["-a", self.access_key, "-s", self.secret_key, "-r", REGION]
        arguments += ["--keep-alive", "-q", "--health", "/health", "--iam-dir", self.folder / "accounts"]
        arguments += ["posix", "--versioning-dir", self.folder / "versions", self.folder / "data"]
        self.process = spawn(Command(arguments), self.folder / "log")
        until(self._answers, 20, (self.folder / "log").read_text)

    def stop(self) -> None:
        """Kill it, as a crash would."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def new_bucket(self) -> S3Config:
        """Make an empty, versioned bucket."""
        name = f"test-{secrets.token_hex(6)}"
        self.client.create_bucket(Bucket=name)
        self.client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return S3Config(self.endpoint, name, REGION, self.access_key, self.secret_key)

    def _answers(self) -> bool:
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1)
        try:
            asked.request("GET", "/health")
            return asked.getresponse().status == 200
        except OSError:
            return False
        finally:
            asked.close()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    with server_folder("s3") as folder:
        server = S3Server(folder, free_port(), secrets.token_hex(8), secrets.token_hex(16))
        server.start()
        yield server
        server.stop()


@pytest.fixture
def s3_bucket(s3_server: S3Server) -> S3Config:
    return s3_server.new_bucket()


@pytest.fixture
async def bucket(s3_bucket: S3Config) -> AsyncIterator[Bucket]:
    async with Bucket(s3_bucket) as made:
        yield made
