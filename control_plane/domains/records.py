"""What the routers' feed carries of domains: by keyed hash, the keys of the workspaces that have verified it."""

from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.domains import DOMAINS, domain_record
from contracts.placements import ROUTING, Placement, State
from control_plane.act import Act
from control_plane.domains import queries
from control_plane.feed.log import Told
from control_plane.feed.snapshots import Pages, Source

PAGE = 5000


async def keys_of(session: AsyncSession, digests: Collection[bytes]) -> dict[bytes, list[str]]:
    """The keys of the workspaces that have each of these domains."""
    found: dict[bytes, list[str]] = {one: [] for one in digests}
    for digest, key in await session.execute(queries.keys_by_domain(digests)):
        found[digest].append(key)
    return found


def told(digest: bytes, keys: list[str]) -> Told:
    """What routers hear of a domain; a tombstone when nobody has it any more."""
    return Told(ROUTING, DOMAINS, digest.hex(), domain_record(keys) if keys else None)


async def follow(act: Act, after: Placement) -> None:
    """Forget the domains of a workspace that is gone. The caller has locked its placement."""
    if after.state is not State.DELETED:
        return
    digests = (await act.session.scalars(queries.of_workspace(after.workspace_id))).all()
    if digests:
        await act.session.execute(queries.locked(digests))
        await act.session.execute(queries.removed(after.workspace_id, digests))
        for digest, keys in (await keys_of(act.session, digests)).items():
            act.tell(told(digest, keys))


async def _domains(session: AsyncSession, audience: str) -> Pages:
    if audience != ROUTING:
        return
    found = queries.members().execution_options(yield_per=PAGE)
    async for page in (await session.stream_scalars(found)).partitions(PAGE):
        yield page


SOURCE = Source(DOMAINS, _domains)
