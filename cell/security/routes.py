"""The workspace's security policy, for whoever may see or change it."""

from typing import Annotated

from quart import Response, redirect, request
from werkzeug.wrappers import Response as Redirect

from cell import resources
from cell.people.permissions import Permission
from cell.security import service
from cell.security.service import DEFAULT, Policy
from cell.sessions.subjects import Member
from cell.ui import forms, pages
from kit.web import Routes, Scope
from kit.web.forms import filled

routes = Routes("security")

Reader = Annotated[Member, Scope(Permission.SECURITY_READ)]
Writer = Annotated[Member, Scope(Permission.SECURITY_CHANGE)]


@routes.get("/w/<key>/security")
async def show(by: Reader, key: str) -> Response:
    """The policy."""
    return _page(by, 200, _values(by.policy), {}, saved="saved" in request.args)


@routes.post("/w/<key>/security")
async def change(by: Writer, key: str) -> Response | Redirect:
    """Store another policy; it holds from everybody's next click on."""
    cell = resources.current()
    form = await filled(service.NewPolicy)
    errors = forms.in_words(form.wrong)
    if form.value is not None:
        try:
            async with cell.database.writing(by.workspace_id) as tx:
                await service.change(tx, cell.redis, by.actor, request.remote_addr or "", form.value)
            return redirect(f"/w/{key}/security?saved", 303)
        except service.OwnAddressLeftOut as refusal:
            errors = {"networks": f"{pages.gettext(refusal.title)}. {pages.gettext(refusal.detail)}"}
    return _page(by, 422, {**_values(DEFAULT), "factor_roles": [], **form.typed}, errors)


def _values(policy: Policy) -> dict[str, object]:
    return {
        "second_factor": policy.second_factor,
        "factor_roles": list(policy.factor_roles),
        "idle_minutes": int(policy.idle.total_seconds()) // 60,
        "absolute_hours": int(policy.absolute.total_seconds()) // 3600,
        "networks": "\n".join(policy.networks),
    }


def _page(
    by: Member, status: int, values: dict[str, object], errors: dict[str, str], *, saved: bool = False
) -> Response:
    return pages.draw_for(
        by,
        "security/security.html",
        "security",
        status,
        values=values,
        errors=errors,
        saved=saved,
        address=request.remote_addr,
        changes=Permission.SECURITY_CHANGE in by.may,
    )
