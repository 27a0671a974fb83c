"""Signing in and out, and one's own sessions."""

from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit
from uuid import UUID

from pydantic import BaseModel, Field
from quart import Response, redirect
from werkzeug.wrappers import Response as Redirect

from cell import resources
from cell.people.permissions import Permission
from cell.sessions import browsers, cookies, service
from cell.sessions.store import Sessions
from cell.sessions.subjects import Member
from cell.sso import connections
from cell.sso.enforcing import enforced
from cell.ui import pages
from cell.workspaces import service as workspaces
from kit.passwords import LONGEST
from kit.refusals import Refusal
from kit.web import Routes, Scope
from kit.web.problems import STATUS, wants_page
from kit.web.subjects import Anyone

routes = Routes("sessions")

Oneself = Annotated[Member, Scope(Permission.OWN)]


class Credentials(BaseModel):
    """What the sign-in form sends."""

    email: Annotated[str, Field(max_length=254)] = ""
    password: Annotated[str, Field(max_length=LONGEST)] = ""
    next: Annotated[str, Field(max_length=2000)] = ""


class Onward(BaseModel):
    """Where to go after signing in, what one has just done, and by which way one wants in."""

    next: Annotated[str, Field(max_length=2000)] = ""
    after: Literal["", "reset"] = ""
    sso: bool = False  # at once, without another press
    password: bool = False  # by password, even where that is for owners alone


@routes.get("/w/<key>")
async def home(by: Oneself, key: str) -> Redirect:
    """The workspace's front page is its library."""
    return redirect(f"/w/{key}/library")


@routes.get("/w/<key>/sign-in")
async def form(by: Anyone, key: str, onward: Onward) -> Response:
    """The sign-in form."""
    return await _form(key, "", onward.next, None, onward.after, at_once=onward.sso, password=onward.password)


@routes.post("/w/<key>/sign-in")
async def sign_in(by: Anyone, key: str, sent: Credentials) -> Response | Redirect:
    """Begin a session; a wrong password gets the form again."""
    cell = resources.current()
    workspace_id = await workspaces.id_of(cell.database, key)
    try:
        made = await service.sign_in(
            cell, key, workspace_id, sent.email, sent.password, browsers.present(), by.address, cookies.device_of(key)
        )
    except (service.WrongPassword, service.TooManyAttempts) as refusal:
        if isinstance(refusal, service.TooManyAttempts) and not wants_page():
            raise
        return await _form(key, sent.email, sent.next, refusal)
    await end_earlier(cell, key, workspace_id)
    answer = redirect(own_path(key, sent.next), 303)
    cookies.begin(answer, key, made.word)
    cookies.remember_device(answer, cell.settings, key, workspace_id, made.account)
    return answer


@routes.post("/w/<key>/sign-out")
async def sign_out(by: Oneself, key: str) -> Redirect:
    """End this session."""
    await _sessions(by).end(by.person.id, by.session.id)
    answer = redirect(f"/w/{key}/sign-in", 303)
    cookies.end(answer, key)
    return answer


@routes.get("/w/<key>/sessions")
async def mine(by: Oneself, key: str) -> Response:
    """One's own sessions."""
    found = [
        {
            "id": one.id,
            "browser": one.browser,
            "address": one.address,
            "created_at": one.created,
            "last_seen_at": one.seen,
            "current": one.id == by.session.id,
        }
        for one in await _sessions(by).of_person(by.person.id)
    ]
    return pages.draw_for(by, "sessions/sessions.html", "account", sessions=found)


@routes.post("/w/<key>/sessions/<session_id>/revoke")
async def revoke(by: Oneself, key: str, session_id: str) -> Redirect:
    """End one of one's own sessions."""
    await _sessions(by).end(by.person.id, session_id)
    return redirect(f"/w/{key}/sessions", 303)


@routes.post("/w/<key>/sessions/revoke-others")
async def revoke_others(by: Oneself, key: str) -> Redirect:
    """End all of one's own sessions but this one."""
    await _sessions(by).end_all(by.person.id, but=by.session.id)
    return redirect(f"/w/{key}/sessions", 303)


def _sessions(by: Member) -> Sessions:
    return Sessions(resources.current().redis, by.workspace.key, by.workspace_id)


async def end_earlier(cell: resources.Cell, key: str, workspace_id: UUID) -> None:
    """Signing in rotates the session: whoever knew this browser's earlier word knows nothing of the new one."""
    sessions = Sessions(cell.redis, key, workspace_id)
    earlier = await sessions.find(cookies.presented(key))
    if earlier is not None:
        await sessions.end(earlier.person_id, earlier.id)


def own_path(key: str, path: str) -> str:
    """`path` if it is a page of this workspace, else its library: never anybody else's address."""
    # Browsers drop control characters, read a backslash as a slash, and step up at `..`, escaped or not.
    plain = path.startswith(f"/w/{key}/") and path.isprintable() and "\\" not in path
    own = plain and not {".", ".."} & set(unquote(urlsplit(path).path).split("/"))
    return path if own else f"/w/{key}/library"


async def _form(
    key: str,
    email: str,
    onward: str,
    refusal: Refusal | None,
    after: str = "",
    *,
    at_once: bool = False,
    password: bool = False,
) -> Response:
    cell = resources.current()
    frame = await pages.frame_of(key)
    sso = connections.enabled(cell, key)
    async with cell.database.reading(await workspaces.id_of(cell.database, key)) as tx:
        alone = await enforced(tx, cell)
    answer = pages.draw(
        "sessions/sign_in.html",
        200 if refusal is None else STATUS[refusal.kind],
        **frame,
        email=email,
        next=onward,
        after=after,
        refused=None if refusal is None else pages.told(refusal),
        sso=sso is not None,
        at_once=at_once and refusal is None,
        alone=alone,
        password=not alone or password or refusal is not None or after == "reset",
    )
    if refusal is not None and refusal.retry_after_s is not None:
        answer.headers["Retry-After"] = str(refusal.retry_after_s)
    return answer
