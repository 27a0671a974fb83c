"""The subject of members' pages: an active person with a living session, whose role has what the route asks for."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from quart import g, request

from cell import resources
from cell.actors import Actor, ActorKind
from cell.people import queries as people
from cell.people import service
from cell.people.models import Person
from cell.people.permissions import Permission, allowed
from cell.sessions import cookies
from cell.sessions.store import Session, Sessions
from cell.workspaces import service as workspaces
from cell.workspaces.models import Workspace
from kit.database import WorkspaceFrozen, now
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
    title = "Your role does not reach this far"
    detail = "Ask an admin of your workspace to do it, or for another role."


@dataclass(frozen=True)
class Member:
    """Somebody of the workspace: `Annotated[Member, Scope(Permission.LINKS_CHANGE)]`."""

    workspace: Workspace
    person: Person
    session: Session

    @property
    def may(self) -> frozenset[Permission]:
        """What the person's role allows."""
        return allowed(self.person.role)

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
        session = await Sessions(cell.redis, key, workspace_id).find(cookies.presented(key))
        if session is None:
            if _of_another_workspace(key) and not _navigating():
                raise NotFound
            raise NotSignedIn
        async with cell.database.reading(workspace_id) as tx:
            workspace = await workspaces.get(tx)
            person = await tx.first(people.by_id(session.person_id))
        if person is None or not person.active:
            raise NotSignedIn
        if scope is None or scope.name not in allowed(person.role):  # a route that asks for nothing is open to nobody
            raise NotAllowed
        if person.last_seen_at is None or now() - person.last_seen_at > service.SEEN_EVERY:
            with suppress(WorkspaceFrozen):  # it may be read all the same
                async with cell.database.writing(workspace_id) as tx:
                    await service.seen(tx, person.id)
        return cls(workspace, person, session)


def _of_another_workspace(key: str) -> bool:
    """Whether the browser shows sessions of other workspaces and none of this one."""
    shown = {name for name in request.cookies if name.startswith("__Host-s-")}
    return bool(shown) and cookies.name(key) not in shown


def _navigating() -> bool:
    return request.method == "GET" and "text/html" in request.headers.get("Accept", "")
