"""The global audit log: every operator's act is in it, in one chain that holds, whatever happens at once."""

import asyncio

import pytest

from contracts import audit as chain
from contracts.audit import first_broken
from control_plane.app import ROUTES
from control_plane.placement.states import Change
from kit.signing import SigningKey
from tests.control_plane.world import World


async def entries(world: World) -> list[tuple[chain.Stored, bytes]]:
    found = (await world.api("/audit?limit=1000"))["items"]
    return [(one["stored"], bytes.fromhex(one["hash"])) for one in found]


async def test_every_act_of_an_operator_is_logged(world: World) -> None:
    why = {"why": "OPS-1: test"}
    key, other = SigningKey.new().public_text(), SigningKey.new().public_text()
    cell = {"name": "eu-1", "region": "eu", "url": "http://eu-1.example", "capacity": 100, "public_keys": [key]}
    await world.api("/cells", cell, 201)
    await world.api("/cells/eu-1/open", why, 200)
    await world.beat("eu-1")
    await world.api("/cells/eu-1/change", {**why, "url": "http://eu-1b.example", "public_keys": [key, other]}, 200)
    await world.api("/cells/eu-1/change", {**why, "capacity": 200}, 200)
    peer = {"name": "provisioning-eu", "kind": "provisioning", "region": "eu", "url": "http://p.example"}
    await world.api("/peers", {**peer, "public_keys": [other]}, 201)
    await world.api("/peers/provisioning-eu/change", {**why, "public_keys": [key]}, 200)
    await world.api("/peers/provisioning-eu/remove", why, 200)
    new = {"region": "eu", "size": "small", "request_key": "request-1"}
    key = (await world.api("/workspaces", new, 201))["key"]
    for what in ("activate", "suspend", "resume"):
        await world.api(f"/workspaces/{key}/{what}", why, 200)
    other = (await world.api("/workspaces", {**new, "request_key": "request-2"}, 201))["key"]
    await world.api(f"/workspaces/{other}/abandon", why, 200)
    await world.api("/operators", {"name": "ci-deploy"}, 201)
    await world.api("/operators/ci-deploy/rotate", {}, 200)
    await world.api("/operators/ci-deploy/revoke", {}, 200)
    await world.api("/feed-readers", {"name": "router-eu", "audiences": ["routing"]}, 201)
    await world.api("/feed-readers/router-eu/revoke", {}, 200)
    await world.api("/feeds/raise-generation", why, 200)
    logged = await entries(world)
    assert [stored["action"] for stored, _ in logged] == [
        "operator.bootstrap",
        "cell.add",
        "peer.add",
        "feed-reader.issue",
        "cell.open",
        "cell.change",
        "peer.change",
        "cell.resize",
        "peer.add",
        "feed-reader.issue",
        "peer.change",
        "feed-reader.revoke",
        "peer.remove",
        "workspace.reserve",
        "workspace.activate",
        "workspace.suspend",
        "workspace.resume",
        "workspace.reserve",
        "workspace.abandon",
        "operator.issue",
        "operator.rotate",
        "operator.revoke",
        "feed-reader.issue",
        "feed-reader.revoke",
        "feeds.raise-generation",
    ]
    actors = [stored["actor"] for stored, _ in logged]
    assert {one["name"] for one in actors[1:] if isinstance(one, dict)} == {"on-call"}
    assert first_broken(logged) is None


async def test_what_was_refused_is_not_logged(world: World) -> None:
    before = len(await entries(world))
    await world.api("/cells/eu-9/open", {"why": "test"}, 404)
    await world.api("/workspaces", {"region": "eu", "size": "small", "request_key": "request-1"}, 503)
    assert len(await entries(world)) == before


async def test_the_chain_holds_under_many_acts_at_once(world: World) -> None:
    await world.add_cell("eu-1")
    made = await asyncio.gather(*(world.reserve() for _ in range(20)))
    await asyncio.gather(*(world.change(one.workspace.key, Change.ACTIVATE) for one in made))
    logged = await entries(world)
    assert len(logged) == 1 + 2 + 40
    assert first_broken(logged) is None


@pytest.mark.parametrize("tamper", ["change", "drop", "swap"])
async def test_a_tampered_log_does_not_hold(world: World, tamper: str) -> None:
    await world.add_cell("eu-1")
    logged = await entries(world)
    if tamper == "change":
        logged[1] = ({**logged[1][0], "action": "cell.remove"}, logged[1][1])
    elif tamper == "drop":
        del logged[1]
    else:
        logged[1], logged[2] = logged[2], logged[1]
    broken = first_broken(logged)
    assert broken is not None and broken.seq == 2


async def test_a_page_goes_on_behind_the_last(world: World) -> None:
    await world.add_cell("eu-1")
    first = (await world.api("/audit?limit=2"))["items"]
    rest = (await world.api("/audit?after=2"))["items"]
    assert [one["stored"]["seq"] for one in [*first, *rest]] == [1, 2, 3]


def test_every_route_that_changes_something_is_covered_above() -> None:
    posts = {route.rule for routes in ROUTES for route in routes.table if route.method != "GET"}
    v1 = "/api/operators/v1"
    assert posts == {
        f"{v1}/cells",
        f"{v1}/cells/<name>/change",
        f"{v1}/cells/<name>/<what>",
        f"{v1}/peers",
        f"{v1}/peers/<name>/change",
        f"{v1}/peers/<name>/remove",
        f"{v1}/workspaces",
        f"{v1}/workspaces/<key>/<what>",
        f"{v1}/operators",
        f"{v1}/operators/<name>/rotate",
        f"{v1}/operators/<name>/revoke",
        f"{v1}/feed-readers",
        f"{v1}/feed-readers/<name>/revoke",
        f"{v1}/feeds/raise-generation",
    }
