"""The members of a workspace, for its admins."""

from uuid import UUID

from quart import Response, redirect
from werkzeug.wrappers import Response as Redirect

from cell import resources
from cell.people import queries, service
from cell.sessions.store import Sessions
from cell.sessions.subjects import Admin
from cell.ui import forms, pages
from kit.web import Routes
from kit.web.forms import filled

routes = Routes("people")


@routes.get("/w/<key>/people")
async def show(by: Admin, key: str) -> Response:
    """The members."""
    return await _page(by, 200, None)


@routes.post("/w/<key>/people")
async def create(by: Admin, key: str) -> Response | Redirect:
    """Add a member; what cannot be used comes back with the reason at the field."""
    form = await filled(service.NewPerson)
    errors = forms.in_words(form.wrong)
    if form.value is not None:
        try:
            async with resources.current().database.writing(by.workspace_id) as tx:
                await service.create(tx, by.actor, form.value)
            return redirect(f"/w/{key}/people", 303)
        except service.AlreadyAMember as refusal:
            errors = {"email": pages.gettext(refusal.title)}
    typed = {name: form.typed.get(name, "") for name in ("name", "email", "role")}
    return await _page(by, 422, {**typed, "errors": errors})


@routes.post("/w/<key>/people/<uuid:person_id>/deactivate")
async def deactivate(by: Admin, key: str, person_id: UUID) -> Redirect:
    """Switch a member off: out at once, everywhere."""
    cell = resources.current()
    async with cell.database.writing(by.workspace_id) as tx:
        person = await service.set_active(tx, by.actor, person_id, active=False)
    await Sessions(cell.redis, key, by.workspace_id).end_all(person.id)
    return redirect(f"/w/{key}/people", 303)


@routes.post("/w/<key>/people/<uuid:person_id>/reactivate")
async def reactivate(by: Admin, key: str, person_id: UUID) -> Redirect:
    """Switch a member on again."""
    async with resources.current().database.writing(by.workspace_id) as tx:
        await service.set_active(tx, by.actor, person_id, active=True)
    return redirect(f"/w/{key}/people", 303)


async def _page(by: Admin, status: int, form: dict[str, object] | None) -> Response:
    async with resources.current().database.reading(by.workspace_id) as tx:
        found = await tx.all(queries.everyone())
    people = [{"id": p.id, "name": p.name, "email": p.email, "role": p.role, "active": p.active} for p in found]
    extra = {} if form is None else {"form": form}
    return pages.draw_for(by, "people/people.html", "people", status, people=people, **extra)
