"""Whether a local password counts: where single sign-on is the only way in, for owners alone."""

from cell.people.models import Person
from cell.people.permissions import Role
from cell.resources import Cell
from cell.sso import connections, queries
from cell.workspaces import service as workspaces
from kit.database import Reading


async def enforced(tx: Reading, cell: Cell) -> bool:
    """Whether it is the only way in: the registry has said so, and nobody of the workspace has taken it back since.

    Taking it back holds at once, whether the registry can be reached or not.
    """
    workspace = await workspaces.get(tx)
    if not connections.enforced(cell, workspace.key):
        return False
    row = await tx.first(queries.settings())
    return row is None or (row.connection is not None and row.connection.get("enforced") is True)


async def passwords_count(tx: Reading, cell: Cell, person: Person) -> bool:
    """Whether this person may use a password."""
    return person.role == Role.OWNER or not await enforced(tx, cell)
