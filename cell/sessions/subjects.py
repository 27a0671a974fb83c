"""The subject of members' pages: an active person with a living session, whose role has what the route asks for."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from quart import Response, after_this_request, g, request
from werkzeug.wrappers import Response as Redirect

from cell import resources
from cell.actors import Actor, ActorKind
from cell.factors import service as factors
from cell.people import queries as people
from cell.people import service
from cell.people.models import Person
from cell.people.permissions import FRESH, FRESH_FOR, WITHOUT_FACTOR, Permission, allowed
from cell.resources import Cell
from cell.security import service as security
from cell.security.service import DEFAULT, Policy
from cell.sessions import cookies
from cell.sessions.store import Session, Sessions
from cell.sso.enforcing import passwords_count
from cell.workspaces import service as workspaces
from cell.workspaces.models import Workspace
from kit.database import Reading, now
from kit.database_errors import WorkspaceFrozen
from kit.i18n import negotiate
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


class FactorMissing(Refusal):
    """The workspace asks for a second factor, and the person has none yet."""

    kind = Kind.FORBIDDEN
    title = "Your workspace asks for a second factor"
    detail = "Set up an authenticator app or a passkey on your account's page first."


class ProofStale(Refusal):
    """What is asked for is done only by who has proved a short while ago that it is still them."""

    kind = Kind.FORBIDDEN
    title = "Please prove that it is you"
    detail = "It has been a while since you signed in. Prove who you are, then do this again."


@dataclass(frozen=True)
class Member:
    """Somebody of the workspace: `Annotated[Member, Scope(Permission.LINKS_CHANGE)]`."""

    workspace: Workspace
    person: Person
    session: Session
    policy: Policy = DEFAULT
    misses_factor: bool = False

    @property
    def fresh(self) -> bool:
        """Whether the person has proved a short while ago who they are."""
        return now() - self.session.proved_at < FRESH_FOR

    @property
    def may(self) -> frozenset[Permission]:
        """What the person's role allows, by the way that they came in."""
        return allowed(self.person.role, elsewhere=self.elsewhere)

    @property
    def elsewhere(self) -> bool:
        """Whether the identity provider let them in."""
        return self.session.how == "sso"

    @property
    def workspace_id(self) -> UUID:
        """The workspace's id, which opens its scope."""
        return self.workspace.workspace_id

    @property
    def actor(self) -> Actor:
        """The person as rows and the audit log name them."""
        return Actor(ActorKind.PERSON, self.person.id, self.person.name, self.session.address, self.elsewhere)

    @classmethod
    async def identify(cls, scope: Scope | None, path: dict[str, Any]) -> Self:
        """From the cookie of the workspace in the path. Raises NotSignedIn, NotAllowed, NotFound.

        A session of another workspace opens nothing here and is told nothing: 404, as for a page that is not.
        """
        cell = resources.current()
        key = str(path["key"])
        workspace_id = await workspaces.id_of(cell.database, key)
        g.sign_in_at = f"/w/{key}/sign-in"
        sessions = Sessions(cell.redis, key, workspace_id)
        session = await sessions.find(cookies.presented(key))
        if session is None:
            if _of_another_workspace(key) and not _navigating():
                raise NotFound
            raise NotSignedIn
        by = await cls.of_session(cell, workspace_id, session, request.remote_addr or "")
        if not await sessions.keep(session, by.policy.idle, by.policy.absolute):
            raise NotSignedIn
        try:
            by.check("" if scope is None else scope.name)  # a route that asks for nothing is open to nobody
        except FactorMissing:
            way_out(f"/w/{key}/account/factors")
            raise
        except ProofStale:
            way_out(f"/w/{key}/prove?{urlencode({'next': _where_one_was()})}")
            raise
        if by.person.last_seen_at is None or now() - by.person.last_seen_at > service.SEEN_EVERY:
            with suppress(WorkspaceFrozen):  # it may be read all the same
                async with cell.database.writing(workspace_id) as tx:
                    await service.seen(tx, by.person.id, negotiate(request.headers.get("Accept-Language", "")))
        return by

    @classmethod
    async def of_session(cls, cell: Cell, workspace_id: UUID, session: Session, address: str) -> Self:
        """Whose session this is, as the database knows them now, for what comes from this network address.

        Whether the session is over, and what they may, is still to be asked. Raises NotSignedIn, OutsideNetworks,
        NotFound.
        """
        async with cell.database.reading(workspace_id) as tx:
            workspace, policy, person = await security.around(tx, Person, people.by_id(session.person_id))
            missing = person is not None and await _misses_factor(tx, policy, person, session)
            local = person is not None and session.how != "sso" and not await passwords_count(tx, cell, person)
        if person is None or not person.active or local:  # begun just when single sign-on became the only way in
            raise NotSignedIn
        if not policy.admits(address):
            raise security.OutsideNetworks
        return cls(workspace, person, session, policy, missing)

    def check(self, permission: str) -> None:
        """Whether the person may do this now. Raises FactorMissing, NotAllowed, OwnersSignInHere, ProofStale."""
        if self.misses_factor and permission not in WITHOUT_FACTOR:
            raise FactorMissing
        if permission not in self.may:
            raise service.OwnersSignInHere if permission in allowed(self.person.role) else NotAllowed
        if permission in FRESH and not self.fresh:
            raise ProofStale


def way_out(address: str) -> None:
    """Where a page that refuses leads; scripts of ours (htmx) are told by a header."""
    g.way_out = address

    @after_this_request
    def lead(response: Response | Redirect) -> Response | Redirect:
        if "HX-Request" in request.headers:
            response.headers["HX-Redirect"] = address
        return response


def _where_one_was() -> str:
    """The page to come back to: what was asked for, or the page whose form was sent."""
    if request.method == "GET":
        return request.full_path.rstrip("?")
    came_from = urlsplit(request.headers.get("Referer", ""))
    return f"{came_from.path}?{came_from.query}".rstrip("?") if came_from.netloc == request.host else ""


async def _misses_factor(tx: Reading, policy: Policy, person: Person, session: Session) -> bool:
    """Whether the person needs a second factor here and has none; who signs in elsewhere has it there."""
    needed = session.how != "sso" and policy.requires_factor(person.role)
    return needed and not await factors.has_one(tx, person.id)


def _of_another_workspace(key: str) -> bool:
    """Whether the browser shows sessions of other workspaces and none of this one."""
    shown = {name for name in request.cookies if name.startswith("__Host-s-")}
    return bool(shown) and cookies.name(key) not in shown


def _navigating() -> bool:
    return request.method == "GET" and "text/html" in request.headers.get("Accept", "")
