"""A cell's heartbeat from outside: before the first one a cell gets no workspaces."""

import asyncio
import contextlib

from contracts.peers import REGISTRY, Peers, registry_peer
from contracts.placing import CELL_BEAT, Beat
from kit.calls import Calls
from kit.refusals import Refusal
from kit.signing import PublicKeys, SigningKey

WITHIN_S = 10


def beat(url: str, registry: SigningKey, cell: str, key: SigningKey) -> None:
    """Tell a running control plane that this cell runs; it learns of new cells within a moment."""
    asyncio.run(_beat(url, registry, cell, key))


async def _beat(url: str, registry: SigningKey, cell: str, key: SigningKey) -> None:
    peers = Peers([registry_peer(url, PublicKeys.from_text(registry.public_text()))])
    async with asyncio.timeout(WITHIN_S), Calls(cell, key, peers) as calls:
        while True:
            with contextlib.suppress(Refusal):
                await calls.call(REGISTRY, CELL_BEAT, Beat(cell=cell, load=0, growth=0))
                return
            await asyncio.sleep(0.05)
