"""What a cell does at the registry, done in its name with its key."""

from uuid import UUID

from contracts.domains import digest
from contracts.peers import Peers, registry_peer
from contracts.signing_in import DOMAINS_SET, SetDomains
from kit.calls import Calls
from kit.signing import PublicKeys, SigningKey
from stack.state import State
from tests.deployment import Deployment


async def set_domains(deployment: Deployment, region: str, *domains: str) -> None:
    """Let these be all that the region's workspace has verified."""
    state, described = _state(deployment), deployment.description
    public = SigningKey.from_text(state.secrets["registry"]).public_text()
    registry = registry_peer(described.control_plane.url, PublicKeys.from_text(public))
    workspace = described.workspace(region)
    digests = tuple(hashed(deployment, one) for one in domains)
    signing = SigningKey.from_text(state.secrets[f"{workspace.cell}-signing"])
    async with Calls(workspace.cell, signing, Peers([registry])) as calls:
        await calls.call(registry.name, DOMAINS_SET, SetDomains(workspace_id=UUID(workspace.id), digests=digests))


def hashed(deployment: Deployment, domain: str) -> str:
    """A domain as the registry and routers know it."""
    return digest(bytes.fromhex(_state(deployment).secrets["domains"]), domain)


def _state(deployment: Deployment) -> State:
    state = State.load(deployment.folder.state)
    assert state is not None
    return state
