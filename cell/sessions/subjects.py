"""The subjects of agents' pages: an active person with a living session, in the role that the page asks for."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self
from uuid import UUID

from quart import g, request

from cell import resources
from cell.actors import Actor, ActorKind
from cell.people import queries as people
from cell.people.models import Person
from cell.sessions.store import Session, Sessions
from cell.workspaces import service as workspaces
from cell.workspaces.models import Workspace
from kit.refusals import Kind, NotFound, Refusal
from kit.web import Scope


class NotSignedIn(Refusal):
    """Nobody is signed in to this workspace in this browser."""

    kind = Kind.UNAUTHENTICATED
    title = "Please sign in"
    detail = "Your session has ended, or you have not signed in yet."


class NotAllowed(Refusal):
    """The person's role does not reach this far."""

    kind = Kind.FORBIDDEN
    title = "Only admins of this workspace may do this"
    detail = "Ask one of your admins."


def cookie_name(key: str) -> str:
    """`__Host-`: secure, of this host alone, for the whole host (RFC 6265bis section 4.1.3.2)."""
    return f"__Host-s-{key}"


@dataclass(frozen=True)
class Agent:
    """Somebody of the workspace, in any role."""

    workspace: Workspace
    person: Person
    session: Session

    roles: ClassVar[frozenset[str]] = frozenset({"agent", "admin"})

    @property
    def workspace_id(self) -> UUID:
        """The workspace's id, which opens its scope."""
        return self.workspace.workspace_id

    @property
    def actor(self) -> Actor:
        """The person as rows and the audit log name them."""
        return Actor(ActorKind.PERSON, self.person.id, self.person.name, self.session.address)

    @classmethod
    async def identify(cls, scope: Scope | None, path: dict[str, Any]) -> Self:
        """From the cookie of the workspace in the path. Raises NotSignedIn, NotAllowed, NotFound.

        A session of another workspace opens nothing here and is told nothing: 404, as for a page that is not.
        """
        cell = resources.current()
        key = str(path["key"])
        workspace_id = await workspaces.id_of(cell.database, key)
        g.sign_in_at = f"/w/{key}/sign-in"
        session = await Sessions(cell.redis, key, workspace_id).find(request.cookies.get(cookie_name(key), ""))
        if session is None:
            if _of_another_workspace(key) and not _navigating():
                raise NotFound
            raise NotSignedIn
        async with cell.database.reading(workspace_id) as tx:
            workspace = await workspaces.get(tx)
            person = await tx.first(people.by_id(session.person_id))
        if person is None or not person.active:
            raise NotSignedIn
        if person.role not in cls.roles:
            raise NotAllowed
        return cls(workspace, person, session)


def _of_another_workspace(key: str) -> bool:
    """Whether the browser shows sessions of other workspaces and none of this one."""
    shown = {name for name in request.cookies if name.startswith("__Host-s-")}
    return bool(shown) and cookie_name(key) not in shown


def _navigating() -> bool:
    return request.method == "GET" and "text/html" in request.headers.get("Accept", "")


class Admin(Agent):
    """An admin of the workspace."""

    roles = frozenset({"admin"})
