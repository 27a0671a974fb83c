"""The sign-in log, for whoever sets single sign-on up and for auditors."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field
from quart import Response

from cell import resources
from cell.people.permissions import Permission
from cell.sessions.subjects import Member
from cell.sso import admin_views, connections, journal, queries
from cell.ui import pages
from kit import cursors
from kit.web import Routes, Scope

routes = Routes("sign-ins")

Reader = Annotated[Member, Scope(Permission.SSO_READ)]

PAGE = 50


class Filter(BaseModel):
    """Which lines to show."""

    name: Annotated[str, Field(max_length=254)] = ""
    outcome: Annotated[str, Field(max_length=40)] = ""  # good, refused, or a reason
    purpose: Literal["", "sign-in", "test", "fresh"] = ""
    cursor: Annotated[str, Field(max_length=100)] = ""


@routes.get("/w/<key>/sign-ins")
async def show(by: Reader, key: str, wanted: Filter) -> Response:
    """The log, newest first."""
    async with resources.current().database.reading(by.workspace_id) as tx:
        found, onward = await journal.find(
            tx,
            before=cursors.decode(wanted.cursor),
            limit=PAGE,
            name=wanted.name,
            outcome=wanted.outcome,
            purpose=wanted.purpose,
        )
        reasons = await tx.all(queries.reasons())
    connection = connections.of(resources.current(), key)
    return pages.draw_for(
        by,
        "sso/log.html",
        "sign-ins",
        lines=[admin_views.line(one, connection) for one in found],
        reasons=reasons,
        filters={"name": wanted.name, "outcome": wanted.outcome, "purpose": wanted.purpose},
        next_cursor=cursors.encode(onward),
    )


@routes.get("/w/<key>/sign-ins/<reference>")
async def one(by: Reader, key: str, reference: str) -> Response:
    """One line, with what of the answer may be shown."""
    async with resources.current().database.reading(by.workspace_id) as tx:
        line = await tx.one(queries.by_reference(reference))
    shown = admin_views.line(line, connections.of(resources.current(), key))
    return pages.draw_for(by, "sso/log_line.html", "sign-ins", line=shown)
