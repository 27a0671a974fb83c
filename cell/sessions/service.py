"""Signing in with e-mail and password."""

from dataclasses import dataclass
from uuid import UUID

from cell.audit import service as audit
from cell.people import passwords
from cell.people import service as people
from cell.people.models import Person
from cell.resources import Cell
from cell.sessions import devices
from cell.sessions.store import How, Sessions
from cell.sso.enforcing import passwords_count
from contracts.tokens import Bearer
from kit.refusals import Kind, Refusal, TooManyRequests

PER_ADDRESS, WINDOW_S = 100, 900  # a call centre shares one address
# A person mistypes a few times. Beyond that, and beyond wrong ones on a day, an account answers known devices alone.
PER_ACCOUNT = 10
WRONG_A_DAY, DAY_S = 50, 86_400


class WrongPassword(Refusal):
    """E-mail and password are not those of an active member; which of them is wrong is not said."""

    kind = Kind.UNAUTHENTICATED
    title = "The e-mail address or the password is not right"
    detail = "Check both and try again."


class TooManyAttempts(Refusal):
    """Somebody keeps trying passwords for this address, whether it is a member's or not."""

    kind = Kind.TOO_MANY
    title = "Too many attempts for this e-mail address"
    detail = "Try again later, or choose a new password: that lets you in at once."
    retry_after_s = WINDOW_S


@dataclass(frozen=True)
class SignedIn:
    """Who signed in with a password, and the word for the cookie."""

    account: people.Account
    word: Bearer


async def sign_in(
    cell: Cell, key: str, workspace_id: UUID, email: str, password: str, browser: str, address: str, device: str
) -> SignedIn:
    """Begin a session. `device`: the sign of known devices. Raises WrongPassword, TooManyAttempts, TooManyRequests."""
    await cell.rates.take("sign-in-address", address, most=PER_ADDRESS, per_s=WINDOW_S)
    async with cell.database.reading(workspace_id) as tx:
        account = await people.account(tx, email)
    tried = f"{workspace_id}:{people.normalised(email)}"
    device_id = devices.known(cell.settings, workspace_id, account, device)
    await _spend_an_attempt(cell, tried, device_id)
    right = await passwords.matches(None if account is None else account.hash, password)
    if account is None or not right or not await password_allowed(cell, workspace_id, account.person):
        if device_id is None:
            await _note_wrong(cell, tried)
        raise WrongPassword
    if passwords.outdated(account.hash):
        newer = await passwords.hashed(password)
        async with cell.database.writing(workspace_id) as tx:
            await people.rehash(tx, account, newer)
    word = await begin(cell, key, workspace_id, account.person, how="password", browser=browser, address=address)
    return SignedIn(account, word)


async def begin(
    cell: Cell, key: str, workspace_id: UUID, person: Person, *, how: How, browser: str, address: str
) -> Bearer:
    """A session for somebody who has proved who they are, by whatever way; the word for the cookie."""
    async with cell.database.writing(workspace_id) as tx:
        await people.seen(tx, person.id)
        by = people.actor_of(person, address)
        await audit.append(tx, by, "session.begin", audit.Target("person", person.id), {"how": how})
    return await Sessions(cell.redis, key, workspace_id).begin(person.id, browser, address, how)


async def password_allowed(cell: Cell, workspace_id: UUID, person: Person) -> bool:
    """Whether this person may sign in with a local password; where another way is enforced, an owner still may."""
    async with cell.database.reading(workspace_id) as tx:
        return await passwords_count(tx, cell, person)


async def _spend_an_attempt(cell: Cell, tried: str, device_id: str | None) -> None:
    """Before the password is looked at: a thousand that come at once spend no more than one after the other."""
    try:
        if device_id is not None:
            await cell.rates.take("sign-in-device", device_id, most=PER_ACCOUNT, per_s=WINDOW_S)
            return
        await cell.rates.check("sign-in-wrong", tried, most=WRONG_A_DAY, per_s=DAY_S)
        await cell.rates.take("sign-in-account", tried, most=PER_ACCOUNT, per_s=WINDOW_S)
    except TooManyRequests:
        raise TooManyAttempts from None


async def _note_wrong(cell: Cell, tried: str) -> None:
    try:
        await cell.rates.take("sign-in-wrong", tried, most=WRONG_A_DAY, per_s=DAY_S)
    except TooManyRequests:
        raise TooManyAttempts from None
