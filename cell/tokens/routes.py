"""API tokens, for whoever may see or change them."""

from typing import Annotated
from uuid import UUID

from quart import Response, redirect
from werkzeug.wrappers import Response as Redirect

from cell import resources
from cell.people.permissions import Permission
from cell.sessions.subjects import Member
from cell.tokens import queries, service
from cell.ui import forms, pages
from kit.web import Routes, Scope
from kit.web.forms import filled

routes = Routes("tokens")

Reader = Annotated[Member, Scope(Permission.TOKENS_READ)]
Writer = Annotated[Member, Scope(Permission.TOKENS_CHANGE)]


@routes.get("/w/<key>/tokens")
async def show(by: Reader, key: str) -> Response:
    """The tokens."""
    return await _page(by, 200)


@routes.post("/w/<key>/tokens")
async def create(by: Writer, key: str) -> Response:
    """Make a token; its word is on the page that answers, and nowhere after."""
    form = await filled(service.NewToken)
    if form.value is None:
        return await _page(by, 422, form={"name": "", "scopes": [], **form.typed, "errors": forms.in_words(form.wrong)})
    async with resources.current().database.writing(by.workspace_id) as tx:
        made = await service.create(tx, by.actor, key, form.value)
    return await _page(by, 201, made={"name": made.token.name, "token": made.word.text})


@routes.post("/w/<key>/tokens/<uuid:token_id>/revoke")
async def revoke(by: Writer, key: str, token_id: UUID) -> Redirect:
    """End a token."""
    async with resources.current().database.writing(by.workspace_id) as tx:
        await service.revoke(tx, by.actor, token_id)
    return redirect(f"/w/{key}/tokens", 303)


async def _page(by: Member, status: int, **extra: object) -> Response:
    async with resources.current().database.reading(by.workspace_id) as tx:
        found = await tx.all(queries.newest_first())
    tokens = [
        {
            "id": one.id,
            "name": one.name,
            "scopes": one.scopes,
            "created_at": one.created_at,
            "last_used_at": one.last_used_at,
            "expires_at": one.expires_at,
            "revoked_at": one.revoked_at,
        }
        for one in found
    ]
    return pages.draw_for(by, "tokens/tokens.html", "tokens", status, tokens=tokens, **{"made": None, **extra})
