"""The workspace's domains: which there are, what has to stand in their DNS, and whether it does."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field
from quart import Response, redirect
from werkzeug.wrappers import Response as Redirect

from cell import resources
from cell.domains import queries, service
from cell.domains.models import Domain
from cell.people.permissions import Permission
from cell.sessions.subjects import Member
from cell.sso import connections
from cell.ui import pages
from contracts.signing_in import DOMAIN_CHECK, DomainToCheck, NameServersSilent
from kit.calls import PeerUnavailable
from kit.refusals import Refusal
from kit.web import Routes, Scope
from kit.web.problems import STATUS

routes = Routes("domains")

Reader = Annotated[Member, Scope(Permission.SSO_READ)]
Writer = Annotated[Member, Scope(Permission.SSO_CHANGE)]

CHECKS, WINDOW_S = 60, 3600  # of one workspace: each asks name servers of others


class Typed(BaseModel):
    """A domain, as somebody types it."""

    domain: Annotated[str, Field(max_length=300)] = ""


@routes.get("/w/<key>/domains")
async def show(by: Reader, key: str) -> Response:
    """The domains."""
    return await _page(by)


@routes.post("/w/<key>/domains")
async def add(by: Writer, key: str, typed: Typed) -> Response | Redirect:
    """Add one; what is to be done for it stands on the page then."""
    try:
        async with resources.current().database.writing(by.workspace_id) as tx:
            await service.add(tx, by.actor, typed.domain)
    except Refusal as refusal:
        return await _page(by, refusal, typed.domain)
    return redirect(f"/w/{key}/domains", 303)


@routes.post("/w/<key>/domains/<uuid:domain_id>/check")
async def check(by: Writer, key: str, domain_id: UUID) -> Response | Redirect:
    """Look into its DNS, now."""
    cell = resources.current()
    await cell.rates.take("domain-check", str(by.workspace_id), most=CHECKS, per_s=WINDOW_S)
    async with cell.database.reading(by.workspace_id) as tx:
        domain = await tx.one(queries.by_id(domain_id))
    try:
        calls, provisioning = connections.provisioning(cell)
        wanted = DomainToCheck(workspace_id=by.workspace_id, domain=domain.domain, token=domain.token)
        answer = await calls.call(provisioning, DOMAIN_CHECK, wanted)
    except (PeerUnavailable, NameServersSilent) as refusal:
        return await _page(by, refusal)
    async with cell.database.writing(by.workspace_id) as tx:
        await service.checked(tx, by.actor, domain_id, answer)
    return redirect(f"/w/{key}/domains#domain-{domain_id}", 303)


@routes.post("/w/<key>/domains/<uuid:domain_id>/remove")
async def remove(by: Writer, key: str, domain_id: UUID, typed: Typed) -> Response | Redirect:
    """Take it off the list."""
    try:
        async with resources.current().database.writing(by.workspace_id) as tx:
            await service.remove(tx, by.actor, domain_id, typed.domain)
    except service.DomainDiffers as refusal:
        return await _page(by, refusal)
    return redirect(f"/w/{key}/domains", 303)


async def _page(by: Member, refusal: Refusal | None = None, typed: str = "") -> Response:
    cell = resources.current()
    async with cell.database.reading(by.workspace_id) as tx:
        found = await tx.all(queries.everything())
    return pages.draw_for(
        by,
        "domains/domains.html",
        "domains",
        200 if refusal is None else STATUS[refusal.kind],
        domains=[_view(one) for one in found],
        typed=typed,
        refused=None if refusal is None else pages.told(refusal),
        enforced=connections.enforced(cell, by.workspace.key),
        changes=Permission.SSO_CHANGE in by.may,
    )


def _view(domain: Domain) -> dict[str, object]:
    return {
        "id": domain.id,
        "name": domain.domain,
        "verified_at": domain.verified_at,
        "checked_at": domain.checked_at,
        "found": domain.found,
        "seen": domain.seen,
        "crowded": domain.crowded,
        "record_name": service.record_name(domain),
        "record_value": service.record_value(domain),
    }
