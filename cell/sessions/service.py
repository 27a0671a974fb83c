"""Signing in with e-mail and password."""

from uuid import UUID

from prometheus_client import Counter

from cell.audit import service as audit
from cell.people import passwords
from cell.people import queries as people_queries
from cell.people import service as people
from cell.people.models import Person
from cell.resources import Cell
from cell.security import service as security
from cell.sessions import devices, refusing
from cell.sessions.store import How, Sessions
from cell.sso.enforcing import passwords_count
from contracts.tokens import Bearer
from kit import logs
from kit.addresses import counted
from kit.refusals import Kind, Refusal, TooManyRequests

PER_ADDRESS, WINDOW_S = 100, 900  # a call centre shares one address
# A person mistypes a few times. Beyond that, and beyond wrong ones on a day, an account answers known devices alone.
PER_ACCOUNT = 10
WRONG_A_DAY, DAY_S = 50, 86_400

SIGN_INS = Counter("cellcast_sign_ins_total", "Sign-ins by way and end", ["how", "outcome"])

log = logs.get("sign-in")


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


class NoLongerAllowed(Refusal):
    """The person was switched off, or chose another password, between two steps of signing in."""

    kind = Kind.UNAUTHENTICATED
    title = "This sign-in is over"
    detail = "Begin again with your password or your passkey."


async def by_password(
    cell: Cell, workspace_id: UUID, email: str, password: str, address: str, device: str
) -> people.Account:
    """Whose e-mail and password these are. Raises WrongPassword, TooManyAttempts, TooManyRequests, OutsideNetworks.

    `device` is the sign of known devices. What is proved is half of it where the person has a second factor.
    """
    await cell.rates.take("sign-in-address", counted(address), most=PER_ADDRESS, per_s=WINDOW_S)
    async with cell.database.reading(workspace_id) as tx:
        account = await people.account(tx, email)
        policy = await security.get(tx)
    if not policy.admits(address):  # first of all: from outside nobody learns whether a password is right
        await refusing.note(cell, workspace_id, email, "outside-networks", address)
        raise security.OutsideNetworks
    tried = f"{workspace_id}:{people.normalised(email)}"
    device_id = devices.known(cell.settings, workspace_id, account, device)
    try:
        await _spend_an_attempt(cell, tried, device_id)
    except TooManyAttempts:
        await refusing.note(cell, workspace_id, email, "too-many-attempts", address)
        raise
    right = await passwords.matches(None if account is None else account.hash, password)
    if account is None or not right or not await password_allowed(cell, workspace_id, account.person):
        reason: refusing.Reason = "sso-enforced" if right else "wrong-password"
        log.info("refused", reason=reason)
        SIGN_INS.labels("password", "refused").inc()
        await refusing.note(cell, workspace_id, email, reason, address)
        if device_id is None:
            await _note_wrong(cell, tried)
        raise WrongPassword
    if passwords.outdated(account.hash):
        newer = await passwords.hashed(password)
        async with cell.database.writing(workspace_id) as tx:
            await people.rehash(tx, account, newer)
    return account


async def begin(
    cell: Cell,
    key: str,
    workspace_id: UUID,
    person: Person,
    *,
    how: How,
    browser: str,
    address: str,
    language: str,
    factor: str = "",
    password_of: str = "",
    until: float | None = None,
) -> Bearer:
    """A session for somebody who has proved who they are, by whatever way; the word for the cookie.

    `language`: what their browser asks for. `factor` is the second one, where there was one. `password_of`: when the
    password was chosen that was shown; another one since then ends it. `until`: unix seconds at which the session ends,
    whatever else holds.

    Raises NoLongerAllowed, OutsideNetworks.
    """
    async with cell.database.reading(workspace_id) as tx:
        policy = await security.get(tx)
    if not policy.admits(address):
        await refusing.note(cell, workspace_id, person.email, "outside-networks", address)
        raise security.OutsideNetworks
    async with cell.database.writing(workspace_id) as tx:
        # Whoever switches the person off, or changes password or role, waits here, and then ends this session too.
        held = await tx.first(people_queries.by_id(person.id).with_for_update())
        if held is None or not held.active or (password_of and await people.password_of(tx, held.id) != password_of):
            raise NoLongerAllowed
        if how != "sso" and not await passwords_count(tx, cell, held, settled=True):
            raise NoLongerAllowed  # single sign-on became the only way in since the password was shown
        await people.seen(tx, person.id, language)
        by = people.actor_of(held, address)
        details: dict[str, str | int | bool | list[str]] = {"how": how}
        if factor:
            details["factor"] = factor
        await audit.append(tx, by, "session.begin", audit.Target("person", person.id), details)
        SIGN_INS.labels(how, "in").inc()
        return await Sessions(cell.redis, key, workspace_id).begin(person.id, browser, address, how, factor, until)


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
