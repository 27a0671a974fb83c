"""A region's provisioning for the tests of signing in."""

from collections.abc import AsyncIterator

import pytest

from tests.control_plane.saml import region as regions
from tests.control_plane.saml.region import EmulatedCell, Region


@pytest.fixture(scope="module")
async def opened_region(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Region]:
    async with regions.opened(redis_url, tmp_path_factory.mktemp("feed")) as made:
        yield made


@pytest.fixture
def region(opened_region: Region) -> Region:
    """With a cell that has not heard of anything."""
    cell, fresh = opened_region.cell, EmulatedCell()
    cell.__dict__.update(fresh.__dict__)
    return opened_region
