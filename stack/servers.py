"""The servers that parts of a stack keep for themselves: PostgreSQL with its database and migrations, and Redis."""

import asyncio
import signal
from pathlib import Path

from stack import postgres, redis
from stack.processes import Command
from stack.site import NURSERY, SERVERS, Part, Site
from stack.supervisor import Step
from stack.unit import Service


class Database:
    """PostgreSQL of one part, process `{name}-postgres`, with a database that `{name}-migrations` brings up to date."""

    def __init__(self, site: Site, name: str) -> None:
        self._site, self._name = site, name
        port, password = site.state.port(f"{name}-postgres"), site.state.secret(f"{name}-postgres")
        self._server = postgres.Server(site.programs.postgres, port, password)
        self._data = site.folder.of_account(name, "postgres", site.state.id)
        self.migrations = f"{name}-migrations"  # what processes wait for that use the database

    @property
    def dsn(self) -> str:
        """The address for processes: the role that row-level security binds."""
        return self._dsn(postgres.APP)

    @property
    def owner_dsn(self) -> str:
        """The address for migrations."""
        return self._dsn(postgres.OWNER)

    def _password(self, role: str) -> str:
        return self._site.state.secret(f"{self._name}-{role}")

    def _dsn(self, role: str) -> str:
        return postgres.address(self._server.port, postgres.DATABASE, role, self._password(role))

    def part(self, migrate: Command) -> Part:
        """The server, and what is done once before others use it."""
        name, programs = self._name, self._site.programs.postgres
        return Part(
            services=[
                Service(
                    f"{name}-postgres",
                    postgres.command(programs, self._data, self._server.port),
                    self._answers,
                    after=(f"{name}-data",),
                    stage=SERVERS,
                    stop_signal=signal.SIGINT,  # "fast": it ends its clients, and itself cleanly
                )
            ],
            steps=[
                Step(f"{name}-data", self._make_data),
                Step(f"{name}-roles", self._make_roles, after=(f"{name}-postgres",)),
                Step(self.migrations, lambda: self._migrate(migrate), after=(NURSERY, f"{name}-roles")),
            ],
        )

    async def _answers(self, _: Path, __: int) -> bool:
        return await asyncio.to_thread(postgres.answers, self._server)

    async def _make_data(self) -> None:
        programs = self._site.programs.postgres
        await asyncio.to_thread(postgres.make_data, programs, self._data, self._server.password)

    async def _make_roles(self) -> None:
        def make() -> None:
            postgres.make_roles(self._server, self._password(postgres.OWNER), self._password(postgres.APP))
            postgres.make_database(self._server, postgres.DATABASE)

        await asyncio.to_thread(make)

    async def _migrate(self, command: Command) -> None:
        await self._site.run(self.migrations, command)


class Cache:
    """Redis of one part, process `{name}-redis`."""

    def __init__(self, site: Site, name: str) -> None:
        self._site, self._name = site, name
        self._port, self._password = site.state.port(f"{name}-redis"), site.state.secret(f"{name}-redis")
        self.process = f"{name}-redis"

    @property
    def url(self) -> str:
        """The address for processes."""
        return redis.address(self._port, self._password)

    def part(self) -> Part:
        """The server."""
        data = self._site.folder.of_part(self._name) / "redis"
        command = redis.command(self._site.programs.redis, data, self._port, self._password)
        return Part(services=[Service(self.process, command, self._answers, stage=SERVERS)])

    async def _answers(self, _: Path, __: int) -> bool:
        return await redis.answers(self._port, self._password)
