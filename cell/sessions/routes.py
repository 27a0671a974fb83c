"""Signing in and out, and one's own sessions."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field
from quart import Response, redirect
from werkzeug.wrappers import Response as Redirect

from cell import resources
from cell.audit import service as audit
from cell.factors import service as factors
from cell.people.permissions import Permission
from cell.sessions import browsers, cookies, ending, half, service
from cell.sessions.arriving import own_path, signed_in
from cell.sessions.half import Halves
from cell.sessions.store import Session, Sessions
from cell.sessions.subjects import Member
from cell.sso import connections
from cell.sso.enforcing import enforced
from cell.ui import pages
from cell.workspaces import service as workspaces
from kit.database_errors import WorkspaceFrozen
from kit.passwords import LONGEST
from kit.refusals import Refusal
from kit.web import Routes, Scope
from kit.web.problems import STATUS, wants_page
from kit.web.subjects import Anyone

routes = Routes("sessions")

Oneself = Annotated[Member, Scope(Permission.OWN)]
Present = Annotated[Member, Scope(Permission.PRESENCE)]


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
        account = await service.by_password(
            cell, workspace_id, sent.email, sent.password, by.address, cookies.device_of(key)
        )
    except (service.WrongPassword, service.TooManyAttempts) as refusal:
        if isinstance(refusal, service.TooManyAttempts) and not wants_page():
            raise
        return await _form(key, sent.email, sent.next, refusal)
    chosen = account.changed_at.isoformat()
    async with cell.database.reading(workspace_id) as tx:
        two_steps = await factors.has_one(tx, account.person.id)
    if two_steps:
        halved = await Halves(cell.redis, workspace_id).begin(account.person.id, chosen, sent.next)
        answer = redirect(f"/w/{key}/sign-in/factor", 303)
        cookies.keep(answer, half.cookie_name(key), halved, int(half.LIFE.total_seconds()))
        return answer
    word = await service.begin(
        cell,
        key,
        workspace_id,
        account.person,
        how="password",
        password_of=chosen,
        **browsers.here(by.address),
    )
    answer = redirect(own_path(key, sent.next), 303)
    await signed_in(answer, cell, key, workspace_id, word, account)
    return answer


@routes.post("/w/<key>/sign-out")
async def sign_out(by: Present, key: str) -> Redirect:
    """End this session."""
    await _end(by, [by.session], "signed-out")
    answer = redirect(f"/w/{key}/sign-in", 303)
    cookies.end(answer, key)
    return answer


@routes.get("/w/<key>/sessions")
async def mine(by: Oneself, key: str) -> Response:
    """One's own sessions."""
    found = [
        {
            "id": one.id,
            "how": one.how,
            "factor": one.factor,
            "browser": one.browser,
            "address": one.address,
            "created_at": one.created,
            "last_seen_at": one.seen,
            "current": one.id == by.session.id,
        }
        for one in await _sessions(by).of_person(by.person.id)
        if not one.over(by.policy.idle, by.policy.absolute)
    ]
    return pages.draw_for(by, "sessions/sessions.html", "account", sessions=found)


@routes.post("/w/<key>/sessions/<session_id>/revoke")
async def revoke(by: Oneself, key: str, session_id: str) -> Redirect:
    """End one of one's own sessions."""
    await _end(by, [one for one in await _sessions(by).of_person(by.person.id) if one.id == session_id], "revoked")
    return redirect(f"/w/{key}/sessions", 303)


@routes.post("/w/<key>/sessions/revoke-others")
async def revoke_others(by: Oneself, key: str) -> Redirect:
    """End all of one's own sessions but this one."""
    others = [one for one in await _sessions(by).of_person(by.person.id) if one.id != by.session.id]
    await _end(by, others, "revoked")
    return redirect(f"/w/{key}/sessions", 303)


async def _end(by: Member, ended: list[Session], how: str) -> None:
    """End one's own sessions; that works while a workspace is frozen too, when nothing is sent or logged."""
    cell = resources.current()
    if not ended:
        return
    try:
        async with cell.database.writing(by.workspace_id) as tx:
            await ending.end(tx, cell.redis, ended)
            who = audit.Target("person", by.person.id)
            await audit.append(tx, by.actor, "session.end", who, {"how": how, "sessions": len(ended)})
    except WorkspaceFrozen:
        await ending.end_now(cell.redis, by.workspace_id, ended)


def _sessions(by: Member) -> Sessions:
    return Sessions(resources.current().redis, by.workspace.key, by.workspace_id)


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
