"""One's own second factors: an authenticator app, passkeys, recovery codes; and starting anew for who lost them all."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field
from quart import Response, redirect
from werkzeug.wrappers import Response as Redirect

from cell import resources
from cell.audit import service as audit
from cell.factors import checking, passkeys, queries, sealing, service, totp
from cell.factors.pending import PendingSecrets
from cell.factors.sent import SentPasskey, go_on, options
from cell.people import service as people
from cell.people.permissions import Permission
from cell.security.noticing import Notice, notify
from cell.sessions import browsers
from cell.sessions.ending import sign_out
from cell.sessions.half import Challenges
from cell.sessions.rotating import rotate
from cell.sessions.subjects import Member
from cell.ui import pages
from kit.database_errors import DoneAlready
from kit.refusals import Refusal
from kit.web import Routes, Scope
from kit.web.problems import STATUS, wants_page

routes = Routes("factors")

Viewer = Annotated[Member, Scope(Permission.OWN_FACTORS)]
Oneself = Annotated[Member, Scope(Permission.OWN_FACTORS_CHANGE)]
Admin = Annotated[Member, Scope(Permission.MEMBERS_CHANGE)]


class SentCode(BaseModel):
    """The code that confirms an app."""

    code: Annotated[str, Field(max_length=20)] = ""


@routes.get("/w/<key>/account/factors")
async def show(by: Viewer, key: str) -> Response:
    """One's own second factors."""
    return await _page(by, 200)


@routes.post("/w/<key>/account/factors/app/begin")
async def begin_app(by: Oneself, key: str) -> Redirect:
    """Make a secret for an app; it counts once a code of it was typed."""
    cell = resources.current()
    sealed = sealing.seal(cell.settings, by.workspace_id, by.person.id, totp.new_secret().encode())
    await PendingSecrets(cell.redis, by.workspace_id).keep(by.person.id, sealed)
    return redirect(f"/w/{key}/account/factors/app", 303)


@routes.get("/w/<key>/account/factors/app")
async def app_form(by: Oneself, key: str) -> Response | Redirect:
    """The QR code, and the form for the first code."""
    secret = await _pending(by)
    return redirect(f"/w/{key}/account/factors", 303) if secret is None else _app_page(by, 200, secret, None)


@routes.post("/w/<key>/account/factors/app")
async def add_app(by: Oneself, key: str, sent: SentCode) -> Response | Redirect:
    """Take the first code: from now on the app counts."""
    cell = resources.current()
    secret = await _pending(by)
    if secret is None:
        return redirect(f"/w/{key}/account/factors", 303)
    try:
        await checking.spend_an_attempt(cell, by.workspace_id, by.person.id, by.session.id)
        async with cell.database.writing(by.workspace_id) as tx:
            codes = await service.add_app(tx, cell.settings, by.actor, secret, "".join(sent.code.split()))
            await sign_out(tx, cell.redis, by.person.id, but=by.session)
    except (service.CodeWrong, checking.TooManyCodes) as refusal:
        return _app_page(by, STATUS[refusal.kind], secret, refusal)
    await PendingSecrets(cell.redis, by.workspace_id).drop(by.person.id)
    return await _added(by, codes, "app")


@routes.post("/w/<key>/account/factors/app/remove")
async def remove_app(by: Oneself, key: str) -> Response | Redirect:
    """Take the app away."""
    try:
        async with resources.current().database.writing(by.workspace_id) as tx:
            await service.remove_app(tx, by.actor, required=by.policy.requires_factor(by.person.role))
    except service.FactorNeeded as refusal:
        return await _refused(by, refusal)
    return redirect(f"/w/{key}/account/factors", 303)


@routes.post("/w/<key>/account/factors/passkeys/options")
async def passkey_options(by: Oneself, key: str) -> Response:
    """What the browser needs to make a passkey."""
    cell = resources.current()
    async with cell.database.reading(by.workspace_id) as tx:
        held = [one.credential_id for one in await tx.all(queries.passkeys_of(by.person.id))]
    challenge = passkeys.new_challenge()
    await _challenges(by).keep(by.session.id, challenge)
    shown = f"{by.person.name}, {by.workspace.name}"  # told apart where several workspaces are on one site
    return options(passkeys.to_create(cell.settings, challenge, by.person.id, by.person.email, shown, held))


@routes.post("/w/<key>/account/factors/passkeys")
async def add_passkey(by: Oneself, key: str, sent: SentPasskey) -> Response:
    """Store the passkey that the browser made."""
    cell = resources.current()
    challenge = await _challenges(by).take(by.session.id)
    try:
        if challenge is None:
            raise service.PasskeyWrong
        made = passkeys.created(cell.settings, challenge, sent.credential)
        name = sent.name.strip() or browsers.present()
        async with cell.database.writing(by.workspace_id) as tx:
            codes = await service.add_passkey(tx, cell.settings, by.actor, made, name)
            await sign_out(tx, cell.redis, by.person.id, but=by.session)
    except (passkeys.PasskeyRefused, DoneAlready):
        return pages.told_script(service.PasskeyWrong(), 422)
    except (service.PasskeyWrong, service.TooManyPasskeys) as refusal:
        return pages.told_script(refusal, STATUS[refusal.kind])
    answer = go_on(f"/w/{key}/account/factors/codes" if codes else f"/w/{key}/account/factors")
    if codes:
        await PendingSecrets(cell.redis, by.workspace_id).show(cell.settings, by.person.id, codes)
    await rotate(answer, by)
    return answer


@routes.post("/w/<key>/account/factors/passkeys/<uuid:passkey_id>/remove")
async def remove_passkey(by: Oneself, key: str, passkey_id: UUID) -> Response | Redirect:
    """Take a passkey away."""
    try:
        async with resources.current().database.writing(by.workspace_id) as tx:
            required = by.policy.requires_factor(by.person.role)
            await service.remove_passkey(tx, by.actor, passkey_id, required=required)
    except service.FactorNeeded as refusal:
        return await _refused(by, refusal)
    return redirect(f"/w/{key}/account/factors", 303)


@routes.post("/w/<key>/account/factors/codes")
async def renew_codes(by: Oneself, key: str) -> Response:
    """Ten new recovery codes; they are on the page that answers, and nowhere after."""
    cell = resources.current()
    async with cell.database.writing(by.workspace_id) as tx:
        codes = await service.renew_codes(tx, cell.settings, by.actor)
    return _codes_page(by, codes)


@routes.post("/w/<key>/account/factors/codes/show")
async def show_codes(by: Oneself, key: str) -> Response | Redirect:
    """The codes that came with a first passkey, once."""
    cell = resources.current()
    codes = await PendingSecrets(cell.redis, by.workspace_id).shown(cell.settings, by.person.id)
    return redirect(f"/w/{key}/account/factors", 303) if codes is None else _codes_page(by, codes)


@routes.get("/w/<key>/account/factors/codes")
async def codes_wait(by: Oneself, key: str) -> Response | Redirect:
    """Recovery codes wait to be shown: looking at a page changes nothing, so a button shows them."""
    return pages.draw_for(by, "factors/codes.html", "account", codes=None, file=None)


@routes.post("/w/<key>/people/<uuid:person_id>/factors/forget")
async def forget(by: Admin, key: str, person_id: UUID) -> Response | Redirect:
    """Somebody has lost app, passkeys and codes: they sign in with the password alone and set up new ones."""
    cell = resources.current()
    async with cell.database.writing(by.workspace_id) as tx:
        person = await people.taken_in_hand(tx, by.actor, person_id)
        await service.forget(tx, person.id)
        await sign_out(tx, cell.redis, person.id)
        target = audit.Target("person", person.id, person.id, {"name": person.name, "email": person.email})
        notify(tx, person.id, Notice.FACTORS_FORGOTTEN)
        await audit.append(tx, by.actor, "factor.forget", target)
    return redirect(f"/w/{key}/people/{person_id}", 303)


async def _pending(by: Member) -> str | None:
    cell = resources.current()
    sealed = await PendingSecrets(cell.redis, by.workspace_id).find(by.person.id)
    return None if sealed is None else sealing.opened(cell.settings, by.workspace_id, by.person.id, sealed).decode()


def _challenges(by: Member) -> Challenges:
    return Challenges(resources.current().redis, f"enrol:{by.workspace_id}")


async def _added(by: Member, codes: list[str], what: str) -> Response | Redirect:
    at = f"/w/{by.workspace.key}/account/factors"
    answer = _codes_page(by, codes) if codes else redirect(at, 303)
    await rotate(answer, by)
    return answer


async def _refused(by: Member, refusal: Refusal) -> Response:
    """People see the reason on the page where they were; scripts get the problem."""
    if not wants_page():
        raise refusal
    return await _page(by, STATUS[refusal.kind], refusal)


async def _page(by: Member, status: int, refusal: Refusal | None = None) -> Response:
    async with resources.current().database.reading(by.workspace_id) as tx:
        held = await service.held_by(tx, by.person.id)
    return pages.draw_for(
        by,
        "factors/factors.html",
        "account",
        status,
        app=held.app,
        passkeys=[
            {"id": one.id, "name": one.name, "created_at": one.created_at, "last_used_at": one.last_used_at}
            for one in held.passkeys
        ],
        codes_left=held.codes_left,
        any=held.any,
        required=by.session.how != "sso" and by.policy.requires_factor(by.person.role),
        browser=browsers.present(),
        refused=None if refusal is None else pages.told(refusal),
    )


def _app_page(by: Member, status: int, secret: str, refusal: Refusal | None) -> Response:
    address = totp.address(secret, by.person.email, by.workspace.name)
    groups = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    error = None if refusal is None else pages.told(refusal)
    picture = totp.picture(address)
    return pages.draw_for(by, "factors/app.html", "account", status, picture=picture, secret=groups, refused=error)


def _codes_page(by: Member, codes: list[str]) -> Response:
    text = f"{by.workspace.name}, {by.person.email}\n\n" + "\n".join(codes) + "\n"
    return pages.draw_for(by, "factors/codes.html", "account", codes=codes, file=text)
