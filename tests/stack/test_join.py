"""A third cell joins a running deployment by one command, fills, is closed and goes."""

import asyncio
import json
import secrets
import subprocess
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import aiohttp
import pytest

from contracts.peers import Peer, PeerKind, Peers
from contracts.placing import PLACEMENT_DELETE, PLACEMENT_ERASED
from contracts.said import OfWorkspace
from kit.calls import Calls
from kit.localhost import connector
from kit.signing import SigningKey
from stack.state import State
from tests.deployment import CELLCAST, Deployment, own_stack
from tests.e2e.waiting import until

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def own() -> Iterator[Deployment]:
    with own_stack("--cells", "eu-1,us-1") as made:
        yield made


def operator(made: Deployment, *words: str, code: int = 0) -> dict[str, Any]:
    """A command of the deployment's operator; what it answers, or why it was refused."""
    command = [str(CELLCAST), *words, "--stack", str(made.folder.description), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, f"{words}: {done.returncode} {done.stdout} {done.stderr}"
    return dict(json.loads(done.stdout if code == 0 else done.stderr))


def join(made: Deployment, cell: str) -> dict[str, Any]:
    """The one command."""
    command = [str(CELLCAST), "stack", "join", cell, "--dir", str(made.folder.path), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return dict(json.loads(done.stdout))


def new_workspace(made: Deployment) -> dict[str, Any]:
    who = ("--company", "Acme", "--email", f"ada.{secrets.token_hex(4)}@example.com", "--name", "Ada")
    return operator(made, "workspaces", "create", "--region", "eu", *who)


async def test_a_third_cell_joins_fills_is_cordoned_and_retired(own: Deployment) -> None:
    before = own.description
    joined = await asyncio.to_thread(join, own, "eu-2")
    assert {row["life"] for row in joined["processes"]} == {"ready"}
    assert {one.name: one.pid for one in before.processes}.items() <= {
        one.name: one.pid for one in own.description.processes
    }.items(), "those that ran go on undisturbed"
    cells = {one["name"]: one for one in operator(own, "cells", "list")["items"]}
    assert (cells["eu-2"]["state"], cells["eu-2"]["url"]) == ("open", own.description.cells["eu-2"].url)

    heard = {name: operator(own, "cells", "show", name)["heard_at"] for name in ("eu-1", "eu-2", "us-1")}
    assert all(heard.values()), heard

    made = await asyncio.to_thread(new_workspace, own)
    assert made["cell"] == "eu-2", "the empty one of the region gets the next"
    explained = operator(own, "placement", "explain", made["key"])
    assert {"eu-1", "eu-2"} <= {one["cell"] for one in explained["items"]}
    await _leads_to(own, made["key"], "eu-2")

    operator(own, "cells", "cordon", "eu-2", "--why", "OPS-1: test")
    assert (await asyncio.to_thread(new_workspace, own))["cell"] == "eu-1"
    refused = operator(own, "cells", "retire", "eu-2", "--why", "OPS-2: test", code=1)
    assert made["key"] in json.dumps(refused), "what it still owns is listed"
    await _leads_to(own, made["key"], "eu-2")

    await _deleted_by_its_cell(own, UUID(made["id"]))
    operator(own, "cells", "retire", "eu-2", "--why", "OPS-3: empty")
    assert operator(own, "cells", "show", "eu-2")["state"] == "retired"
    acts = [one["action"] for one in operator(own, "operators", "audit")["items"]]
    assert {"cell.add", "cell.cordon", "cell.retire"} <= set(acts)


async def _leads_to(own: Deployment, key: str, cell: str) -> None:
    """The front door leads there, and a page of the workspace is served."""
    async with aiohttp.ClientSession(connector=connector()) as http:

        async def leads() -> bool:
            async with http.get(f"{own.description.router.url}/{key}") as answer:
                return answer.status == 200 and str(answer.url).startswith(own.description.cells[cell].url)

        await until(leads, 5)


async def _deleted_by_its_cell(own: Deployment, workspace_id: UUID) -> None:
    """What the cell says to the registry when it has deleted a workspace, signed with its key."""
    state = State.load(own.folder.state)
    assert state is not None
    registry = SigningKey.from_text(state.secrets["registry"])
    peers = Peers(
        [
            Peer(
                "control-plane",
                PeerKind.CONTROL_PLANE,
                "",
                own.description.control_plane.url,
                (registry.public_text(),),
            )
        ]
    )
    async with Calls("eu-2", SigningKey.from_text(state.secrets["eu-2-signing"]), peers) as calls:
        for what in (PLACEMENT_DELETE, PLACEMENT_ERASED):
            await calls.call("control-plane", what, OfWorkspace(workspace_id=workspace_id))
