"""Fixtures `s3_server`, `s3_bucket` and `bucket`: a private versitygw for one process's tests, with new buckets."""

import http.client
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from kit.ports import free_port
from kit.storage import Bucket, S3Config
from stack import s3 as server_program
from stack import versitygw
from stack.processes import Child, spawn
from stack.s3 import HEALTH, Keys, Server
from tests.servers.folders import server_folder
from tests.waiting import until

REGION = "eu-test-1"


@dataclass
class S3Server:
    """A running versitygw over a folder. `stop` and `start` are for tests of an outage; the data stays."""

    server: Server
    log: Path
    process: Child | None = None

    @property
    def endpoint(self) -> str:
        return self.server.endpoint

    @property
    def client(self) -> Any:  # boto3 makes its clients' classes at run time
        """A client of its own, so that tests see what is in the bucket without asking the code they test."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=self.server.root.access,
            aws_secret_access_key=self.server.root.secret,
            config=Config(s3={"addressing_style": "path"}),
        )

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Start it, in a thread that lives as long as it shall."""
        self.process = spawn(server_program.command(self.server), self.log)

    def wait_until_ready(self) -> None:
        """Return when it answers; fail after 20 s."""
        until(self._answers, 20, self.log.read_text)

    def stop(self) -> None:
        """Kill it, as a crash would."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def new_bucket(self) -> S3Config:
        """Make an empty, versioned bucket, opened by the keys that may do everything."""
        name = f"test-{secrets.token_hex(6)}"
        self.client.create_bucket(Bucket=name)
        self.client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return S3Config(self.endpoint, name, REGION, self.server.root.access, self.server.root.secret)

    def restricted_bucket(self) -> S3Config:
        """Make a bucket as the stack does for a cell, opened by the application's restricted account."""
        name, keys = f"test-{secrets.token_hex(6)}", Keys(secrets.token_hex(8), secrets.token_hex(16))
        server_program.prepare(self.server, name, keys, "http://eu-1.localhost")
        return S3Config(self.endpoint, name, REGION, keys.access, keys.secret)

    def _answers(self) -> bool:
        asked = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=1)
        try:
            asked.request("GET", HEALTH)
            return asked.getresponse().status == 200
        except OSError:
            return False
        finally:
            asked.close()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    with server_folder("s3") as folder:
        root = Keys(secrets.token_hex(8), secrets.token_hex(16))
        program = versitygw.find_or_build()
        running = S3Server(Server(program, free_port(), REGION, folder / "s3", root), folder / "log")
        running.start()
        yield running
        running.stop()


@pytest.fixture
def s3_bucket(s3_server: S3Server) -> S3Config:
    return s3_server.new_bucket()


@pytest.fixture
async def bucket(s3_bucket: S3Config) -> AsyncIterator[Bucket]:
    async with Bucket(s3_bucket) as made:
        yield made
