"""The restore drill on this machine: a cell's PostgreSQL is backed up into its S3, and stack/drill.py does the rest.

Barman's programs make the base backup and take the log, as they do in the charts. Around the moment to which the drill
goes two rows are written into a schema of its own: the one before has to be there afterwards, the one after may not be.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack import drill as program
from stack import postgres, s3, versitygw
from stack.cell import bucket_server
from stack.description import Description
from stack.errors import StackError
from stack.folder import Folder
from stack.site import Programs, Site
from stack.state import State

WITHIN_S = 300.0  # each program: a stack's database is some tens of megabytes
BEFORE, AFTER = "before", "after"
Say = Callable[[str], None]
Report = dict[str, Any]  # JSON, as stack/drill.py writes it


class DrillFailed(StackError):
    """The drill did not come out as it should. The text says how."""


def drill(folder: Folder, cell: str, say: Say) -> Report:
    """Run the drill for a cell of a running stack; what it found. Raises StackError."""
    if not folder.description.exists():
        raise StackError(f"no stack is up in {folder.path}: take one up with `cellcast stack up`")
    described, state = Description.load(folder.description), State.load(folder.state)
    if state is None or cell not in described.cells:
        raise StackError(f"there is no cell {cell}: there are {', '.join(described.cells)}")
    backup = _Backup.of(folder, state, cell)
    with tempfile.TemporaryDirectory(prefix="cellcast-drill-") as place:
        Path(place).chmod(0o711)  # root's PostgreSQL runs as another account, and passes through
        with backup.archiving(), backup.marked() as mark:
            say("making the base backup")
            backup.make()
            until = mark()
            say("sending the log")
            backup.send_log()
        say("restoring it elsewhere")
        bucket = described.cells[cell].s3
        objects = {
            "endpoint": bucket.endpoint,
            "bucket": bucket.bucket,
            "region": backup.server.region,
            "access_key": bucket.access_key,
            "secret_key": bucket.secret_key,
        }
        report = backup.restore(Path(place) / "drill", until, json.dumps(objects))
    if report["answer"] != BEFORE:
        raise DrillFailed(f"of the rows around the moment {report['answer']!r} is there, and not {BEFORE!r} alone")
    return report


@dataclass(frozen=True)
class _Backup:
    """A cell's PostgreSQL, and where its backups go."""

    name: str
    postgres: postgres.Server
    data: Path
    server: s3.Server
    keys: s3.Keys

    @classmethod
    def of(cls, folder: Folder, state: State, cell: str) -> "_Backup":
        programs = postgres.programs()
        server = postgres.Server(programs, state.port(f"{cell}-postgres"), state.secret(f"{cell}-postgres"))
        # What runs is not asked: only where its S3 server is and with which keys.
        site = Site(folder, state, Programs(programs, Path(), versitygw.find_or_build()))
        buckets = bucket_server(site, cell)
        # Not one of the state's, which the running stack writes.
        keys = s3.Keys(f"backup-{cell}", hashlib.sha256(f"{buckets.root.secret}-backup".encode()).hexdigest())
        return cls(cell, server, folder.of_account(cell, "postgres", state.id), buckets, keys)

    @property
    def bucket(self) -> str:
        return f"cellcast-{self.name}-backups"

    @property
    def archive(self) -> Path:
        return postgres.archive_of(self.data)

    @contextmanager
    def archiving(self) -> Iterator[None]:
        """PostgreSQL keeps each finished file of its log meanwhile."""
        s3.prepare_backups(self.server, self.bucket, self.keys)
        who = postgres.account()
        shutil.rmtree(self.archive, ignore_errors=True)  # of a drill that was killed
        self.archive.mkdir(mode=0o700)
        if who:
            os.chown(self.archive, who.uid, who.gid)
        try:
            yield
        finally:
            shutil.rmtree(self.archive)

    @contextmanager
    def marked(self) -> Iterator[Callable[[], str]]:
        """A table of the drill's own; calling gives a moment with a commit before it and one after it."""
        self._sql("drop schema if exists drill cascade; create schema drill; create table drill.marks (mark text);")

        def mark() -> str:
            self._sql("insert into drill.marks values (:'mark');", mark=BEFORE)
            moment = self._sql("select clock_timestamp();")
            self._sql("insert into drill.marks values (:'mark');", mark=AFTER)
            return moment

        try:
            yield mark
        finally:
            self._sql("drop schema drill cascade;")

    def make(self) -> None:
        """Copy the data folder of the running server."""
        at = ("-h", "127.0.0.1", "-p", str(self.postgres.port), "-U", postgres.SUPERUSER, "-d", postgres.SUPERUSER)
        self._barman("backup", *at, "--immediate-checkpoint", f"s3://{self.bucket}/", self.name)

    def send_log(self) -> None:
        """End the present file of the log, and send all that were finished since."""
        last = self._sql("select pg_walfile_name(pg_switch_wal());")
        deadline = time.monotonic() + WITHIN_S
        while not (self.archive / last).exists():
            if time.monotonic() > deadline:
                raise DrillFailed(f"PostgreSQL did not archive {last}")
            time.sleep(0.05)
        files = sorted(path for path in self.archive.iterdir() if path.suffix != ".part")
        for path in files:
            self._barman("wal-archive", f"s3://{self.bucket}/", self.name, str(path))

    def restore(self, into: Path, until: str, objects: str) -> Report:
        """Run the drill's program, as the charts do."""
        who = postgres.account()
        told = {
            "ENDPOINT": self.server.endpoint,
            "BUCKET": self.bucket,
            "SERVER": self.name,
            "UNTIL": until,
            "OBJECTS": objects,
            "MAY_LACK": "0",
            "ASK": "select string_agg(mark, ', ') from drill.marks",
            "RUN_AS": str(who.uid) if who else "",
        }
        done = subprocess.run(
            [sys.executable, "-P", program.__file__, into],  # -P: not beside our operator.py
            env=self._environment() | told, capture_output=True, text=True, check=False, timeout=WITHIN_S,
        )  # fmt: skip
        if done.returncode:
            raise DrillFailed(done.stderr.strip())
        return dict(json.loads(done.stdout.splitlines()[-1]))

    def _barman(self, what: str, *words: str) -> None:
        command = [f"barman-cloud-{what}", "--endpoint-url", self.server.endpoint, *words]
        done = subprocess.run(
            command, env=self._environment(), capture_output=True, text=True, check=False, timeout=WITHIN_S
        )
        if done.returncode:
            raise DrillFailed(f"{command[0]} ended with {done.returncode}: {done.stderr.strip()[-2000:]}")

    def _environment(self) -> dict[str, str]:
        path = [sysconfig.get_path("scripts"), str(self.postgres.programs), os.defpath]
        return {
            "PATH": os.pathsep.join(path),
            "PGPASSWORD": self.postgres.password,
            "AWS_ACCESS_KEY_ID": self.keys.access,
            "AWS_SECRET_ACCESS_KEY": self.keys.secret,
            "AWS_DEFAULT_REGION": self.server.region,
        }

    def _sql(self, statements: str, **values: str) -> str:
        return postgres.run_sql(self.postgres, statements, postgres.DATABASE, **values)
