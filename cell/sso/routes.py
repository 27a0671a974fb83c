"""Signing in through the identity provider: leaving for it, and coming back."""

from typing import Annotated

from pydantic import BaseModel, Field
from quart import Response, redirect, request
from werkzeug.wrappers import Response as Redirect

from cell import resources
from cell.audit import service as audit
from cell.people import queries as people
from cell.people.permissions import Permission
from cell.security.service import OutsideNetworks
from cell.sessions import browsers, cookies, rotating
from cell.sessions import service as sessions
from cell.sessions.arriving import own_path, signed_in
from cell.sessions.service import NoLongerAllowed
from cell.sessions.subjects import Member, NotSignedIn
from cell.sso import beginning, connections, entering, journal
from cell.sso.reasons import Reason
from cell.sso.store import Outcome, digest
from cell.ui import pages
from cell.workspaces import service as workspaces
from contracts.signing_in import Purpose, SignInUnknown, SsoOff
from kit.calls import PeerUnavailable
from kit.refusals import Refusal, TooManyRequests
from kit.web import Routes, Scope
from kit.web.problems import STATUS, wants_page
from kit.web.subjects import Anyone

routes = Routes("sso")

Oneself = Annotated[Member, Scope(Permission.OWN)]


class Onward(BaseModel):
    """Where to go after signing in."""

    next: Annotated[str, Field(max_length=2000)] = ""


class Carried(BaseModel):
    """What the browser brings back."""

    code: Annotated[str, Field(max_length=200)] = ""


@routes.post("/w/<key>/sign-in/sso")
async def begin(by: Anyone, key: str, asked: Onward) -> Response:
    """Leave for the identity provider, to sign in."""
    cell = resources.current()
    await workspaces.id_of(cell.database, key)
    try:
        connection = connections.enabled(cell, key)
        if connection is None:
            raise SsoOff
        started = await beginning.begin(cell, key, connection, by.address, onward=asked.next)
    except (SsoOff, PeerUnavailable, TooManyRequests) as refusal:
        return await refused(key, refusal)
    return leaving(key, started)


@routes.post("/w/<key>/sign-in/sso/again")
async def begin_again(by: Oneself, key: str, asked: Onward) -> Response:
    """Leave for the identity provider, to prove once more who one is."""
    cell = resources.current()
    try:
        connection = connections.enabled(cell, key)
        if connection is None:
            raise SsoOff
        who = by.person.id
        started = await beginning.begin(
            cell, key, connection, by.session.address, Purpose.FRESH, onward=asked.next, person_id=who
        )
    except (SsoOff, PeerUnavailable, TooManyRequests) as refusal:
        return await refused(key, refusal)
    return leaving(key, started)


@routes.get("/w/<key>/sign-in/complete")
async def complete(by: Anyone, key: str, carried: Carried) -> Response | Redirect:
    """Come back with a code: a session, a fresh proof, or what a test found."""
    if request.method == "HEAD":
        return Response(b"")
    cell = resources.current()
    workspace_id = await workspaces.id_of(cell.database, key)
    try:
        outcome = await entering.take(cell, workspace_id, carried.code, request.cookies)
    except (SignInUnknown, entering.OtherBrowser) as refusal:
        passed_on = isinstance(refusal, entering.OtherBrowser)
        await journal.no_way_in(cell, workspace_id, (Reason.CODE_ELSEWHERE if passed_on else Reason.CODE_UNKNOWN).code)
        return await refused(key, refusal)
    try:
        answer = await _arrived(by, key, outcome)
    except (SignInUnknown, NotSignedIn, NoLongerAllowed, OutsideNetworks) as refusal:
        return await refused(key, refusal)
    cookies.drop(answer, entering.cookie_name(outcome.nonce))
    return answer


async def _arrived(by: Anyone, key: str, outcome: Outcome) -> Redirect:
    """What the code opens. Raises SignInUnknown, NotSignedIn, NoLongerAllowed, OutsideNetworks."""
    cell = resources.current()
    if outcome.purpose is Purpose.TEST:
        return redirect(f"/w/{key}/sso/tests/{outcome.reference}", 303)
    answer = redirect(own_path(key, outcome.onward), 303)
    if outcome.purpose is Purpose.FRESH:
        member = await Member.identify(Scope(Permission.OWN), {"key": key})
        if member.person.id != outcome.person_id:
            raise NotSignedIn
        async with cell.database.writing(member.workspace_id) as tx:
            who = audit.Target("person", member.person.id)
            await audit.append(tx, member.actor, "session.prove", who, {"by": "sso"})
        await rotating.rotate(answer, member, proved=True)
        return answer
    workspace_id = await workspaces.id_of(cell.database, key)
    async with cell.database.reading(workspace_id) as tx:
        person = None if outcome.person_id is None else await tx.first(people.by_id(outcome.person_id))
    try:
        if person is None or not person.active:  # switched off within the last minute
            raise SignInUnknown
        word = await sessions.begin(
            cell,
            key,
            workspace_id,
            person,
            how="sso",
            until=outcome.ends_at,
            **browsers.here(by.address),
        )
    except (SignInUnknown, NoLongerAllowed, OutsideNetworks) as refusal:
        reason = Reason.OUTSIDE_NETWORKS if isinstance(refusal, OutsideNetworks) else Reason.SWITCHED_OFF
        await journal.turned_away(cell, workspace_id, outcome.reference, reason.code)
        raise
    await signed_in(answer, cell, key, workspace_id, word, None)
    return answer


def leaving(key: str, started: beginning.Started) -> Response:
    """A page that goes on to the identity provider by itself.

    A redirect would do but for the pages' policy: `form-action` holds for every redirect of a form that was sent, and
    nobody knows to how many hosts an identity provider sends people on.
    """
    answer = pages.draw("sso/leaving.html", url=started.url)
    answer.headers["Refresh"] = f"0;url={started.url}"
    cookies.keep(answer, entering.cookie_name(digest(started.nonce)), started.nonce, entering.COOKIE_LIFE_S)
    return answer


async def refused(key: str, refusal: Refusal) -> Response:
    """What a person sees where a sign-in does not go on."""
    if not wants_page():
        raise refusal
    way_out = {"url": f"/w/{key}/sign-in", "text": pages.gettext("Go to the sign-in page")}
    status = STATUS[refusal.kind]
    answer = pages.draw("error.html", status, status=status, way_out=way_out, **pages.told(refusal))
    if refusal.retry_after_s is not None:
        answer.headers["Retry-After"] = str(refusal.retry_after_s)
    return answer
