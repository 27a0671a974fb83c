"""Statements about sign-ups."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select

from contracts.placements import State
from control_plane.placement.models import PlacementRow, Workspace


def by_id(workspace_id: UUID) -> Select[Workspace, PlacementRow]:
    """A workspace and its placement, as they are now."""
    return (
        select(Workspace, PlacementRow)
        .join(PlacementRow, PlacementRow.workspace_id == Workspace.id)
        .where(Workspace.id == workspace_id)
        .execution_options(populate_existing=True)
    )


def unfinished(region: str, begun_before: datetime, after: UUID | None, limit: int) -> Select[Workspace, PlacementRow]:
    """Sign-ups of a region that have not ended, by id."""
    found = (
        select(Workspace, PlacementRow)
        .join(PlacementRow, PlacementRow.workspace_id == Workspace.id)
        .where(
            Workspace.region == region,
            PlacementRow.state == State.PROVISIONING.value,
            Workspace.created_at <= begun_before,
        )
        .order_by(Workspace.id)
        .limit(limit)
    )
    return found if after is None else found.where(Workspace.id > after)
