"""The domains of a workspace, as its cell sets them: bounded, kept, logged and told in one transaction."""

from collections.abc import Iterable
from uuid import UUID

from contracts.domains import MOST_WORKSPACES
from contracts.signing_in import DomainTaken
from control_plane.act import acting
from control_plane.audit.service import Actor
from control_plane.domains import queries, records
from control_plane.domains.models import DomainRow
from control_plane.placement import service as placement
from kit.database import Database


async def set_domains(database: Database, by: Actor, workspace_id: UUID, digests: Iterable[str]) -> None:
    """Keep these as all that the workspace has verified. Repeating it changes nothing.

    `by` is the cell that owns the workspace. Raises SenderNotAllowed for another, NotFound, DomainTaken.
    """
    wanted = {bytes.fromhex(one) for one in digests}
    async with acting(database, by) as act:
        placed = await placement.owned(act.session, workspace_id, by.name)
        held = set((await act.session.scalars(queries.of_workspace(workspace_id))).all())
        added, removed = wanted - held, held - wanted
        if not added | removed:
            return
        await act.session.execute(queries.locked(added | removed))
        await act.session.execute(queries.removed(workspace_id, removed))
        act.session.add_all(DomainRow(digest=one, workspace_id=workspace_id) for one in added)
        await act.session.flush()
        found = await records.keys_of(act.session, added | removed)
        crowded = sorted(one.hex() for one in added if len(found[one]) > MOST_WORKSPACES)
        if crowded:
            raise DomainTaken(digests=crowded)
        for digest, keys in sorted(found.items()):
            act.tell(records.told(digest, keys))
        # How many, and not which: the log is kept when the workspace is long gone.
        act.log(
            "domains.set",
            "workspace",
            str(workspace_id),
            {
                "key": placed.workspace.key,
                "cell": placed.placement.cell,
                "count": len(wanted),
                "added": len(added),
                "removed": len(removed),
            },
        )
