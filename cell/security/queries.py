"""Statements about security policies."""

from typing import TypeVar

from sqlalchemy import Select, and_, select, true

from cell.security.models import SecurityPolicy
from cell.workspaces.models import Workspace
from kit.database import Tenant

T = TypeVar("T", bound=Tenant)


def policy() -> Select[SecurityPolicy]:
    """The policy of this scope's workspace, if it has chosen one."""
    return select(SecurityPolicy)


def around(table: type[T], one: Select[T]) -> Select[Workspace, SecurityPolicy | None, T | None]:
    """The workspace, its policy, and a row of `table` that `one` selects: all that every request asks, at once."""
    wanted = and_(true() if one.whereclause is None else one.whereclause, table.workspace_id == Workspace.workspace_id)
    return (
        select(Workspace, SecurityPolicy, table)
        .outerjoin(SecurityPolicy, SecurityPolicy.workspace_id == Workspace.workspace_id)
        .outerjoin(table, wanted)
    )
