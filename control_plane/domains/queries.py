"""Statements about domains, each named for what it finds."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import BigInteger, Delete, Select, Text, cast, delete, func, select
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by

from control_plane.domains.models import DomainRow
from control_plane.placement.models import Workspace


def locked(digests: Iterable[bytes]) -> Select[None]:
    """Locks on these domains until the transaction ends: who has one and how many have it stays as it is read next.

    Taken in one order by everybody, so that two workspaces never wait for one another.
    """
    numbers = sorted({int.from_bytes(one[:8], signed=True) for one in digests})
    each = func.unnest(cast(numbers, ARRAY(BigInteger))).column_valued("each")
    return select(func.pg_advisory_xact_lock(each))


def of_workspace(workspace_id: UUID) -> Select[bytes]:
    """The domains of a workspace."""
    return select(DomainRow.digest).where(DomainRow.workspace_id == workspace_id)


def keys_by_domain(digests: Iterable[bytes]) -> Select[bytes, str]:
    """Each of these domains with the key of each workspace that has it."""
    return (
        select(DomainRow.digest, Workspace.key)
        .join(Workspace, Workspace.id == DomainRow.workspace_id)
        .where(DomainRow.digest.in_(list(digests)))
    )


def removed(workspace_id: UUID, digests: Iterable[bytes]) -> Delete:
    """These domains of a workspace, gone."""
    return delete(DomainRow).where(DomainRow.workspace_id == workspace_id, DomainRow.digest.in_(list(digests)))


def members() -> Select[str]:
    """All domains as members of a snapshot: text that the database makes. Digests and keys need no escaping."""
    keys = func.json_agg(aggregate_order_by(Workspace.key, Workspace.key))
    return (
        select(func.concat('"', func.encode(DomainRow.digest, "hex"), '":', cast(keys, Text)))
        .join(Workspace, Workspace.id == DomainRow.workspace_id)
        .group_by(DomainRow.digest)
    )
