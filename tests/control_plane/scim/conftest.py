from collections.abc import AsyncIterator

import pytest

from tests.control_plane.scim.world import Client, World, world


@pytest.fixture(scope="package")
async def scim() -> AsyncIterator[World]:
    """One SCIM for all tests; each has a workspace of its own."""
    async with world() as made:
        yield made


@pytest.fixture
def client(scim: World) -> Client:
    """A client of a fresh workspace."""
    return scim.client()
