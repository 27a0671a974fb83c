"""Finding and founding workspaces."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from cell.workspaces.models import Ownership, Workspace, WorkspaceKey
from contracts.keys import is_key
from kit import logs
from kit.database import Database, Reading, Writing, now
from kit.refusals import NotFound

FIRST_EPOCH = 1
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
    """The workspace of this scope."""
    return await tx.one(select(Workspace))


async def claim(database: Database, new: NewWorkspace) -> bool:
    """Make this cell the owner of a new workspace; False where it is here already."""
    async with database.outside() as session:
        session.add(WorkspaceKey(key=new.key, workspace_id=new.id))
        session.add(Ownership(workspace_id=new.id, epoch=FIRST_EPOCH, version=1, state="active"))
        try:
            await session.flush()
        except IntegrityError:
            await session.rollback()
            return False
    return True


def found(tx: Writing, new: NewWorkspace) -> None:
    """Store the workspace itself, in its own scope."""
    tx.add(Workspace(key=new.key, name=new.name, created_at=now()))
