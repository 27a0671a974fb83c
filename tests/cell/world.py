"""A cell for tests: real servers under it, a fresh workspace for each test, and browsers that ask its web process."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from quart import Quart
from sqlalchemy import select, update

from cell.actors import SYSTEM
from cell.app import make_app
from cell.audit.kinds import PUBLISH_HEAD
from cell.links import service as links
from cell.migrate import migrate
from cell.people import passwords
from cell.people import service as people
from cell.people.models import Password, Person
from cell.resources import Cell, opened
from cell.sessions import cookies
from cell.sessions.store import How, Sessions
from cell.settings import CellSettings
from cell.tokens import service as tokens
from cell.workspaces import service as workspaces
from contracts.keys import new_key
from contracts.tokens import Bearer
from kit.database import now
from kit.jobs.kinds import Tasks
from kit.jobs.models import Job
from kit.jobs.runner import Runner
from tests.cell.browser import Browser
from tests.servers.postgres import Postgres
from tests.servers.s3 import REGION, S3Server

PASSWORD = "correct horse battery staple"
HOST = "eu-1.localhost:8001"
GO = "http://go.localhost:8000"


@dataclass(frozen=True)
class Workspace:
    """A workspace of the test's own: an owner, an admin and an agent with PASSWORD, an API token with every scope."""

    id: UUID
    key: str
    admin: Person
    agent: Person
    owner: Person
    token: Bearer

    @property
    def base(self) -> str:
        """Where its pages begin."""
        return f"/w/{self.key}"


@dataclass(frozen=True)
class World:
    """The opened cell, its application, and what founds workspaces and browsers in it."""

    cell: Cell
    app: Quart
    password_hash: str

    async def found(self) -> Workspace:
        """A new workspace that nobody else knows."""
        new = workspaces.NewWorkspace(uuid4(), new_key(), "Acme Support")
        assert await workspaces.claim(self.cell.database, new)
        async with self.cell.database.writing(new.id) as tx:
            workspaces.found(tx, new)
            roles = (("Ada Admin", "admin"), ("Ben Agent", "agent"), ("Olga Owner", "owner"))
            made = [_person(name, role) for name, role in roles]
            tx.add(*made)
            tx.add(*(Password(id=one.id, hash=self.password_hash, changed_at=now()) for one in made))
            await tx.flush()
            token = await tokens.create(
                tx, SYSTEM, new.key, tokens.NewToken(name="Machine", scopes=list(tokens.SCOPES))
            )
        return Workspace(new.id, new.key, made[0], made[1], made[2], token.word)

    def browser(self, **headers: str) -> Browser:
        """Somebody who is not signed in, at an address of their own."""
        return Browser(self.app, HOST, headers)

    async def member(self, workspace: Workspace, role: str, name: str = "Cleo Colleague") -> Person:
        """One more member, with PASSWORD."""
        made = _person(name, role)
        async with self.cell.database.writing(workspace.id) as tx:
            tx.add(made)
            tx.add(Password(id=made.id, hash=self.password_hash, changed_at=now()))
        return made

    async def signed_in(self, workspace: Workspace, person: Person, how: How = "password") -> Browser:
        """A browser with a session of this person."""
        sessions = Sessions(self.cell.redis, workspace.key, workspace.id)
        word = await sessions.begin(person.id, "Firefox", "192.0.2.7", how)
        browser = self.browser()
        browser.cookies[cookies.name(workspace.key)] = word.text
        return browser

    def machine(self, word: Bearer | str) -> Browser:
        """A program that calls with a bearer word."""
        text = word if isinstance(word, str) else word.text
        return self.browser(Authorization=f"Bearer {text}", Accept="application/json")

    async def link(self, workspace: Workspace, **wanted: object) -> links.MadeLink:
        """A link that the agent made; `wanted` as in NewLink."""
        new = links.NewLink.model_validate({"title": "Broken cart", **wanted})
        async with self.cell.database.writing(workspace.id) as tx:
            return await links.create(tx, people.actor_of(workspace.agent), GO, new)

    async def jobs(self, workspace: Workspace, *, log: bool = False) -> list[Job]:
        """The workspace's jobs, dead ones too; with `log` also that of the audit log, which any act causes."""
        async with self.cell.database.outside() as session:
            found = await session.scalars(select(Job).where(Job.workspace_id == workspace.id).order_by(Job.due))
            return [job for job in found if log or job.kind != PUBLISH_HEAD.name]

    async def run_jobs(self, workspace: Workspace, tasks: Tasks[Cell], *, early: bool = False) -> int:
        """Do the due jobs that `tasks` knows until none is left; `early` as if the time of all had come. How many."""
        runner = Runner(self.cell.database, tasks, self.cell)
        for done in range(100):
            if early:
                await self._hurry(workspace)
            waiting = [job for job in await self.jobs(workspace, log=True) if tasks.get(job.kind)]
            due = [job for job in waiting if job.dead_at is None and job.due <= now()]
            if not due:
                return done
            await runner.run(due[0].id)
        raise AssertionError("jobs never end")

    async def _hurry(self, workspace: Workspace) -> None:
        earlier = update(Job).where(Job.workspace_id == workspace.id).values(due=now() - timedelta(seconds=1))
        async with self.cell.database.outside() as session:
            await session.execute(earlier)


def _person(name: str, role: str) -> Person:
    email = f"{name.split(maxsplit=1)[0]}.{secrets.token_hex(4)}@example.com"
    return Person(
        id=uuid4(),
        email=email,
        email_norm=people.normalised(email),
        name=name,
        role=role,
        active=True,
        created_at=now(),
    )


@pytest.fixture(scope="session")
def cell_database(postgres: Postgres) -> str:
    """The name of a migrated database."""
    name = postgres.create_database("cell")
    migrate(postgres.owner_dsn(name))
    return name


@pytest.fixture(scope="session")
def cell_settings(
    postgres: Postgres,
    cell_database: str,
    redis_url: str,
    s3_server: S3Server,
    tmp_path_factory: pytest.TempPathFactory,
) -> CellSettings:
    """Settings of a cell on this process's private servers."""
    bucket = s3_server.new_bucket()
    return CellSettings.model_validate(
        {
            "name": "eu-1",
            "region": "eu",
            "url": f"http://{HOST}",
            "go_url": GO,
            "database_url": postgres.app_dsn(cell_database),
            "redis_url": redis_url,
            "s3_endpoint": bucket.endpoint,
            "s3_bucket": bucket.bucket,
            "s3_region": REGION,
            "s3_access_key": bucket.access_key,
            "s3_secret_key": bucket.secret_key,
            "master_key": secrets.token_hex(32),
            "scratch_dir": Path(tmp_path_factory.mktemp("scratch")),
        }
    )


@pytest.fixture(scope="session")
async def cell(cell_settings: CellSettings) -> AsyncIterator[Cell]:
    """An opened cell."""
    async with opened(cell_settings, "test") as made:
        yield made


@pytest.fixture(scope="session")
async def world(cell: Cell) -> World:
    """The cell with its web application."""
    return World(cell, make_app(cell), await passwords.hashed(PASSWORD))


@pytest.fixture
async def workspace(world: World) -> Workspace:
    """A workspace of this test's own."""
    return await world.found()


@pytest.fixture
async def admin(world: World, workspace: Workspace) -> Browser:
    """The workspace's admin, signed in."""
    return await world.signed_in(workspace, workspace.admin)


@pytest.fixture
async def owner(world: World, workspace: Workspace) -> Browser:
    """The workspace's owner, signed in."""
    return await world.signed_in(workspace, workspace.owner)


@pytest.fixture
async def agent(world: World, workspace: Workspace) -> Browser:
    """The workspace's agent, signed in."""
    return await world.signed_in(workspace, workspace.agent)


@pytest.fixture
def visitor(world: World) -> Browser:
    """A customer."""
    return world.browser()


@pytest.fixture
def machine(world: World, workspace: Workspace) -> Browser:
    """A program with the workspace's API token."""
    return world.machine(workspace.token)
