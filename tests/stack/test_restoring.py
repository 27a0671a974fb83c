"""The restore drill for real: a cell with a recording is backed up into its S3, restored to a moment, and compared."""

import json
import subprocess
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from zlib import crc32

import pytest

from kit.storage import Bucket, S3Config
from loadtest.protocol import begun
from stack import drill as program
from stack import s3
from tests.deployment import CELLCAST, Deployment
from tests.guards.modules import ROOT
from tests.media_files import recorded_webm

pytestmark = pytest.mark.stack


def drill(deployment: Deployment, cell: str = "eu-1") -> "subprocess.CompletedProcess[str]":
    command = [str(CELLCAST), "stack", "drill", cell, "--dir", str(deployment.folder.path), "--json"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


async def test_a_cell_is_restored_to_a_moment_with_every_recording(deployment: Deployment) -> None:
    link = next(one.link for one in deployment.description.workspaces if one.region == "eu")
    assert link
    async with begun(link) as (customer, recording):
        await customer.send(recording, [recorded_webm(1)])
        await customer.finish(recording)
        assert await customer.until_settled(recording, within_s=120) == "ready"
    done = drill(deployment)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["answer"] == "before", "the row before the moment is there, the one after it is not"
    until, last = datetime.fromisoformat(report["until"]), datetime.fromisoformat(report["last_commit"])
    assert until - timedelta(minutes=2) < last <= until
    assert report["tables"] > 30 and report["rows"] > 20 and report["segments"] >= 1
    objects = report["objects"]
    assert objects["wanted"] >= 2 and objects["lacking"] == 0 and objects["read_whole"] >= 2
    assert list(report["seconds"]) == [
        "base backup fetched", "log fetched", "recovered", "tables read", "objects looked at",
    ]  # fmt: skip


async def test_footage_that_is_gone_or_harmed_is_noticed(s3_bucket: S3Config) -> None:
    client, name = program.s3(vars_of(s3_bucket)), s3_bucket.bucket
    async with Bucket(s3_bucket) as bucket:
        for key in ("whole", "short", "harmed"):
            await bucket.put(key, b"a recording", "video/webm")
    look = partial(program.fault, client, name, whole=True)
    assert look("whole", 11) == look("whole", None) == ""
    assert look("none", 11) == "none is not there"
    assert look("short", 12) == "short has 11 bytes, and not 12"
    kept = client.head_object(Bucket=name, Key="harmed", ChecksumMode="ENABLED")["ChecksumCRC32"]
    assert kept == program.as_s3_writes(crc32(b"a recording")) != program.as_s3_writes(crc32(b"a rekording"))


def vars_of(config: S3Config) -> dict[str, str]:
    return {name: getattr(config, name) for name in ("endpoint", "region", "access_key", "secret_key")}


def test_what_cannot_be_drilled_is_said(deployment: Deployment, tmp_path: Path) -> None:
    assert "there is no cell eu-9: there are eu-1" in json.loads(drill(deployment, "eu-9").stdout)["error"]
    command = [str(CELLCAST), "stack", "drill", "eu-1", "--dir", str(tmp_path)]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (refused.returncode, "no stack is up" in refused.stderr) == (1, True)


def test_barman_has_the_rights_that_it_has_on_aws() -> None:
    statements = json.loads((ROOT / "docs" / "aws" / "backup.json").read_text())["Statement"]
    assert [tuple(one["Action"]) for one in statements[:2]] == [s3.BACKUP_OBJECTS, s3.BACKUP_BUCKET]
