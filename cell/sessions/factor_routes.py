"""The second step of signing in, and signing in with a passkey alone."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field
from quart import Response, redirect, request
from werkzeug.wrappers import Response as Redirect

from cell import resources
from cell.factors import checking, passkeys
from cell.factors import queries as factor_queries
from cell.factors import service as factors
from cell.factors.sent import SentPasskey, go_on, options
from cell.people import queries as people_queries
from cell.people import service as people
from cell.people.models import Person
from cell.sessions import browsers, cookies, devices, half, refusing, service
from cell.sessions.arriving import own_path, signed_in
from cell.sessions.half import Half, Halves
from cell.sessions.store import How
from cell.ui import pages
from cell.workspaces import service as workspaces
from kit.addresses import counted
from kit.refusals import Refusal
from kit.web import Routes
from kit.web.problems import STATUS
from kit.web.subjects import Anyone

routes = Routes("second_step")


class SentCode(BaseModel):
    """A code of the app, or a recovery code."""

    code: Annotated[str, Field(max_length=60)] = ""


@routes.get("/w/<key>/sign-in/factor")
async def show(by: Anyone, key: str) -> Response | Redirect:
    """Ask for the second factor of whoever has just shown a password."""
    found = await _half(key)
    if found is None or found.person_id is None:
        return redirect(f"/w/{key}/sign-in", 303)
    return await _page(key, found.person_id, None)


@routes.post("/w/<key>/sign-in/factor")
async def by_code(by: Anyone, key: str, sent: SentCode) -> Response | Redirect:
    """Take a code, and begin the session."""
    cell = resources.current()
    workspace_id = await workspaces.id_of(cell.database, key)
    found = await _half(key)
    if found is None or found.person_id is None:
        return redirect(f"/w/{key}/sign-in", 303)
    person_id = found.person_id
    try:
        account = await _account(workspace_id, person_id)
        device = devices.known(cell.settings, workspace_id, account, cookies.device_of(key))
        await checking.spend_an_attempt(cell, workspace_id, person_id, device)
        async with cell.database.writing(workspace_id) as tx:
            factor = await checking.code(tx, cell, person_id, sent.code)
        return await _arrive(by, key, workspace_id, found, person_id, "password", factor)
    except (factors.CodeWrong, checking.TooManyCodes) as refusal:
        wrong = isinstance(refusal, factors.CodeWrong)
        await _note(by, workspace_id, person_id, "code-wrong" if wrong else "too-many-codes")
        return await _page(key, person_id, refusal)
    except service.NoLongerAllowed:
        return redirect(f"/w/{key}/sign-in", 303)


@routes.post("/w/<key>/sign-in/passkey/options")
async def passkey_options(by: Anyone, key: str) -> Response:
    """What the browser needs for a passkey: as a second step one of the person's, else whichever there is."""
    cell = resources.current()
    workspace_id = await workspaces.id_of(cell.database, key)
    await cell.rates.take("sign-in-address", counted(by.address), most=service.PER_ADDRESS, per_s=service.WINDOW_S)
    halves, found, word, held = Halves(cell.redis, workspace_id), await _half(key), "", []
    if found is None:
        word = await halves.begin(None, "", str(request.args.get("next", ""))[:2000])
        found = await halves.find(word)
    elif found.person_id is not None:
        async with cell.database.reading(workspace_id) as tx:
            held = [one.credential_id for one in await tx.all(factor_queries.passkeys_of(found.person_id))]
    challenge = passkeys.new_challenge()
    if found is not None:
        await halves.challenges().keep(found.id, challenge)
    answer = options(passkeys.to_get(cell.settings, challenge, held))
    if word:
        cookies.keep(answer, half.cookie_name(key), word, int(half.LIFE.total_seconds()))
    return answer


@routes.post("/w/<key>/sign-in/passkey")
async def by_passkey(by: Anyone, key: str, sent: SentPasskey) -> Response:
    """Take a passkey, alone or after a password, and begin the session."""
    cell = resources.current()
    workspace_id = await workspaces.id_of(cell.database, key)
    await cell.rates.take("sign-in-address", counted(by.address), most=service.PER_ADDRESS, per_s=service.WINDOW_S)
    found = await _half(key)
    challenge = None if found is None else await Halves(cell.redis, workspace_id).challenges().take(found.id)
    try:
        if found is None or challenge is None:
            raise service.NoLongerAllowed
        async with cell.database.writing(workspace_id) as tx:
            person_id = await checking.passkey(tx, cell, challenge, sent.credential, found.person_id)
        alone = found.person_id is None
        how: How = "passkey" if alone else "password"
        arrived = await _arrive(by, key, workspace_id, found, person_id, how, "" if alone else "passkey")
    except (factors.PasskeyWrong, service.NoLongerAllowed) as refusal:
        if found is not None and found.person_id is not None and isinstance(refusal, factors.PasskeyWrong):
            await _note(by, workspace_id, found.person_id, "passkey-wrong")
        return pages.told_script(refusal, STATUS[refusal.kind])
    answer = go_on(arrived.headers["Location"])
    for cookie in arrived.headers.getlist("Set-Cookie"):
        answer.headers.add("Set-Cookie", cookie)
    return answer


async def _note(by: Anyone, workspace_id: UUID, person_id: UUID, reason: refusing.Reason) -> None:
    async with resources.current().database.reading(workspace_id) as tx:
        person = await tx.first(people_queries.by_id(person_id))
    if person is not None:
        await refusing.note(resources.current(), workspace_id, person.email, reason, by.address)


async def _half(key: str) -> Half | None:
    cell = resources.current()
    halves = Halves(cell.redis, await workspaces.id_of(cell.database, key))
    return await halves.find(request.cookies.get(half.cookie_name(key), ""))


async def _account(workspace_id: UUID, person_id: UUID) -> people.Account | None:
    async with resources.current().database.reading(workspace_id) as tx:
        person = await tx.first(people_queries.by_id(person_id))
        return None if person is None else await people.account(tx, person.email)


async def _arrive(
    by: Anyone, key: str, workspace_id: UUID, found: Half, person_id: UUID, how: How, factor: str
) -> Redirect:
    """Begin the session, once for each half-done sign-in. Raises NoLongerAllowed."""
    cell = resources.current()
    if not await Halves(cell.redis, workspace_id).end(found):
        raise service.NoLongerAllowed
    account, person = await _account(workspace_id, person_id), await _person(workspace_id, person_id)
    if not await service.password_allowed(cell, workspace_id, person):
        raise service.NoLongerAllowed
    word = await service.begin(
        cell,
        key,
        workspace_id,
        person,
        how=how,
        factor=factor,
        password_of=found.password_of,
        **browsers.here(by.address),
    )
    answer = redirect(own_path(key, found.onward), 303)
    await signed_in(answer, cell, key, workspace_id, word, account)
    return answer


async def _person(workspace_id: UUID, person_id: UUID) -> Person:
    async with resources.current().database.reading(workspace_id) as tx:
        person = await tx.first(people_queries.by_id(person_id))
    if person is None:
        raise service.NoLongerAllowed
    return person


async def _page(key: str, person_id: UUID, refusal: Refusal | None) -> Response:
    cell = resources.current()
    async with cell.database.reading(await workspaces.id_of(cell.database, key)) as tx:
        held = await factors.held_by(tx, person_id)
    answer = pages.draw(
        "sessions/second_step.html",
        200 if refusal is None else STATUS[refusal.kind],
        **await pages.frame_of(key),
        app=held.app is not None,
        passkeys=bool(held.passkeys),
        refused=None if refusal is None else pages.told(refusal),
    )
    if refusal is not None and refusal.retry_after_s is not None:
        answer.headers["Retry-After"] = str(refusal.retry_after_s)
    return answer
