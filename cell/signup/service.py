"""Making a workspace with its first owner in one transaction, or seeing to it that it is never made."""

from functools import partial
from uuid import UUID

from cell.actors import SYSTEM
from cell.audit import service as audit
from cell.people import queries as people_queries
from cell.people import service as people
from cell.people.permissions import Role
from cell.signup import kinds
from cell.workspaces import service as workspaces
from cell.workspaces.service import NewWorkspace
from contracts.placements import State
from contracts.placing import CreateWorkspace, WorkspaceDiffers, WorkspaceUndone, WorkspaceWhole
from kit.database import Database
from kit.database_errors import DoneAlready
from kit.jobs import later

FEW_LINKS = 3  # that may be open until the founder's address is confirmed


async def create(database: Database, wanted: CreateWorkspace) -> None:
    """Make the workspace and its first owner; nothing where this very one was made before.

    Raises WorkspaceUndone once the sign-up was taken back, WorkspaceDiffers for another of the same id or key.
    """
    new = NewWorkspace(wanted.workspace_id, wanted.key, wanted.name)
    founder = wanted.admin
    first = await people.prepare(
        people.NewPerson(name=founder.name, email=founder.email, role=Role.OWNER, password=founder.password)
    )
    try:
        async with database.writing(new.id, before=partial(workspaces.own, new=new)) as tx:
            workspace = workspaces.found(tx, new)
            workspace.open_links_limit, workspace.confirmed_at = FEW_LINKS, None
            workspace.language = wanted.language
            await tx.flush()
            await audit.append(tx, SYSTEM, "workspace.create", audit.Target("workspace", new.id))
            owner = await people.create(tx, SYSTEM, first)
            later(tx, kinds.ASK, owner.id, wanted.language)
    except DoneAlready:  # an id or a key is held once, so of several at the same time one gets this far
        await _compare(database, wanted)


async def exists(database: Database, workspace_id: UUID) -> bool:
    """Whether the workspace is here. It is here as a whole or not at all, since one transaction made it."""
    held = await workspaces.ownership_of(database, workspace_id)
    return held is not None and State(held.state) is not State.DELETED


async def undo(database: Database, workspace_id: UUID) -> None:
    """See to it that a workspace which is not here is never made. Raises WorkspaceWhole where it is here.

    A request to make it that is still on its way meets what this leaves.
    """
    try:
        await workspaces.refuse_forever(database, workspace_id)
    except DoneAlready:
        if await exists(database, workspace_id):
            raise WorkspaceWhole from None


async def _compare(database: Database, wanted: CreateWorkspace) -> None:
    """Whether what is here is what was asked for."""
    held = await workspaces.ownership_of(database, wanted.workspace_id)
    if held is not None and State(held.state) is State.DELETED:
        raise WorkspaceUndone
    if await workspaces.key_of(database, wanted.workspace_id) != wanted.key:
        raise WorkspaceDiffers
    async with database.reading(wanted.workspace_id) as tx:
        if await tx.first(people_queries.by_email(people.normalised(wanted.admin.email))) is None:
            raise WorkspaceDiffers
