"""With the global control plane gone the main job works, and processes start again, even with nothing on their disk."""

import asyncio
import json
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from kit.localhost import connector
from loadtest.member import Browser
from stack.description import Description
from tests.deployment import Deployment, own_stack
from tests.e2e import journey
from tests.e2e.browsers import Browsers, Visits
from tests.e2e.scim_client import new_token, scim
from tests.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.browser]

GLOBAL = ("control-plane", "control-plane-postgres")
PUBLISHED_WITHIN_S = 90


@pytest.fixture(scope="module")
def headless() -> Iterator[Deployment]:
    """A stack of its own whose global part is switched off, once what it had to say was published."""
    with own_stack() as made:
        asyncio.run(eventually(lambda: not _unpublished(made), PUBLISHED_WITHIN_S))
        made.stop(*GLOBAL)
        yield made


def _unpublished(made: Deployment) -> list[str]:
    """What the regions' buckets do not say yet: of each audience, every workspace that it is told of, as active.

    A workspace is published as soon as it is placed; who stops the publisher then leaves it unborn for good.
    """
    missing = []
    for workspace in made.description.workspaces:
        own = (f"identity/{workspace.region}", f"cell/{workspace.cell}")
        for name, cell in made.description.cells.items():
            for audience in ("routing", *(own if name == workspace.cell else ())):
                file = cell.s3.data_dir / f"cellcast-published-{cell.region}" / "feeds" / audience / "snapshot"
                if _state(file, workspace.key) != "active":
                    missing.append(f"{file} {workspace.key}")
    return missing


def _state(snapshot: Path, key: str) -> str | None:
    """What a published snapshot says of a workspace."""
    if not snapshot.exists():
        return None
    placement = json.loads(snapshot.read_bytes().partition(b"\n")[2])["records"]["workspace"].get(key)
    return None if placement is None else str(placement[3])


def _answering(described: Description) -> list[str]:
    """The processes that lead and serve people."""
    cells = [f"{cell}-{kind}" for cell in described.cells for kind in ("web", "worker", "scheduler")]
    return ["router", *cells, *(f"provisioning-{region}" for region in described.provisioning)]


@asynccontextmanager
async def _visits(browsers: Browsers, made: Deployment) -> AsyncIterator[Visits]:
    visits = Visits(browsers, made.description)
    yield visits
    await visits.close()
    assert not visits.faults, "\n".join(visits.faults)


async def _main_job(browsers: Browsers, made: Deployment, folder: Path, *regions: str) -> None:
    """In some regions at once."""

    async def one(region: str) -> None:
        (folder / region).mkdir()
        async with _visits(browsers, made) as visits:
            await journey.whole(region, visits, made, folder / region)

    async with asyncio.TaskGroup() as all_of_them:  # where one fails, the other does not go on into the next test
        for region in regions:
            all_of_them.create_task(one(region))
    assert not any(made.runs(name) for name in GLOBAL), "the global part was to stay away"


async def _provisions(made: Deployment, region: str) -> None:
    """An identity provider gets a token, makes a person and a member of a group, switches them off and finds them."""
    described = made.description
    workspace, provisioning = described.workspace(region), described.provisioning[region].url
    async with aiohttp.ClientSession(connector=connector(), cookie_jar=aiohttp.DummyCookieJar()) as http:
        admin = Browser(http, described.cells[workspace.cell].url, workspace.key)
        await admin.sign_in(workspace.admin.email, workspace.admin.password)
        token = await new_token(admin)
    mark, domain = secrets.token_hex(4), workspace.admin.email.partition("@")[2]
    async with scim(f"{provisioning}/scim/v2/{workspace.key}", token) as client:
        person = await client.create(f"{mark}@{domain}", active=True)
        group = await client.create_group(f"Support {mark}", [])
        await client.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": person}]})
        await client.switch(person, False)
        status, found = await client.ask("GET", "/Users", filter=f'userName eq "{mark}@{domain}"')
        shown = [(one["id"], one["active"], [of["value"] for of in one["groups"]]) for one in found["Resources"]]
        assert (status, shown) == (200, [(person, False, [group])])
    assert not any(made.runs(name) for name in GLOBAL), "the global part was to stay away"


async def test_provisioning_needs_no_control_plane(headless: Deployment) -> None:
    await _provisions(headless, "eu")


async def test_the_main_job_needs_no_control_plane(browsers: Browsers, headless: Deployment, tmp_path: Path) -> None:
    await _main_job(browsers, headless, tmp_path, "eu", "us")


async def test_nor_do_processes_that_start_again(browsers: Browsers, headless: Deployment, tmp_path: Path) -> None:
    await asyncio.to_thread(headless.restart, *_answering(headless.description))
    await _main_job(browsers, headless, tmp_path, "eu")


async def test_nor_does_a_router_that_starts_with_nothing(
    browsers: Browsers, headless: Deployment, tmp_path: Path
) -> None:
    """It reads the region's bucket. A cell and provisioning without a disk do the same."""
    described = headless.description
    names = _answering(described)
    await asyncio.to_thread(headless.stop, *names)
    folders = [headless.folder.data / "router", *headless.folder.data.glob("*/feed")]
    assert len(folders) == 1 + len(described.cells) + len(described.provisioning)
    for folder in folders:
        shutil.rmtree(folder)
    await asyncio.to_thread(headless.start, *names)
    await _provisions(headless, "us")
    await _main_job(browsers, headless, tmp_path, "us")
