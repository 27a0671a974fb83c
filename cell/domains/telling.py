"""Telling the registry which domains a workspace has verified, as hashes that only cells and routers can make."""

from uuid import UUID

from cell.domains import queries
from cell.domains.models import Domain
from cell.resources import Cell
from contracts.domains import digest
from contracts.peers import REGISTRY
from contracts.signing_in import DOMAINS_SET, DomainTaken, SetDomains
from kit.calls import Calling, PeerUnavailable
from kit.jobs import GiveUp, RunAgain

AWAY_S = 10  # until a registry that does not answer is told again


async def tell(cell: Cell, workspace_id: UUID) -> None:
    """Send them all, as they are now. Raises RunAgain while the registry is away; GiveUp for a cell that calls nobody.

    A domain that too many workspaces share is verified all the same: only the front door does not lead here by it.
    """
    domain_key = cell.settings.domain_key
    if cell.calls is None or domain_key is None:
        raise GiveUp("this cell has no registry to tell, or no key of domains")
    async with cell.database.reading(workspace_id) as tx:
        domains = list(await tx.all(queries.verified()))
    crowded = await _told(cell.calls, domain_key.get_secret_value(), workspace_id, domains)
    async with cell.database.writing(workspace_id) as tx:
        now_there = await tx.all(queries.verified())
        for domain in now_there:
            domain.crowded = domain.id in crowded
    if {one.id for one in now_there} != {one.id for one in domains}:  # of two that tell at once the later word stays
        raise RunAgain(0)


async def _told(calls: Calling, key: bytes, workspace_id: UUID, domains: list[Domain]) -> set[UUID]:
    """Send what the registry takes, leaving out the newest of those it refuses; which were left out."""
    left_out: set[UUID] = set()
    while True:
        digests = sorted(digest(key, one.domain) for one in domains if one.id not in left_out)
        try:
            await calls.call(REGISTRY, DOMAINS_SET, SetDomains(workspace_id=workspace_id, digests=tuple(digests)))
            return left_out
        except PeerUnavailable:
            raise RunAgain(AWAY_S) from None
        except DomainTaken:
            left_out.add(next(one.id for one in domains if one.id not in left_out))
