"""Whether a local password counts: where single sign-on is the only way in, for owners alone."""

from cell.people.models import Person
from cell.people.permissions import Role
from cell.resources import Cell
from cell.sso import connections, queries
from cell.sso.models import SsoSettings
from cell.workspaces import service as workspaces
from kit.database import Reading


async def enforced(tx: Reading, cell: Cell, *, settled: bool = False) -> bool:
    """Whether it is the only way in: the workspace wants it, and people can sign in by it.

    `settled`: it stays as it is until the transaction ends; whoever changes it waits, and was waited for.

    Both making it so and taking it back hold at once, whether the registry can be reached or not; but not where the
    registry does not take what is wanted.
    """
    in_force = connections.enabled(cell, (await workspaces.get(tx)).key)
    if in_force is None:
        return False
    row = await tx.first(queries.settings().with_for_update(read=True) if settled else queries.settings())
    if row is None or row.refused:
        return in_force.enforced and (row is None or _wanted(row))
    return _wanted(row)


def _wanted(row: SsoSettings) -> bool:
    return row.connection is not None and row.connection.get("enforced") is True


async def passwords_count(tx: Reading, cell: Cell, person: Person, *, settled: bool = False) -> bool:
    """Whether this person may use a password; `settled` as for `enforced`."""
    return person.role == Role.OWNER or not await enforced(tx, cell, settled=settled)
