"""The audit log, for whoever may see it."""

from typing import Annotated

from pydantic import BaseModel, Field
from quart import Response

from cell import resources
from cell.audit import queries, service
from cell.people import service as people
from cell.people.permissions import Permission
from cell.sessions.subjects import Member
from cell.ui import pages
from kit.web import Routes, Scope

routes = Routes("audit")

Reader = Annotated[Member, Scope(Permission.AUDIT_READ)]


class Filter(BaseModel):
    """Which entries to show."""

    action: Annotated[str, Field(max_length=60)] = ""
    actor: Annotated[str, Field(max_length=254)] = ""
    cursor: Annotated[int | None, Field(ge=1)] = None


@routes.get("/w/<key>/audit")
async def show(by: Reader, key: str, wanted: Filter) -> Response:
    """The log, newest first."""
    async with resources.current().database.reading(by.workspace_id) as tx:
        actors = await people.ids_like(tx, wanted.actor) if wanted.actor else None
        lines, cursor = await service.page(tx, before=wanted.cursor, action=wanted.action or None, actors=actors)
        actions = await tx.all(queries.actions())
    entries = [
        {
            "seq": line.seq,
            "at": line.at,
            "actor": line.actor_name or line.actor_kind,
            "action": line.action,
            "target": line.personal.get("name") or f"{line.target_kind} {line.target_id[:8]}",
            "details": {name: _text(value) for name, value in line.details.items()},
        }
        for line in lines
    ]
    return pages.draw_for(
        by,
        "audit/audit.html",
        "audit",
        entries=entries,
        actions=actions,
        filters={"actor": wanted.actor, "action": wanted.action},
        next_cursor=None if cursor is None else str(cursor),
    )


def _text(value: object) -> str:
    return ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)
