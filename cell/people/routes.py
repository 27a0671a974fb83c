"""The members of a workspace: who they are, what they may, and whether they may come in."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field
from quart import Response, redirect
from werkzeug.wrappers import Response as Redirect

from cell import resources
from cell.factors import service as factors
from cell.people import queries, service
from cell.people.models import Person
from cell.people.permissions import Permission, Role
from cell.sessions.rotating import rotate
from cell.sessions.subjects import Member
from cell.ui import pages, words
from kit.refusals import NotFound, Refusal
from kit.web import Routes, Scope
from kit.web.problems import STATUS, wants_page

routes = Routes("people")

Reader = Annotated[Member, Scope(Permission.MEMBERS_READ)]
Writer = Annotated[Member, Scope(Permission.MEMBERS_CHANGE)]

PAGE = 50


class Filter(BaseModel):
    """Which members to show."""

    q: Annotated[str, Field(max_length=254)] = ""
    role: Role | Literal[""] = ""
    state: Literal["", "active", "off"] = ""
    page: Annotated[int, Field(ge=1, le=10_000)] = 1


class NewRole(BaseModel):
    """The role that is chosen."""

    role: Role


class Removal(BaseModel):
    """The member's address, typed once more: removing cannot be undone."""

    email: Annotated[str, Field(max_length=254)] = ""


@routes.get("/w/<key>/people")
async def show(by: Reader, key: str, wanted: Filter) -> Response:
    """The members."""
    active = {"": None, "active": True, "off": False}[wanted.state]
    async with resources.current().database.reading(by.workspace_id) as tx:
        found = await tx.all(queries.members(wanted.q, wanted.role, active, (wanted.page - 1) * PAGE, PAGE + 1))
        count = await tx.one(queries.count(wanted.q, wanted.role, active))
    return pages.draw_for(
        by,
        "people/people.html",
        "people",
        people=[_view(one) for one in found[:PAGE]],
        count=count,
        filters={"q": wanted.q, "role": wanted.role, "state": wanted.state},
        page={"number": wanted.page, "more": len(found) > PAGE},
    )


@routes.get("/w/<key>/people/<uuid:person_id>")
async def one(by: Reader, key: str, person_id: UUID) -> Response:
    """One member, and what can be changed about them."""
    return await _page(by, person_id, 200, None)


@routes.post("/w/<key>/people/<uuid:person_id>/role")
async def change_role(by: Writer, key: str, person_id: UUID, wanted: NewRole) -> Response | Redirect:
    """Give a member another role; they sign in again with it."""
    cell = resources.current()
    try:
        async with cell.database.writing(by.workspace_id) as tx:
            await service.change_role(tx, cell.redis, by.actor, person_id, wanted.role, but=by.session)
    except Refusal as refusal:
        return await _refused(by, person_id, refusal)
    answer = redirect(f"/w/{key}/people/{person_id}", 303)
    if person_id == by.person.id:
        await rotate(answer, by)
    return answer


@routes.post("/w/<key>/people/<uuid:person_id>/deactivate")
async def deactivate(by: Writer, key: str, person_id: UUID) -> Response | Redirect:
    """Switch a member off: out at once, everywhere."""
    return await _switch(by, key, person_id, active=False)


@routes.post("/w/<key>/people/<uuid:person_id>/reactivate")
async def reactivate(by: Writer, key: str, person_id: UUID) -> Response | Redirect:
    """Switch a member on again."""
    return await _switch(by, key, person_id, active=True)


@routes.post("/w/<key>/people/<uuid:person_id>/remove")
async def remove(by: Writer, key: str, person_id: UUID, typed: Removal) -> Response | Redirect:
    """Take a member out of the workspace; what they made stays."""
    cell = resources.current()
    try:
        async with cell.database.writing(by.workspace_id) as tx:
            person = await tx.one(queries.by_id(person_id))
            if service.normalised(typed.email) != person.email_norm:
                raise service.AddressDiffers
            await service.remove(tx, cell.redis, by.actor, person_id)
    except Refusal as refusal:
        return await _refused(by, person_id, refusal)
    return redirect(f"/w/{key}/people", 303)


async def _switch(by: Member, key: str, person_id: UUID, *, active: bool) -> Response | Redirect:
    cell = resources.current()
    try:
        async with cell.database.writing(by.workspace_id) as tx:
            await service.set_active(tx, cell.redis, by.actor, person_id, active=active)
    except Refusal as refusal:
        return await _refused(by, person_id, refusal)
    return redirect(f"/w/{key}/people/{person_id}", 303)


async def _refused(by: Member, person_id: UUID, refusal: Refusal) -> Response:
    """People see the reason on the page where they were; scripts get the problem."""
    if not wants_page() or isinstance(refusal, NotFound):
        raise refusal
    return await _page(by, person_id, STATUS[refusal.kind], pages.told(refusal))


async def _page(by: Member, person_id: UUID, status: int, error: dict[str, str] | None) -> Response:
    async with resources.current().database.reading(by.workspace_id) as tx:
        person = await tx.one(queries.by_id(person_id))
        last = person.role == Role.OWNER and await tx.first(queries.other_owners(person.id)) is None
        second = await factors.has_one(tx, person.id)
    above = person.role == Role.OWNER and Permission.OWNERS_CHANGE not in by.may
    return pages.draw_for(
        by,
        "people/person.html",
        "people",
        status,
        person=_view(person),
        refused=error,
        changes=Permission.MEMBERS_CHANGE in by.may and not above,
        makes_owners=Permission.OWNERS_CHANGE in by.may,
        last_owner=last,
        factors=second,
    )


def _view(person: Person) -> dict[str, object]:
    return {
        "id": person.id,
        "name": person.name,
        "initials": words.initials(person.name),
        "email": person.email,
        "role": person.role,
        "active": person.active,
        "created_at": person.created_at,
        "last_seen_at": person.last_seen_at,
    }
