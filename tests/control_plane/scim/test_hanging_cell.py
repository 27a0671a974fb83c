"""A cell that takes connections and never answers: clients are told to come again, at once."""

import asyncio
import time
from dataclasses import replace

from contracts.peers import Peer, PeerKind
from contracts.placements import State
from kit.ports import free_port
from kit.signing import SigningKey
from tests.control_plane.scim.world import World
from tests.kit.calls.test_pulse import AT_ONCE_S, hanging


async def test_a_cell_that_hangs_is_503_with_retry_after_at_once(scim: World) -> None:
    port, name = free_port(), "eu-9"
    known = scim.peers.of(PeerKind.CELL) + scim.peers.of(PeerKind.PROVISIONING)
    key = SigningKey.new().public_text()
    scim.peers.replace([*known, Peer(name, PeerKind.CELL, "eu", f"http://{name}.localhost:{port}", (key,))])
    placement, token = scim.workspace(State.ACTIVE)
    scim.placements[placement.key] = replace(placement, cell=name)
    client, others = scim.client(token), scim.client()
    try:
        async with hanging(port):
            first = await asyncio.gather(*(client.get("/Users") for _ in range(8)))
            assert {one.status for one in first} == {503}
            for _ in range(10):
                began = time.monotonic()
                refused = await client.patch("/Users/00000000-0000-0000-0000-000000000000", {"op": "add", "value": {}})
                assert refused.status == 503 and int(refused.headers["Retry-After"]) > 0
                assert time.monotonic() - began < AT_ONCE_S
                assert (await others.get("/Users?count=0")).status == 200
    finally:
        scim.peers.replace(known)
