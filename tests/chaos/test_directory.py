"""Processes are killed, or hang, while an identity provider syncs: sent again, it comes to the same end."""

import asyncio
import os
import random
import signal
import time

import aiohttp
import asyncpg
import pytest

from tests.deployment import Deployment
from tests.e2e.browsers import Visits
from tests.e2e.office import Agent
from tests.e2e.scim_client import Scim, scim
from tests.e2e.waiting import until

pytestmark = [pytest.mark.stack, pytest.mark.browser]

CLIENTS, PEOPLE, KILLS = 6, 15, 3
AT_ONCE_S = 2.0  # a call that hangs waits longer; how soon it is on a quiet machine, `make bench` says


@pytest.mark.parametrize("process", ["eu-1-web", "provisioning-eu"])
async def test_a_sync_goes_on_where_a_process_was_killed(visits: Visits, fragile: Deployment, process: str) -> None:
    token, url = await _token(visits, fragile)
    ending = f".{process}@acme-eu.example"  # of the domain that the workspace has verified
    async with scim(url, token) as client:
        group = await client.create_group(f"Synced while {process} dies", [])
        syncing = [asyncio.create_task(_sync(client, group, number, ending)) for number in range(CLIENTS)]
        for _ in range(KILLS):
            done = len(client.tried_again)
            os.kill(fragile.pid(process), signal.SIGKILL)
            await _felt(client, done, syncing)
        states = {name: state for one in await asyncio.gather(*syncing) for name, state in one.items()}
        assert client.tried_again, "nobody noticed that it was gone"
        await _is_as_meant(fragile, client, group, states, ending)


async def test_a_cell_that_hangs_is_503_at_once_and_works_again_when_it_does(
    visits: Visits, fragile: Deployment
) -> None:
    token, url = await _token(visits, fragile)
    async with scim(url, token) as client:
        await client.ask("GET", "/Users", count="0")
        cell = fragile.pid("eu-1-web")
        os.kill(cell, signal.SIGSTOP)
        try:
            assert {status for status, _ in await asyncio.gather(*(_refused(client) for _ in range(8)))} == {503}
            for _ in range(20):
                status, took = await _refused(client)
                assert status == 503 and took < AT_ONCE_S
        finally:
            os.kill(cell, signal.SIGCONT)
        status, _ = await client.ask("GET", "/Users", count="1")
        assert status == 200


async def _refused(client: Scim) -> tuple[int, float]:
    """The status of one attempt, and how long it took."""
    began = time.monotonic()
    async with client.http.get(f"{client.url}/Users", timeout=aiohttp.ClientTimeout(total=10)) as answer:
        assert int(answer.headers["Retry-After"]) > 0
        return answer.status, time.monotonic() - began


async def _token(visits: Visits, fragile: Deployment) -> tuple[str, str]:
    """A token that an admin makes, and the address that goes with it."""
    admin = Agent(await visits.page("eu"), fragile.description, "eu")
    await admin.signs_in("admin")
    await admin.opens("directory")
    page = admin.page
    await page.get_by_role("button", name="New token").first.click()
    await page.get_by_label("Name", exact=True).fill("Sync")
    await page.get_by_role("button", name="Create token").click()
    return await page.locator("#made-token").input_value(), await page.locator("#made-url").input_value()


async def _felt(client: Scim, before: int, syncing: list[asyncio.Task[dict[str, bool]]]) -> None:
    """Wait until the sync has met a cell that is gone, and one that is back."""

    async def met() -> bool:
        return len(client.tried_again) > before or all(one.done() for one in syncing)

    await until(met, 60)
    await client.ask("GET", "/Users", count="0")


async def _sync(client: Scim, group: str, number: int, ending: str) -> dict[str, bool]:
    """People come, change, join and go; how those who are left are to be."""
    chance, states = random.Random(number), dict[str, bool]()
    for one in range(PEOPLE):
        name = f"c{number}-{one}{ending}"
        person = await client.create(name, title="new")
        await client.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": person}]})
        await client.patch(f"/Users/{person}", {"op": "replace", "path": "title", "value": f"Number {one}"})
        states[name] = chance.random() < 0.5
        await client.switch(person, states[name])
        if one % 5 == 4:
            status, _ = await client.ask("DELETE", f"/Users/{person}")
            assert status in (204, 404)  # 404: an attempt before was done, and its answer lost
            del states[name]
    return states


async def _is_as_meant(fragile: Deployment, client: Scim, group: str, states: dict[str, bool], ending: str) -> None:
    _, everybody = await client.ask("GET", "/Users", filter=f'userName ew "{ending}"', count="200")
    found = {one["userName"]: one["active"] for one in everybody["Resources"]}
    assert found == states and everybody["totalResults"] == len(states)
    assert all(
        one["title"] == f"Number {one['userName'].partition('-')[2].partition('.')[0]}"
        for one in everybody["Resources"]
    )
    _, synced = await client.ask("GET", f"/Groups/{group}")
    assert {one["value"] for one in synced["members"]} == {one["id"] for one in everybody["Resources"]}
    connection = await asyncpg.connect(fragile.superuser_dsn("eu-1"))
    twice = await connection.fetch(
        "select request_id from directory_log where request_id is not null group by 1 having count(*) > 1"
    )
    members = await connection.fetchval("select count(*) from people where email_norm like '%' || $1", ending)
    await connection.close()
    assert not twice and members == len(states)
