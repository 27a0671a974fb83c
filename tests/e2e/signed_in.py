"""Fixture `signed_in`: pages of people who signed in before, one sign-in a person for all tests of a process."""

from collections.abc import Awaitable, Callable
from typing import Protocol, Unpack

import pytest
from playwright.async_api import StorageState

from tests.deployment import Deployment
from tests.e2e.browsers import Browsers, Options, Visits
from tests.e2e.office import Agent, Role

_Keep = Callable[[str, Role], Awaitable[StorageState]]


class SignedIn(Protocol):
    """Opens a page for somebody of a region who is signed in."""

    async def __call__(self, region: str, role: Role = "agent", **options: Unpack[Options]) -> Agent: ...


@pytest.fixture(scope="module")
def sign_ins(browsers: Browsers, deployment: Deployment) -> _Keep:
    kept: dict[tuple[str, Role], StorageState] = {}

    async def keep(region: str, role: Role) -> StorageState:
        if (region, role) not in kept:
            visits = Visits(browsers, deployment.description)
            page = await visits.page(region)
            await Agent(page, deployment.description, region).signs_in(role)
            kept[region, role] = await page.context.storage_state()
            await visits.close()
        return kept[region, role]

    return keep


@pytest.fixture
def signed_in(visits: Visits, sign_ins: _Keep, deployment: Deployment) -> SignedIn:
    async def opened(region: str, role: Role = "agent", **options: Unpack[Options]) -> Agent:
        options["storage_state"] = await sign_ins(region, role)
        return Agent(await visits.page(region, **options), deployment.description, region)

    return opened
