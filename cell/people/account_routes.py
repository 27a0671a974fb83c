"""One's own account: who one is here, and one's password."""

from typing import Annotated

from pydantic import BaseModel, Field
from quart import Response

from cell import resources
from cell.people import passwords, queries, resetting, service
from cell.people.permissions import Permission
from cell.sessions import cookies
from cell.sessions.subjects import Member
from cell.ui import forms, pages
from kit.passwords import LONGEST
from kit.web import Routes, Scope
from kit.web.forms import filled

routes = Routes("account")

Oneself = Annotated[Member, Scope(Permission.OWN)]

TRIES, WINDOW_S = 10, 900  # of the present password


class ChangedPassword(BaseModel):
    """A new password, from whoever knows the present one."""

    current: Annotated[str, Field(min_length=1, max_length=LONGEST)]
    password: service.NewPassword


@routes.get("/w/<key>/account")
async def show(by: Oneself, key: str) -> Response:
    """One's own account."""
    return await _page(by, 200)


@routes.post("/w/<key>/account/password")
async def change_password(by: Oneself, key: str) -> Response:
    """Choose another password; every other session ends."""
    cell = resources.current()
    form = await filled(ChangedPassword)
    if form.value is None:
        return await _page(by, 422, errors=forms.in_words(form.wrong))
    await cell.rates.take("own-password", str(by.person.id), most=TRIES, per_s=WINDOW_S)
    async with cell.database.reading(by.workspace_id) as tx:
        held = await service.account(tx, by.person.email)
    if held is None or not await passwords.matches(held.hash, form.value.current):
        return await _page(by, 422, errors={"current": pages.gettext("This is not your present password.")})
    try:
        await passwords.refuse_weak(cell, form.value.password, by.person.name, by.person.email, by.workspace.name)
    except passwords.WeakPassword as weak:
        return await _page(by, 422, errors={"password": pages.gettext(weak.detail)})
    new_hash = await passwords.hashed(form.value.password)
    async with cell.database.writing(by.workspace_id) as tx:
        account = await resetting.change(tx, cell.redis, by.actor, by.person, new_hash, but=by.session)
    answer = await _page(by, 200, changed=True)
    cookies.remember_device(answer, cell.settings, key, by.workspace_id, account)
    return answer


async def _page(by: Member, status: int, errors: dict[str, str] | None = None, *, changed: bool = False) -> Response:
    async with resources.current().database.reading(by.workspace_id) as tx:
        held = await tx.first(queries.password_of(by.person.id))
    return pages.draw_for(
        by,
        "people/account.html",
        "account",
        status,
        password_changed_at=None if held is None else held.changed_at,
        errors=errors or {},
        changed=changed,
    )
