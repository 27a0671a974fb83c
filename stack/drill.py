"""The restore drill: a backup is fetched into an empty folder, a PostgreSQL is started on it, and it is looked at.

The newest base backup and the log up to a moment are what is restored. Then every table is read to its end, no row may
be later than the moment, and of every ready recording the objects have to be in the bucket, as long as the rows say and
with the checksum that S3 keeps. Nothing of the cell is touched.

    python3 drill.py FOLDER

This one file is run by the charts' CronJob in the image of PostgreSQL, which has Barman's programs and boto3, and by
`cellcast stack drill`. It knows nothing else of ours, and is told everything by its environment:

ENDPOINT, BUCKET, SERVER  where the backups are, and what Barman calls the server; AWS_* are the keys to them
BACK or UNTIL             the moment: so many minutes ago, or in ISO 8601
OBJECTS                   JSON {endpoint, bucket, region, access_key, secret_key} of the recordings; nothing: no objects
MAY_LACK                  the share of objects that may be gone, deleted since the moment; 0.01 without it
RUN_AS                    the number of the account that PostgreSQL runs as, where we are root
ASK                       a statement more to ask what was restored; its answer is in the report
"""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NoReturn
from zlib import crc32

UTC = timezone.utc  # noqa: UP017 - the image's Python may be older than ours
AT_ONCE = 4  # files of the log, each fetched by a program of its own
HEADS_AT_ONCE = 16
READ_WHOLE = 20  # objects whose every byte is read and compared with the checksum that S3 keeps
SEGMENT = re.compile(r"(?P<name>[0-9A-F]{24}|[0-9A-F]{8}\.history)(\.(gz|bz2|xz|zst|lz4|snappy))?")
DATABASE = "cellcast"
# A server in recovery may not be smaller than the one that wrote the log.
SIZES = {
    "max_connections": "max_connections",
    "max_worker_processes": "max_worker_processes",
    "max_wal_senders": "max_wal_senders",
    "max_prepared_xacts": "max_prepared_transactions",
    "max_locks_per_xact": "max_locks_per_transaction",
}
# What a ready recording has in the bucket, with its length where a row knows it.
OBJECTS = """
select workspace_id || '/' || id || '/final/' || name, bytes from recordings, lateral (values
  (final, size, true), ('thumbnail.jpg', null, thumbnail),
  ('storyboard.jpg', null, storyboard), ('storyboard.vtt', null, storyboard)) as o (name, bytes, is_there)
where state = 'ready' and deleted_at is null and is_there
"""


class Drill:
    """One run, in a folder of its own."""

    def __init__(self, folder: Path, told: Mapping[str, str]) -> None:
        self.folder, self.data, self.wal, self.run = folder, folder / "data", folder / "wal", folder / "run"
        self.told, self.began, self.seconds = told, time.monotonic(), dict[str, float]()
        self.place = ("--endpoint-url", told["ENDPOINT"])
        self.where = (f"s3://{told['BUCKET']}/", told["SERVER"])
        self.user = int(told["RUN_AS"]) if told.get("RUN_AS") else None
        if until := told.get("UNTIL"):
            self.until = datetime.fromisoformat(until).astimezone(UTC)
        else:
            self.until = datetime.now(UTC) - timedelta(minutes=int(told["BACK"]))

    def report(self) -> dict[str, Any]:
        """Do all of it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for one in (self.wal, self.run):
            one.mkdir(exist_ok=True)
        backup = self.newest()
        call("barman-cloud-restore", *self.place, *self.where[:1], self.where[1], backup["backup_id"], self.data)
        self.step("base backup fetched")
        segments = self.fetch_log(str(backup["begin_wal"]))
        self.step("log fetched")
        self.configure()
        try:
            self.start()
            self.step("recovered")
            found = self.look()
            self.step("tables read")
            found["objects"] = self.objects()
            self.step("objects looked at")
        finally:
            self.programs("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop", check=False)
        return {
            "server": self.where[1],
            "until": self.until.isoformat(),
            "backup": backup["backup_id"],
            "segments": segments,
            **found,
            "seconds": self.seconds,
        }

    def step(self, name: str) -> None:
        """Note and say that a step is done."""
        self.seconds[name] = round(time.monotonic() - self.began, 1)
        say({"event": "drill", "step": name, "seconds": self.seconds[name]})

    # -- fetching -----------------------------------------------------------------------------------------------

    def newest(self) -> dict[str, Any]:
        """The newest base backup that had ended at the moment."""
        said = call("barman-cloud-backup-list", *self.place, "--format", "json", *self.where)
        done = [one for one in json.loads(said)["backups_list"] if one["status"] == "DONE" and ended(one) <= self.until]
        if not done:
            stop(f"no base backup ended before {self.until.isoformat()}")
        newest: dict[str, Any] = max(done, key=ended)
        return newest

    def fetch_log(self, first: str) -> int:
        """Get every file of the log from `first` on, ahead of the server that asks for them; how many."""
        names = sorted(name for name in self.logged() if name.endswith(".history") or name[8:] >= first[8:])

        def fetch(name: str) -> None:
            call("barman-cloud-wal-restore", *self.place, *self.where, name, self.wal / name)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(fetch, names))
        return len(names)

    def logged(self) -> Iterator[str]:
        """The names of all files of the log that are in the bucket."""
        client = s3({"endpoint": self.told["ENDPOINT"], "region": self.told.get("AWS_DEFAULT_REGION")})
        pages = client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self.told["BUCKET"], Prefix=f"{self.where[1]}/wals/"):
            for one in page.get("Contents", []):
                if found := SEGMENT.fullmatch(one["Key"].rpartition("/")[2]):
                    yield found["name"]

    # -- PostgreSQL ---------------------------------------------------------------------------------------------

    def configure(self) -> None:
        """Have the restored server know nothing but the restored files, and answer nobody but us."""
        said = self.programs("pg_controldata", self.data) or ""
        sizes = {ours: re.findall(rf"{name} setting: +(\d+)", said)[0] for name, ours in SIZES.items()}
        settings = {
            **sizes,
            "listen_addresses": "",
            "unix_socket_directories": str(self.run),
            "hba_file": str(self.folder / "hba.conf"),
            "ident_file": str(self.folder / "ident.conf"),
            "archive_mode": "off",
            "restore_command": f"cp {shlex.quote(str(self.wal))}/%f %p",
            "recovery_target_time": self.until.strftime("%Y-%m-%d %H:%M:%S.%f+00"),
            "recovery_target_action": "promote",
        }
        lines = "".join(f"{name} = '{value}'\n" for name, value in settings.items())
        (self.folder / "postgresql.conf").write_text(lines)
        (self.folder / "hba.conf").write_text("local all all trust\n")
        (self.folder / "ident.conf").write_text("")
        # What the cell's own server was told does not count here.
        (self.data / "standby.signal").unlink(missing_ok=True)
        (self.data / "postgresql.auto.conf").write_text("")
        (self.data / "recovery.signal").write_text("")
        self.data.chmod(0o700)
        if self.user is not None:
            for path in (self.folder, *self.folder.rglob("*")):
                os.chown(path, self.user, self.user)

    def start(self) -> None:
        """Start it, and wait until it has come to the moment."""
        options = f"-c config_file={self.folder}/postgresql.conf"
        log = self.folder / "log"
        began = ("-D", self.data, "-o", options, "-l", log, "-w", "-t", "86400", "start")
        if self.programs("pg_ctl", *began, check=False, quiet=True) is None:
            stop("PostgreSQL does not start on what was restored:\n" + "\n".join(log.read_text().splitlines()[-20:]))
        while self.ask("select pg_is_in_recovery()") == "t":
            time.sleep(0.2)

    def look(self) -> dict[str, Any]:
        """Read every table to its end, and look for what is later than the moment."""
        rows, late = 0, 0
        names = self.ask("select format('%I', tablename) from pg_tables where schemaname = 'public'").splitlines()
        dated = set(
            self.ask(
                "select format('%I', table_name) from information_schema.columns where table_schema = 'public' "
                "and column_name = 'created_at' and data_type = 'timestamp with time zone'"
            ).splitlines()
        )
        moment = self.until.isoformat()
        for name in names:
            rows += int(self.ask(f"select count(*) from {name}"))  # noqa: S608 - names as PostgreSQL quoted them
            if name in dated:
                late += int(self.ask(f"select count(*) from {name} where created_at > '{moment}'"))  # noqa: S608 - a name and a moment of ours
        if not rows:
            stop("the restored database is empty")
        if late:
            stop(f"{late} rows are later than {moment}: the log was replayed too far")
        return {
            "revision": self.ask("select version_num from alembic_version"),
            "last_commit": self.ask("select pg_last_xact_replay_timestamp()"),
            "tables": len(names),
            "rows": rows,
            "answer": self.ask(self.told["ASK"]) if self.told.get("ASK") else None,
        }

    def ask(self, statement: str) -> str:
        """What the restored database answers."""
        words = ("-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.run, "-U", "postgres", "-d", DATABASE)
        return (self.programs("psql", *words, "-c", statement) or "").strip()

    def programs(self, *words: str | Path, check: bool = True, quiet: bool = False) -> str | None:
        """Run one of PostgreSQL's programs as its account; None where it failed and may."""
        out = subprocess.DEVNULL if quiet else subprocess.PIPE  # a server keeps its starter's outputs open
        done = subprocess.run(
            list(map(str, words)), stdout=out, stderr=out, text=True, check=False, cwd="/",
            user=self.user, group=self.user, extra_groups=None if self.user is None else [],
        )  # fmt: skip
        if done.returncode and check:
            stop(f"{words[0]}: {done.stderr}")
        return None if done.returncode else done.stdout or ""

    # -- objects ------------------------------------------------------------------------------------------------

    def objects(self) -> dict[str, Any] | None:
        """Whether what ready recordings have is in the bucket, as long as it should be, and unharmed."""
        if not self.told.get("OBJECTS"):
            return None
        bucket = json.loads(self.told["OBJECTS"])
        client = s3(bucket)
        wanted = [line.rpartition("|") for line in self.ask(OBJECTS).splitlines()]

        def wrong(number: int) -> str:
            key, _, size = wanted[number]
            return fault(client, bucket["bucket"], key, int(size) if size else None, whole=number < READ_WHOLE)

        with ThreadPoolExecutor(HEADS_AT_ONCE) as pool:
            faults = [one for one in pool.map(wrong, range(len(wanted))) if one]
        may_lack = float(self.told.get("MAY_LACK") or 0.01) * len(wanted)
        harmed = [one for one in faults if not one.endswith(" is not there")]
        if harmed or len(faults) > may_lack:
            stop(f"{len(faults)} of {len(wanted)} objects are not as they should be:\n" + "\n".join(faults[:20]))
        read = min(READ_WHOLE, len(wanted))
        return {"wanted": len(wanted), "lacking": len(faults), "read_whole": read}


def fault(client: Any, bucket: str, key: str, size: int | None, *, whole: bool) -> str:
    """What is wrong with an object; empty where nothing is."""
    from botocore.exceptions import ClientError

    try:
        found = client.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
        body = client.get_object(Bucket=bucket, Key=key)["Body"] if whole else None
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return f"{key} is not there" if status == 404 else f"{key}: S3 answers {status}"
    if size is not None and found["ContentLength"] != size:
        return f"{key} has {found['ContentLength']} bytes, and not {size}"
    if body is None:
        return ""
    kept = found.get("ChecksumCRC32", "")
    length, made = 0, 0
    for piece in body.iter_chunks(1 << 20):
        length, made = length + len(piece), crc32(piece, made)
    if length != found["ContentLength"]:
        return f"{key} ends after {length} bytes"
    # A file that went in parts has a checksum of checksums, which ends with how many they are.
    return f"{key} has another checksum" if kept and "-" not in kept and kept != as_s3_writes(made) else ""


def as_s3_writes(checksum: int) -> str:
    """A CRC-32 as S3 writes it."""
    from base64 import b64encode

    return b64encode(checksum.to_bytes(4, "big")).decode()


def s3(bucket: Mapping[str, Any]) -> Any:
    """A client; keys that are not named are those of the environment."""
    import boto3
    from botocore.config import Config

    return boto3.session.Session().client(
        "s3",
        endpoint_url=bucket["endpoint"],
        region_name=bucket.get("region"),
        aws_access_key_id=bucket.get("access_key"),
        aws_secret_access_key=bucket.get("secret_key"),
        config=Config(s3={"addressing_style": "path"}, max_pool_connections=HEADS_AT_ONCE),
    )


def ended(backup: Mapping[str, Any]) -> datetime:
    """When a base backup was complete."""
    said = datetime.fromisoformat(backup["end_time_iso"])
    return said if said.tzinfo else said.replace(tzinfo=UTC)


def call(*words: str | Path) -> str:
    """Run one of Barman's programs."""
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False)
    if done.returncode:
        stop(f"{words[0]} ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def say(line: Mapping[str, Any]) -> None:
    """One line of JSON."""
    print(json.dumps(line), flush=True)


def stop(why: str) -> NoReturn:
    """The drill failed."""
    say({"event": "drill", "step": "failed", "why": why})
    sys.exit(f"The drill failed: {why}")


def words(report: Mapping[str, Any]) -> str:
    """The report for people."""
    objects = report["objects"]
    there = ""
    if objects:
        there = (
            f" Of its ready recordings {objects['wanted']} objects were looked for, {objects['lacking']} lack; "
            f"{objects['read_whole']} were read to their end."
        )
    return (
        f"{report['server']} was restored to {report['until']} from the backup {report['backup']} and "
        f"{report['segments']} files of its log: {report['rows']} rows in {report['tables']} tables, the last commit "
        f"of {report['last_commit']}.{there} It took {max(report['seconds'].values()):.0f} seconds."
    )


def main(arguments: Sequence[str]) -> None:
    """Run the drill in a folder."""
    report = Drill(Path(arguments[0]), os.environ).report()
    say({"event": "drill", "step": "done", **report})
    print(words(report), file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
