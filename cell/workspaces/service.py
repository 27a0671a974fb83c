"""Finding and founding workspaces."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from cell.workspaces.models import Ownership, Workspace, WorkspaceKey
from contracts.keys import is_key
from contracts.placements import State
from kit import logs
from kit.database import Database, Reading, Writing, now
from kit.refusals import NotFound

FIRST_EPOCH = 1
_WITH_MEMBER = text("select workspaces_of(:address)")  # looks into one workspace's scope after the other
_KNOWN_AT_MOST = 50_000

# Keys are never given to another workspace, so what was found once stays true for the life of the process.
_known: dict[str, UUID] = {}


@dataclass(frozen=True)
class NewWorkspace:
    """What a workspace is founded with."""

    id: UUID
    key: str
    name: str


async def id_of(database: Database, key: str) -> UUID:
    """The workspace of a key. Raises NotFound for a key that this cell does not know."""
    if key not in _known:
        await _look_up(database, key)
    logs.bind(workspace_id=str(_known[key]))
    return _known[key]


async def _look_up(database: Database, key: str) -> None:
    if not is_key(key):
        raise NotFound
    async with database.outside() as session:
        found = await session.scalar(select(WorkspaceKey.workspace_id).where(WorkspaceKey.key == key))
    if found is None:
        raise NotFound
    if len(_known) >= _KNOWN_AT_MOST:
        _known.clear()
    _known[key] = found


async def get(tx: Reading) -> Workspace:
    """The workspace of this scope, as the transaction saw it first."""
    return await tx.known(Workspace, tx.workspace_id)


async def get_locked(tx: Writing) -> Workspace:
    """The same, locked until the transaction ends."""
    return await tx.one(select(Workspace).with_for_update())


def confirmed(workspace: Workspace, open_links: int) -> None:
    """The founder is who the sign-up said: the limits of an unconfirmed workspace end."""
    workspace.confirmed_at, workspace.confirm_digest, workspace.open_links_limit = now(), None, open_links


async def claim(database: Database, new: NewWorkspace) -> bool:
    """Make this cell the owner of a new workspace; False where it is here already."""
    async with database.outside() as session:
        try:
            await own(session, new)
        except IntegrityError:
            await session.rollback()
            return False
    return True


async def own(session: AsyncSession, new: NewWorkspace) -> None:
    """Note that this cell owns a new workspace. Raises IntegrityError where its id or its key is here already."""
    session.add(WorkspaceKey(key=new.key, workspace_id=new.id))
    session.add(Ownership(workspace_id=new.id, epoch=FIRST_EPOCH, version=1, state="active"))
    await session.flush()


async def ownership_of(database: Database, workspace_id: UUID) -> Ownership | None:
    """What this cell holds of a workspace, if anything."""
    async with database.outside() as session:
        return await session.get(Ownership, workspace_id)


async def key_of(database: Database, workspace_id: UUID) -> str | None:
    """The key of a workspace of this cell."""
    async with database.outside() as session:
        return await session.scalar(select(WorkspaceKey.key).where(WorkspaceKey.workspace_id == workspace_id))


async def here(database: Database) -> Sequence[UUID]:
    """Every workspace of this cell that is not deleted."""
    async with database.outside() as session:
        there = select(Ownership.workspace_id).where(Ownership.state != State.DELETED)
        return (await session.scalars(there)).all()


async def with_member(database: Database, email_norm: str) -> list[UUID]:
    """The workspaces of this cell in which an address, in lower case, is an active member's."""
    async with database.outside() as session:
        found = await session.scalars(_WITH_MEMBER, {"address": email_norm})
        return [UUID(str(one)) for one in found]


async def refuse_forever(database: Database, workspace_id: UUID) -> None:
    """Leave a row that nobody gets past who wants to found this workspace. Raises DoneAlready where there is one.

    Of founding and refusing at the same time, the second waits for the first.
    """
    async with database.outside() as session:
        session.add(Ownership(workspace_id=workspace_id, epoch=FIRST_EPOCH, version=1, state="deleted"))


def found(tx: Writing, new: NewWorkspace) -> Workspace:
    """Store the workspace itself, in its own scope; its founder needs no confirming unless a sign-up says so."""
    workspace = Workspace(key=new.key, name=new.name, created_at=now(), confirmed_at=now())
    tx.add(workspace)
    return workspace
