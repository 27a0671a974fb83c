"""What the feeds carry of connections: to the region's provisioning and to the cell that owns the workspace."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts import feed
from contracts.identity import SSO
from contracts.placements import Placement, State
from control_plane.act import Act
from control_plane.feed.log import Told
from control_plane.feed.snapshots import Pages, Source
from control_plane.placement.models import PlacementRow, Workspace
from control_plane.sso.models import SsoConnection

PAGE = 500


def told(region: str, placement: Placement, record: feed.Record | None) -> Iterable[Told]:
    """What those who serve a workspace hear of its connection."""
    for audience in (feed.identity_audience(region), feed.cell_audience(placement.cell)):
        yield Told(audience, SSO, placement.key, record)


async def follow(act: Act, region: str, before: Placement, after: Placement) -> None:
    """Take a connection along to the cell that its workspace moves to; end it with the workspace.

    The caller has locked the placement.
    """
    row = await act.session.get(SsoConnection, after.workspace_id, populate_existing=True)
    if row is None:
        return
    if after.state is State.DELETED:
        await act.session.delete(row)
        for one in told(region, after, None):
            act.tell(one)
    elif after.cell != before.cell:
        act.tell(Told(feed.cell_audience(before.cell), SSO, after.key, None))
        act.tell(Told(feed.cell_audience(after.cell), SSO, after.key, row.record))


async def _connections(session: AsyncSession, audience: str) -> Pages:
    kind, _, name = audience.partition("/")
    found = (
        select(Workspace.key, SsoConnection.record)
        .join(SsoConnection, SsoConnection.workspace_id == Workspace.id)
        .join(PlacementRow, PlacementRow.workspace_id == Workspace.id)
        .execution_options(yield_per=PAGE)
    )
    if kind == "identity":
        found = found.where(Workspace.region == name)
    elif kind == "cell":
        found = found.where(PlacementRow.cell == name)
    else:  # routers have no use for it
        return
    async for page in (await session.stream(found)).partitions(PAGE):
        yield [feed.member_json(key, record) for key, record in page]


SOURCE = Source(SSO, _connections)
