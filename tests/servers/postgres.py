"""Fixture `postgres`: a private PostgreSQL for the tests of one process, with both roles and quick clones."""

import secrets
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from kit.ports import free_port
from stack import postgres as server_program
from stack.postgres import APP, OWNER, Server, address, make_database, make_roles, run_sql
from stack.processes import spawn
from tests.servers.folders import server_folder
from tests.waiting import until


@dataclass(frozen=True)
class Postgres:
    """A running server. Databases belong to `cellcast_owner`; `cellcast_app` may connect and owns nothing."""

    server: Server
    owner_password: str
    app_password: str

    def owner_dsn(self, database: str) -> str:
        """The address for migrations."""
        return address(self.server.port, database, OWNER, self.owner_password)

    def app_dsn(self, database: str) -> str:
        """The address for the application, bound by row-level security."""
        return address(self.server.port, database, APP, self.app_password)

    def superuser_dsn(self, database: str) -> str:
        """The address for tests that must see every row."""
        return self.server.dsn(database)

    def create_database(self, name: str, template: str | None = None) -> str:
        """Make a database, empty or as a copy of one that nobody is connected to (about 50 ms); its name."""
        make_database(self.server, name, template or "template1")
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database and end whoever is connected to it."""
        run_sql(self.server, 'drop database if exists :"name" with (force);', name=name)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with server_folder("postgres") as folder:
        yield from _running(folder)


def _running(folder: Path) -> Iterator[Postgres]:
    programs = server_program.programs()
    server = Server(programs, free_port(), secrets.token_urlsafe(16))
    server_program.make_data(programs, folder / "data", server.password)
    process = spawn(server_program.command(programs, folder / "data", server.port), folder / "log")
    try:
        until(lambda: server_program.answers(server), 30, (folder / "log").read_text)
        made = Postgres(server, secrets.token_urlsafe(16), secrets.token_urlsafe(16))
        make_roles(server, made.owner_password, made.app_password)
        yield made
    finally:
        process.send_signal(signal.SIGQUIT)  # at once, with all of its processes: no test's data is worth a clean end
        process.wait()
