"""The audit log, for whoever may see it."""

from typing import Annotated

from pydantic import Field
from quart import Response

from cell import resources
from cell.actors import ActorKind
from cell.audit import export, finding, heads, queries, service
from cell.audit.finding import Filter
from cell.people.permissions import Permission
from cell.sessions.store import Sessions
from cell.sessions.subjects import Member
from cell.ui import pages
from kit.database import now
from kit.marking import N_
from kit.refusals import Kind, Refusal
from kit.web import Routes, Scope

routes = Routes("audit")

Reader = Annotated[Member, Scope(Permission.AUDIT_READ)]

EXPORTS, WINDOW_S = 60, 3600  # of one workspace: each reads the whole log
MEDIA_TYPES = {export.Form.CSV: "text/csv; charset=utf-8", export.Form.JSON_LINES: "application/x-ndjson"}
WHO = {
    ActorKind.PERSON: N_("Somebody who was erased"),
    ActorKind.TOKEN: N_("An API token"),
    ActorKind.CUSTOMER: N_("A customer"),
    ActorKind.SYSTEM: N_("Cellcast"),
}


class NoHeadYet(Refusal):
    """The log is younger than its first signed head."""

    kind = Kind.NOT_FOUND
    title = "There is no signed head yet"
    detail = "The first one is made ten minutes after the first entry. Try again then."


class Place(Filter):
    """Which entries to show, and where in the log."""

    before: Annotated[int | None, Field(ge=1, le=2**62)] = None
    after: Annotated[int | None, Field(ge=0, le=2**62)] = None


class Wish(Filter):
    """What the file is to be."""

    form: export.Form


@routes.get("/w/<key>/audit")
async def show(by: Reader, key: str, place: Place) -> Response:
    """The log, newest first."""
    signing_key = resources.current().settings.signing_key
    async with resources.current().database.reading(by.workspace_id) as tx:
        wanted = await finding.wanted(tx, place)
        found = await service.page(tx, wanted, before=place.before, after=place.after)
        if not found.lines:  # beyond either end there is nothing to see
            found = await service.page(tx, wanted)
        actions = await tx.all(queries.actions())
    return pages.draw_for(
        by,
        "audit/audit.html",
        "audit",
        entries=[_view(line) for line in found.lines],
        nouns=_by_noun(list(actions)),
        query=place.query,
        newer=found.lines[0].seq if found.lines and found.has_newer else None,
        older=found.lines[-1].seq if found.lines and found.has_older else None,
        public_key="" if signing_key is None else signing_key.public_text(),
    )


@routes.get("/w/<key>/audit/<int:seq>")
async def entry(by: Reader, key: str, seq: int) -> Response:
    """One entry with everything that is known of it."""
    async with resources.current().database.reading(by.workspace_id) as tx:
        found = await tx.one(queries.entry(min(seq, 2**62)))
        [line] = await service.lines(tx, [found])
        before = await tx.first(queries.hash_of(line.seq - 1))
        after = await tx.first(queries.hash_of(line.seq + 1))
    return pages.draw_for(
        by,
        "audit/entry.html",
        "audit",
        entry=_view(line),
        previous=None if before is None else before.hex(),
        has_next=after is not None,
    )


@routes.get("/w/<key>/audit/head")
async def head(by: Reader, key: str) -> Response:
    """The newest signed head, as a file to keep and to hold against later exports."""
    newest = await heads.newest(resources.current().bucket, by.workspace_id)
    if newest is None:
        raise NoHeadYet
    return _file(Response(newest.line, content_type=heads.MEDIA_TYPE), f"{key}-audit-head-{newest.head.n}.json")


@routes.post("/w/<key>/audit/export")
async def take(by: Reader, key: str, wish: Wish) -> Response:
    """The log as a file; taking it is an act of its own, and its last entry."""
    cell = resources.current()
    await cell.rates.take("audit-export", str(by.workspace_id), most=EXPORTS, per_s=WINDOW_S)
    begun = await export.begin(cell, by.workspace, by.actor, wish.form, wish)
    sessions = Sessions(cell.redis, key, by.workspace_id)

    async def alive() -> bool:
        return await sessions.get(by.session.id) is not None

    answer = Response(export.written(cell, begun, alive), content_type=MEDIA_TYPES[wish.form])
    answer.timeout = None  # Quart ends streams after a minute otherwise, without a word
    return _file(answer, f"{key}-audit-{now():%Y-%m-%d}.{wish.form}")


def _file(answer: Response, name: str) -> Response:
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _view(line: service.Line) -> dict[str, object]:
    itself = line.actor_name if line.target_id == str(line.actor_id) else ""
    return {
        "seq": line.seq,
        "at": line.at,
        "actor": line.actor_name or pages.gettext(WHO[ActorKind(line.actor_kind)]),
        "actor_kind": line.actor_kind,
        "actor_id": str(line.actor_id),
        "origin": line.origin,
        "action": line.action,
        "target": line.personal.get("name") or itself or f"{line.target_kind} {line.target_id[:8]}",
        "target_kind": line.target_kind,
        "target_id": line.target_id,
        "personal": line.personal,
        "details": {name: _text(value) for name, value in line.details.items()},
        "request_id": line.request_id,
        "hash": line.hash.hex(),
        "stored": service.shown(line),
    }


def _by_noun(actions: list[str]) -> dict[str, list[str]]:
    """Actions under the noun that they begin with."""
    found: dict[str, list[str]] = {}
    for action in actions:
        found.setdefault(action.partition(".")[0], []).append(action)
    return found


def _text(value: object) -> str:
    return ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)
