"""A workspace's connection, as its cell sets it: checked, kept, logged and told in one transaction."""

import json
import re
from uuid import UUID

from contracts import feed
from contracts.identity import SSO, Connection, connection_record
from control_plane.act import Act, acting
from control_plane.audit.service import Actor
from control_plane.placement import service as placement
from control_plane.placement.service import Placed
from control_plane.sso import records
from control_plane.sso.models import SsoConnection
from kit.database import Database, now
from kit.refusals import Invalid


async def set_connection(database: Database, by: Actor, workspace_id: UUID, connection: Connection | None) -> None:
    """Keep this connection from now on, or none. Repeating it changes nothing.

    `by` is the cell that owns the workspace. Raises SenderNotAllowed for another, NotFound, Invalid.
    """
    async with acting(database, by) as act:
        placed = await placement.owned(act.session, workspace_id, by.name)
        record = None if connection is None else _checked(placed, connection)
        row = await act.session.get(SsoConnection, workspace_id)
        if record == (row.record if row is not None else None):
            return
        if record is None:
            await act.session.delete(row)
        else:
            await act.session.merge(SsoConnection(workspace_id=workspace_id, record=record, changed_at=now()))
        _note(act, placed, connection)
        for told in records.told(placed.workspace.region, placed.placement, record):
            act.tell(told)


def _checked(placed: Placed, connection: Connection) -> dict[str, object]:
    """The record of a connection that is this workspace's own, and no larger than a feed carries. Raises Invalid."""
    key = placed.workspace.key
    if connection.workspace_id != placed.workspace.id:
        raise Invalid("This connection is another workspace's.")
    # The host may change with our addresses; the key in the path is what makes it the workspace's own.
    if not re.fullmatch(rf"https?://[^/?#\s]+/saml/{key}(/[^\s]*)?", connection.sp_entity_id):
        raise Invalid("The service provider's entity id is another workspace's.")
    record = connection_record(connection)
    try:
        feed.event_json(feed.Event(10**12, now(), SSO, key, record))
    except ValueError:
        size = len(json.dumps(record))
        raise Invalid(
            f"The connection takes {size} bytes, and some {feed.EVENT_BYTES} fit. Remove certificates that are no "
            "longer used, or groups from the mapping of roles."
        ) from None
    return record


def _note(act: Act, placed: Placed, connection: Connection | None) -> None:
    """Log the act in words of ours. Nothing of the provider: the log is kept when the workspace is long gone."""
    facts = {"key": placed.workspace.key, "cell": placed.placement.cell}
    if connection is None:
        act.log("sso.remove", "workspace", str(placed.workspace.id), {**facts})
        return
    how = {
        "vendor": connection.vendor.value,
        "enabled": connection.enabled,
        "enforced": connection.enforced,
        "certificates": len(connection.certificates),
    }
    act.log("sso.set", "workspace", str(placed.workspace.id), {**facts, **how})
