"""Fixtures of the registry: a database of its own for each test, as the role that the process has."""

from collections.abc import AsyncIterator, Iterator
from itertools import count

import pytest

from control_plane.act import acting
from control_plane.app import make_app
from control_plane.audit.service import BOOTSTRAP
from control_plane.migrate import migrate
from control_plane.operators import service as operators
from control_plane.resources import opened
from control_plane.settings import ControlPlaneSettings
from kit.signing import SigningKey
from tests.control_plane.world import World
from tests.servers.postgres import Postgres

numbers = count(1)


@pytest.fixture(scope="session")
def registry_template(postgres: Postgres) -> str:
    """A migrated database that nobody is connected to."""
    name = postgres.create_database("registry")
    migrate(postgres.owner_dsn(name))
    return name


@pytest.fixture
def registry_database(postgres: Postgres, registry_template: str) -> Iterator[str]:
    """A fresh registry."""
    name = postgres.create_database(f"registry{next(numbers)}", template=registry_template)
    yield name
    postgres.drop_database(name)


@pytest.fixture
def settings(postgres: Postgres, registry_database: str) -> ControlPlaneSettings:
    return ControlPlaneSettings.model_validate(
        {
            "url": "http://control-plane.localhost",
            "go_url": "http://go.localhost",
            "database_url": postgres.app_dsn(registry_database),
            "signing_key": SigningKey.new().to_text(),
        }
    )


@pytest.fixture
async def world(settings: ControlPlaneSettings) -> AsyncIterator[World]:
    """A registry, and an operator's token for it."""
    async with opened(settings) as plane:
        async with acting(plane.database, BOOTSTRAP) as act:
            issued = await operators.bootstrap(act, "on-call", 30)
        yield World(plane, make_app(plane), issued.word.text)
