"""A forgotten password: asking for the mail, and the page that the mail leads to."""

import re

from pydantic import BaseModel
from quart import Response, redirect
from werkzeug.wrappers import Response as Redirect

from cell import resources
from cell.people import passwords, resetting, service
from cell.people.models import Person
from cell.sessions import cookies
from cell.ui import forms, pages
from cell.workspaces import service as workspaces
from contracts.tokens import Bearer, Kind
from kit.web import Routes
from kit.web.forms import filled
from kit.web.problems import STATUS
from kit.web.subjects import Anyone

routes = Routes("reset")

_SECRET = re.compile(r"[0-9a-f]{64}")


class Asked(BaseModel):
    """The address that the form asks for."""

    email: service.Email


class NewPassword(BaseModel):
    """A new password."""

    password: service.NewPassword


@routes.get("/w/<key>/forgotten")
async def ask_form(by: Anyone, key: str) -> Response:
    """The form that asks for the address."""
    return await _forgotten(key, 200)


@routes.post("/w/<key>/forgotten")
async def ask(by: Anyone, key: str) -> Response:
    """Have a mail sent; whoever it is, the answer is the same."""
    cell = resources.current()
    workspace_id = await workspaces.id_of(cell.database, key)
    form = await filled(Asked)
    if form.value is None:
        return await _forgotten(key, 422, error=forms.in_words(form.wrong)["email"])
    await resetting.ask(cell, workspace_id, form.value.email, by.address, pages.language())
    return await _forgotten(key, 200, asked=True)


@routes.get("/w/<key>/reset/<secret>")
async def reset_form(by: Anyone, key: str, secret: str) -> Response:
    """Where the mail leads. Opening it changes nothing: mail scanners open every link."""
    cell = resources.current()
    try:
        async with cell.database.reading(await workspaces.id_of(cell.database, key)) as tx:
            person = await resetting.presented(tx, _digest(key, secret))
    except resetting.ResetOver as over:
        return await _over(key, over)
    return await _reset(key, 200, secret, person)


@routes.post("/w/<key>/reset/<secret>")
async def reset(by: Anyone, key: str, secret: str) -> Response | Redirect:
    """Store the new password, and end every session of the person."""
    cell = resources.current()
    workspace_id = await workspaces.id_of(cell.database, key)
    form = await filled(NewPassword)
    try:
        digest = _digest(key, secret)
        async with cell.database.reading(workspace_id) as tx:
            person, workspace = await resetting.presented(tx, digest), await workspaces.get(tx)
        if form.value is None:
            return await _reset(key, 422, secret, person, forms.in_words(form.wrong)["password"])
        await passwords.refuse_weak(cell, form.value.password, person.name, person.email, workspace.name)
        new_hash = await passwords.hashed(form.value.password)
        async with cell.database.writing(workspace_id) as tx:
            account = await resetting.reset(tx, cell.redis, digest, new_hash, by.address)
    except resetting.ResetOver as over:
        return await _over(key, over)
    except passwords.WeakPassword as weak:
        return await _reset(key, 422, secret, person, pages.gettext(weak.detail))
    answer = redirect(f"/w/{key}/sign-in?after=reset", 303)
    cookies.remember_device(answer, cell.settings, key, workspace_id, account)
    return answer


def _digest(key: str, secret: str) -> bytes:
    """The digest of a mail's word. Raises ResetOver for what is none."""
    if not _SECRET.fullmatch(secret):
        raise resetting.ResetOver
    return Bearer(Kind.RESET, key, secret).digest


async def _forgotten(key: str, status: int, *, asked: bool = False, error: str | None = None) -> Response:
    frame = await pages.frame_of(key)
    return pages.draw("people/forgotten.html", status, **frame, asked=asked, error=error)


async def _reset(key: str, status: int, secret: str, person: Person, error: str | None = None) -> Response:
    frame = await pages.frame_of(key)
    return pages.draw("people/reset.html", status, **frame, secret=secret, email=person.email, over=None, error=error)


async def _over(key: str, over: resetting.ResetOver) -> Response:
    frame, told = await pages.frame_of(key), pages.told(over)
    return pages.draw("people/reset.html", STATUS[over.kind], **frame, secret="", email="", over=told, error=None)
