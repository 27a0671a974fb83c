"""The demo's workspaces: made as an operator makes one, then furnished with an agent, an API token and a first link."""

import asyncio
import json
import time
from urllib.parse import urlsplit

from stack.cell import CellSite
from stack.errors import StackError
from stack.region import Region
from stack.registry import Registry
from stack.site import Part, Site
from stack.state import Workspace
from stack.supervisor import Step
from stack.waiting import over_http

_KNOWN_WITHIN_S = 15.0  # the router hears of a workspace within a second; a starting machine is busy


def workspace_part(site: Site, registry: Registry, region: Region, cells: dict[str, CellSite]) -> Part:
    """One workspace of a region, in the cell that the registry chooses."""
    step = f"{region.name}-workspace"
    one = site.state.workspace_of(region.name)

    async def found() -> None:
        if not one.cell:
            await _create(site, registry, step, one)
        if one.cell in cells and site.state.done.get(step) != one.id:
            await _furnish(site, cells[one.cell], step, one)
            await _is_known(site, one)

    made = bool(one.cell) and site.state.done.get(step) == one.id
    here = [cell for cell in cells.values() if cell.region == region.name]
    ready = (name for cell in here for name in (f"{cell.name}-web", *((cell.heard,) if cell.is_new else ())))
    after = () if made else (*registry.ready, region.process, "router", *ready)
    return Part(steps=[Step(step, found, after)])


async def _create(site: Site, registry: Registry, step: str, one: Workspace) -> None:
    who = ("--company", one.name, "--email", one.admin, "--name", "Alex Admin", "--password-stdin")
    words = ("workspaces", "create", "--region", one.region, "--request-key", one.request_key, *who)
    made = await registry.operator.ask(step, *words, given=one.admin_password)
    one.id, one.key, one.cell = made["id"], made["key"], made["cell"]
    site.state.save()


async def _furnish(site: Site, cell: CellSite, step: str, one: Workspace) -> None:
    agent = {"email": one.agent, "name": "Robin Agent", "role": "agent", "password": one.agent_password}
    wanted = {
        "workspace_id": one.id,
        "people": [agent],
        "api_token": True,
        "link": {"title": "Show us what happens in your cart"},
        "domain": one.domain,
    }
    answer = json.loads(await site.run(step, cell.command("seed"), json.dumps(wanted)))
    one.api_token, one.link = answer["api_token"], urlsplit(answer["link_url"]).path
    site.state.done[step] = one.id
    site.state.save()


async def _is_known(site: Site, one: Workspace) -> None:
    """Wait until the front door leads to it, so that what the stack says when it is up is true."""
    port, host = site.state.port("router"), urlsplit(site.router_url).netloc
    leads = over_http(port, f"/{one.key}", host, b"302")
    deadline = time.monotonic() + _KNOWN_WITHIN_S
    while not await leads(site.folder.log("router"), 0):
        if time.monotonic() > deadline:
            raise StackError(f"the router did not hear of workspace {one.key} within {_KNOWN_WITHIN_S:g} s")
        await asyncio.sleep(0.05)
