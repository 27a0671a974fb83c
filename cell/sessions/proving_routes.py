"""Proving once more who one is, before something dangerous; then one is back where one was, under another word."""

from typing import Annotated

from pydantic import BaseModel, Field
from quart import Response, redirect
from werkzeug.wrappers import Response as Redirect

from cell import resources
from cell.audit import service as audit
from cell.factors import checking, passkeys
from cell.factors import queries as factor_queries
from cell.factors import service as factors
from cell.factors.sent import SentPasskey, SentProof, go_on, options
from cell.people import passwords
from cell.people import service as people
from cell.people.permissions import Permission
from cell.sessions import cookies, devices, refusing
from cell.sessions.arriving import own_path
from cell.sessions.half import Challenges
from cell.sessions.rotating import rotate
from cell.sessions.service import WrongPassword
from cell.sessions.subjects import Member
from cell.ui import pages
from kit.refusals import Refusal
from kit.web import Routes, Scope
from kit.web.problems import STATUS

routes = Routes("proving")

Present = Annotated[Member, Scope(Permission.PRESENCE)]

TRIES, WINDOW_S = 10, 900  # of the password


class Onward(BaseModel):
    """Where to go on."""

    next: Annotated[str, Field(max_length=2000)] = ""


@routes.get("/w/<key>/prove")
async def show(by: Present, key: str, onward: Onward) -> Response:
    """Ask for a password, a code or a passkey."""
    return await _page(by, onward.next, None)


@routes.post("/w/<key>/prove")
async def prove(by: Present, key: str, sent: SentProof) -> Response | Redirect:
    """Take a password or a code."""
    try:
        what = await (_by_code(by, sent.code) if sent.code else _by_password(by, sent.password))
    except (WrongPassword, factors.CodeWrong, checking.TooManyCodes) as refusal:
        await _note(by)
        return await _page(by, sent.next, refusal)
    answer = redirect(own_path(key, sent.next), 303)
    await _proved(answer, by, what)
    return answer


@routes.post("/w/<key>/prove/passkey/options")
async def passkey_options(by: Present, key: str) -> Response:
    """What the browser needs for one of the person's passkeys."""
    cell = resources.current()
    async with cell.database.reading(by.workspace_id) as tx:
        held = [one.credential_id for one in await tx.all(factor_queries.passkeys_of(by.person.id))]
    challenge = passkeys.new_challenge()
    await _challenges(by).keep(by.session.id, challenge)
    return options(passkeys.to_get(cell.settings, challenge, held))


@routes.post("/w/<key>/prove/passkey")
async def by_passkey(by: Present, key: str, sent: SentPasskey) -> Response:
    """Take a passkey."""
    cell = resources.current()
    challenge = await _challenges(by).take(by.session.id)
    try:
        if challenge is None:
            raise factors.PasskeyWrong
        async with cell.database.writing(by.workspace_id) as tx:
            await checking.passkey(tx, cell, challenge, sent.credential, by.person.id)
    except factors.PasskeyWrong as refusal:
        await _note(by)
        return pages.told_script(refusal, STATUS[refusal.kind])
    answer = go_on(own_path(key, sent.next))
    await _proved(answer, by, "passkey")
    return answer


async def _note(by: Member) -> None:
    """Perhaps it is not them who sits there."""
    await refusing.note(resources.current(), by.workspace_id, by.person.email, "proof-wrong", by.session.address)


async def _by_password(by: Member, password: str) -> str:
    cell = resources.current()
    await cell.rates.take("own-password", str(by.person.id), most=TRIES, per_s=WINDOW_S)
    async with cell.database.reading(by.workspace_id) as tx:
        held = await people.account(tx, by.person.email)
        more = await factors.has_one(tx, by.person.id)
    # Whom a provider let in proves it there. Who has a second factor proves it by that: a password that somebody else
    # learned must not be enough to take the factor away.
    by_it = None if more or by.session.how == "sso" else held
    if not await passwords.matches(None if by_it is None else by_it.hash, password):
        raise WrongPassword
    return "password"


async def _by_code(by: Member, code: str) -> str:
    cell = resources.current()
    async with cell.database.reading(by.workspace_id) as tx:
        account = await people.account(tx, by.person.email)
    device = devices.known(cell.settings, by.workspace_id, account, cookies.device_of(by.workspace.key))
    await checking.spend_an_attempt(cell, by.workspace_id, by.person.id, device)
    async with cell.database.writing(by.workspace_id) as tx:
        return await checking.code(tx, cell, by.person.id, code)


async def _proved(answer: Response | Redirect, by: Member, what: str) -> None:
    async with resources.current().database.writing(by.workspace_id) as tx:
        await audit.append(tx, by.actor, "session.prove", audit.Target("person", by.person.id), {"by": what})
    await rotate(answer, by, proved=True)


def _challenges(by: Member) -> Challenges:
    return Challenges(resources.current().redis, f"prove:{by.workspace_id}")


async def _page(by: Member, onward: str, refusal: Refusal | None) -> Response:
    async with resources.current().database.reading(by.workspace_id) as tx:
        held = await factors.held_by(tx, by.person.id)
        password = await people.password_of(tx, by.person.id)
    return pages.draw(
        "sessions/prove.html",
        200 if refusal is None else STATUS[refusal.kind],
        **pages.frame(by),
        next=onward,
        password=bool(password) and by.session.how != "sso" and not held.any,
        app=held.app is not None,
        passkeys=bool(held.passkeys),
        elsewhere=by.session.how == "sso",
        refused=None if refusal is None else pages.told(refusal),
    )
