"""Setting single sign-on up, step by step: the identity provider, who gets which role, a test, switching it on."""

from collections.abc import Awaitable, Callable
from typing import Annotated, cast
from urllib.parse import urlsplit

from pydantic import BaseModel
from quart import Response, redirect, request
from werkzeug.wrappers import Response as Redirect

from cell import resources
from cell.actors import Actor
from cell.domains import queries as domains
from cell.people import queries as people
from cell.people.permissions import Permission
from cell.sessions import ending
from cell.sessions.subjects import Member
from cell.sso import admin_views, beginning, connections, provider, queries, saving
from cell.sso.admin_forms import Mapping, Typed, Version, WithProvider
from cell.sso.routes import leaving, refused
from cell.ui import pages
from contracts.identity import Connection, Vendor
from contracts.signing_in import (
    LARGEST_METADATA,
    SAML_FACTS,
    Answer,
    Facts,
    IdpFacts,
    MetadataRefused,
    OfKey,
    Purpose,
    SsoOff,
)
from kit.calls import PeerUnavailable
from kit.database import Writing
from kit.refusals import NotFound, Refusal, TooManyRequests
from kit.web import Routes, Scope
from kit.web.problems import STATUS

routes = Routes("sso-admin")

Reader = Annotated[Member, Scope(Permission.SSO_READ)]
Writer = Annotated[Member, Scope(Permission.SSO_CHANGE)]

READS, WINDOW_S = 60, 3600  # of metadata, by one workspace: each may ask servers of others


class Chosen(BaseModel):
    """Whose product it is, or that one is to be chosen anew."""

    vendor: Vendor | None = None
    choose: bool = False


@routes.get("/w/<key>/sso")
async def show(by: Reader, key: str, chosen: Chosen) -> Response:
    """How single sign-on stands; where there is none, which product it is to be."""
    return await _overview(by, choosing=chosen.choose)


@routes.get("/w/<key>/sso/provider")
async def provider_form(by: Writer, key: str, chosen: Chosen) -> Response:
    """What to enter at the identity provider, and what to bring from there."""
    return await _provider(by, chosen.vendor)


@routes.post("/w/<key>/sso/provider")
async def bring(by: Writer, key: str, sent: WithProvider) -> Response | Redirect:
    """Take the identity provider's metadata."""
    try:
        facts = await _read(by, sent)
        ours = await _facts(by)

        def change(before: Connection | None) -> Connection:
            after = provider.connected(before, facts, sent.vendor, by.workspace_id, ours.entity_id)
            if saving.shakes(before, after) and not sent.sure:
                raise saving.MayLockOut
            return after

        await _save(by, sent.version, change)
    except (Refusal, PeerUnavailable) as refusal:
        again = sent if not isinstance(refusal, saving.MayLockOut) else sent.filled(facts)
        return await _provider(by, sent.vendor, refusal, again)
    return redirect(f"/w/{key}/sso/mapping", 303)


@routes.get("/w/<key>/sso/our-certificates/<int:number>")
async def our_certificate(by: Writer, key: str, number: int) -> Response:
    """One of ours as the file that consoles want to have uploaded."""
    certificates = (await _facts(by)).certificates
    if number >= len(certificates):
        raise NotFound
    headers = {"Content-Disposition": 'attachment; filename="cellcast.cer"'}
    return Response(certificates[number].pem, content_type="application/x-x509-ca-cert", headers=headers)


@routes.post("/w/<key>/sso/certificates")
async def add_certificates(by: Writer, key: str, sent: WithProvider) -> Response | Redirect:
    """Take the certificates of newer metadata besides those that are there."""
    try:
        facts = await _read(by, sent)
        await _save(by, sent.version, lambda before: provider.with_certificates(_there(before), facts))
    except Refusal as refusal:
        return await _overview(by, refusal)
    return redirect(f"/w/{key}/sso", 303)


@routes.post("/w/<key>/sso/certificates/<fingerprint>/remove")
async def remove_certificate(by: Writer, key: str, fingerprint: str, sent: Version) -> Response | Redirect:
    """Believe a certificate no longer."""
    try:
        await _save(by, sent.version, lambda before: saving.without(_there(before), fingerprint))
    except Refusal as refusal:
        return await _overview(by, refusal)
    return redirect(f"/w/{key}/sso", 303)


@routes.get("/w/<key>/sso/mapping")
async def mapping_form(by: Writer, key: str) -> Response | Redirect:
    """Which attribute is what, and which group gives which role."""
    return await _mapping(by)


@routes.post("/w/<key>/sso/mapping")
async def map_attributes(by: Writer, key: str, sent: Mapping) -> Response | Redirect:
    """Take them."""
    try:
        await _save(by, sent.version, lambda before: provider.checked(sent.applied_to(_there(before))))
    except Refusal as refusal:
        return await _mapping(by, refusal, sent)
    return redirect(f"/w/{key}/sso/test", 303)


@routes.get("/w/<key>/sso/test")
async def test_form(by: Writer, key: str) -> Response | Redirect:
    """Try it, in a window of its own."""
    standing = await _standing(by)
    if standing.wanted is None:
        return redirect(f"/w/{key}/sso", 303)
    return _draw(by, "sso/test.html", standing, last=await _last_test(by, standing), verified=await _verified(by))


@routes.post("/w/<key>/sso/test")
async def test(by: Writer, key: str) -> Response:
    """Leave for the identity provider, to see what it says; nobody is signed in by it."""
    cell = resources.current()
    try:
        connection = connections.for_test(cell, key)
        started = await beginning.begin(cell, key, connection, by.session.address, Purpose.TEST, person_id=by.person.id)
    except (SsoOff, PeerUnavailable, TooManyRequests) as refusal:
        return await refused(key, refusal)
    return leaving(key, started)


@routes.get("/w/<key>/sso/test/last")
async def last_test(by: Reader, key: str) -> Response:
    """What came of it, as a piece of the page."""
    standing = await _standing(by)
    return _draw(by, "sso/_last_test.html", standing, last=await _last_test(by, standing))


@routes.get("/w/<key>/sso/tests/<reference>")
async def one_test(by: Reader, key: str, reference: str) -> Response:
    """What the identity provider said in a test, who that would be, and in which role."""
    async with resources.current().database.reading(by.workspace_id) as tx:
        line = await tx.one(queries.by_reference(reference))
    standing = await _standing(by)
    return _draw(by, "sso/test_shown.html", standing, line=admin_views.line(line, standing.wanted))


_Switch = Callable[[Writing, resources.Cell, str, Actor, int], Awaitable[object]]


@routes.post("/w/<key>/sso/enable")
async def enable(by: Writer, key: str, sent: Version) -> Response | Redirect:
    """Let people use it beside their passwords."""
    return await _switched(by, sent.version, saving.enable)


@routes.get("/w/<key>/sso/enforce")
async def enforce_form(by: Writer, key: str) -> Response | Redirect:
    """What follows when it is made the only way in: who is signed out, who keeps a password."""
    cell, standing = resources.current(), await _standing(by)
    async with cell.database.reading(by.workspace_id) as tx:
        owners = await tx.all(people.owners_with_password())
        found = await ending.local(tx, cell.redis)
    if standing.wanted is None or not standing.wanted.enabled or standing.wanted.enforced:
        return redirect(f"/w/{key}/sso", 303)
    out = {one.person_id for one in found if not one.over(by.policy.idle, by.policy.absolute)}
    return _draw(
        by,
        "sso/enforce.html",
        standing,
        signed_out=len(out),
        oneself=by.person.id in out,
        owners=[one.name for one in owners],
    )


@routes.post("/w/<key>/sso/enforce")
async def enforce(by: Writer, key: str, sent: Version) -> Response | Redirect:
    """Make it the only way in."""
    return await _switched(by, sent.version, saving.enforce)


@routes.post("/w/<key>/sso/relax")
async def relax(by: Writer, key: str, sent: Version) -> Response | Redirect:
    """Let people use passwords again."""
    return await _switched(by, sent.version, saving.relax)


@routes.post("/w/<key>/sso/disable")
async def disable(by: Writer, key: str, sent: Typed) -> Response | Redirect:
    """Let nobody use it."""
    return await _switched(by, sent.version, saving.disable, sent.name)


@routes.post("/w/<key>/sso/remove")
async def remove(by: Writer, key: str, sent: Typed) -> Response | Redirect:
    """Forget it."""
    return await _switched(by, sent.version, saving.remove, sent.name)


async def _switched(by: Member, version: int, switch: _Switch, typed: str | None = None) -> Response | Redirect:
    cell, key = resources.current(), by.workspace.key
    try:
        if typed is not None and typed.strip() != by.workspace.name:
            raise saving.NameDiffers
        async with cell.database.writing(by.workspace_id) as tx:
            wanted = await switch(tx, cell, key, by.actor, version)
    except Refusal as refusal:
        return await _overview(by, refusal)
    await saving.arrived(cell, key, cast(Connection | None, wanted))
    return redirect(f"/w/{key}/sso", 303)


async def _save(by: Member, version: int, change: Callable[[Connection | None], Connection]) -> None:
    cell, key = resources.current(), by.workspace.key
    async with cell.database.writing(by.workspace_id) as tx:
        wanted = await saving.save(tx, cell, key, by.actor, version, change)
    await saving.arrived(cell, key, wanted)


async def _read(by: Member, sent: WithProvider) -> IdpFacts:
    """What was brought says; metadata that is refused is in the audit log. Raises what `provider.read` does."""
    cell, brought = resources.current(), await _brought(by, sent)
    try:
        return await provider.read(cell, by.workspace_id, brought)
    except MetadataRefused as refusal:
        async with cell.database.writing(by.workspace_id) as tx:
            await saving.note_refused(tx, by.actor, _host(brought.url), refusal.detail)
        raise


def _host(url: str) -> str:
    """Whom an address names; empty where it names nobody."""
    try:
        return urlsplit(url.strip()).hostname or ""
    except ValueError:
        return ""


async def _brought(by: Member, sent: WithProvider) -> provider.Brought:
    """What was sent, with the file where there is one. Raises TooManyRequests."""
    await resources.current().rates.take("sso-metadata", str(by.workspace_id), most=READS, per_s=WINDOW_S)
    file = (await request.files).get("file")
    document = "" if file is None else file.read(LARGEST_METADATA + 1).decode(errors="replace")
    return sent.model_copy(update={"document": document})


async def _facts(by: Member) -> Facts:
    calls, name = connections.provisioning(resources.current())
    return await calls.call(name, SAML_FACTS, OfKey(workspace_id=by.workspace_id, key=by.workspace.key))


def _there(before: Connection | None) -> Connection:
    if before is None:
        raise saving.NoConnection
    return before


async def _standing(by: Member) -> saving.Standing:
    cell = resources.current()
    async with cell.database.reading(by.workspace_id) as tx:
        return await saving.standing(tx, cell, by.workspace.key)


async def _verified(by: Member) -> int:
    """How many domains are the workspace's own."""
    async with resources.current().database.reading(by.workspace_id) as tx:
        return len(await tx.all(domains.verified()))


async def _last_test(by: Member, standing: saving.Standing) -> dict[str, object] | None:
    async with resources.current().database.reading(by.workspace_id) as tx:
        found = await tx.first(queries.last_test())
    return None if found is None else admin_views.line(found, standing.wanted)


async def _overview(by: Member, refusal: Refusal | None = None, *, choosing: bool = False) -> Response:
    standing = await _standing(by)
    async with resources.current().database.reading(by.workspace_id) as tx:
        owner = await tx.first(people.owners_with_password()) is not None
        newest = await tx.first(queries.newest(None, 1, name="", outcome="good", purpose=""))
    return _draw(
        by,
        "sso/overview.html",
        standing,
        refusal,
        vendors=admin_views.VENDORS if choosing or standing.wanted is None else (),
        typed=WithProvider(),
        verified=await _verified(by),
        owner_has_password=owner,
        used=() if newest is None else Answer.model_validate(newest.answer).certificates,
        changes=Permission.SSO_CHANGE in by.may,
    )


async def _provider(
    by: Member, vendor: Vendor | None, refusal: Refusal | None = None, sent: WithProvider | None = None
) -> Response:
    standing = await _standing(by)
    known = vendor or (Vendor.OTHER if standing.wanted is None else standing.wanted.vendor)
    facts: Facts | None = None
    try:
        facts = await _facts(by)
    except PeerUnavailable as away:
        refusal = refusal or away
    typed = sent or WithProvider(vendor=known)
    sure = isinstance(refusal, saving.MayLockOut)
    by_file = "file" in await request.files
    guide = admin_views.guide(known, facts)
    return _draw(by, "sso/provider.html", standing, refusal, typed=typed, sure=sure, by_file=by_file, **guide)


async def _mapping(by: Member, refusal: Refusal | None = None, sent: Mapping | None = None) -> Response | Redirect:
    standing = await _standing(by)
    if standing.wanted is None:
        return redirect(f"/w/{by.workspace.key}/sso", 303)
    typed = Mapping.of(standing.wanted, standing.version) if sent is None else sent
    guide = admin_views.guide(standing.wanted.vendor, None)
    return _draw(
        by, "sso/mapping.html", standing, refusal, typed=typed, formats=admin_views.formats(), guide=guide["guide"]
    )


def _draw(
    by: Member, template: str, standing: saving.Standing, refusal: Refusal | None = None, **more: object
) -> Response:
    status = 200 if refusal is None else STATUS[refusal.kind]
    told = None if refusal is None else pages.told(refusal)
    return pages.draw_for(by, template, "sso", status, sso=admin_views.standing(standing), refused=told, **more)
