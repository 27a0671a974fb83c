"""What second factors somebody has, and how they get and lose them."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy import delete

from cell.actors import Actor
from cell.audit import service as audit
from cell.factors import passkeys, queries, recovery, totp
from cell.factors.models import Passkey, RecoveryCode, Totp
from cell.security.noticing import Notice, notify
from cell.settings import CellSettings
from kit.database import Reading, Writing, now
from kit.refusals import Kind, Refusal

MOST_PASSKEYS = 20

KeyName = Annotated[str, Field(min_length=1, max_length=60)]


class CodeWrong(Refusal):
    """Not the app's code of this moment, or one that was used."""

    kind = Kind.INVALID
    title = "This code is not right"
    detail = "Type the six digits that the app shows now; each works once. Check that your phone's clock is right."


class PasskeyWrong(Refusal):
    """What the browser sent proves nothing here."""

    kind = Kind.INVALID
    title = "This passkey does not open this workspace"
    detail = "Use another one, or another way to sign in."


class FactorNeeded(Refusal):
    """The workspace asks for a second factor, and this is the last one."""

    kind = Kind.CONFLICT
    title = "Your workspace asks for a second factor"
    detail = "Add another one first, then remove this one."


class TooManyPasskeys(Refusal):
    """More than anybody carries."""

    kind = Kind.CONFLICT
    title = "You have very many passkeys already"
    detail = "Remove one that you no longer use first."


@dataclass(frozen=True)
class Held:
    """What somebody has."""

    app: Totp | None
    passkeys: list[Passkey]
    codes_left: int

    @property
    def any(self) -> bool:
        """Whether there is a second factor; recovery codes alone are none."""
        return self.app is not None or bool(self.passkeys)


async def held_by(tx: Reading, person_id: UUID) -> Held:
    """The second factors of somebody."""
    return Held(
        await tx.first(queries.totp_of(person_id)),
        list(await tx.all(queries.passkeys_of(person_id))),
        await tx.one(queries.codes_left(person_id)),
    )


async def has_one(tx: Reading, person_id: UUID) -> bool:
    """Whether somebody has a second factor."""
    if await tx.first(queries.totp_of(person_id)) is not None:
        return True
    return await tx.first(queries.passkeys_of(person_id).limit(1)) is not None


async def add_app(tx: Writing, settings: CellSettings, by: Actor, secret: str, code: str) -> list[str]:
    """Store an app that has shown a code, in place of the one before; recovery codes, if it is the first factor.

    Raises CodeWrong.
    """
    step = totp.step_of(secret, code)
    if step is None:
        raise CodeWrong
    first = not await has_one(tx, by.id)
    await tx.execute(delete(Totp).where(Totp.id == by.id))
    totp.add(tx, settings, by.id, secret, step)
    await _log(tx, by, "factor.add", "app", Notice.APP_ADDED)
    return await recovery.renew(tx, settings, by.id) if first else []


async def add_passkey(tx: Writing, settings: CellSettings, by: Actor, made: passkeys.Made, name: str) -> list[str]:
    """Store a passkey; recovery codes, if it is the first factor. Raises TooManyPasskeys, DoneAlready."""
    first = not await has_one(tx, by.id)
    if len(await tx.all(queries.passkeys_of(by.id))) >= MOST_PASSKEYS:
        raise TooManyPasskeys
    tx.add(
        Passkey(
            person_id=by.id,
            credential_id=made.credential_id,
            public_key=made.public_key,
            sign_count=made.sign_count,
            name=name,
            created_at=now(),
        )
    )
    await _log(tx, by, "factor.add", "passkey", Notice.PASSKEY_ADDED)
    return await recovery.renew(tx, settings, by.id) if first else []


async def remove_app(tx: Writing, by: Actor, *, required: bool) -> None:
    """Take the app away. Raises FactorNeeded, NotFound."""
    app = await tx.one(queries.totp_of(by.id))
    await tx.delete(app)
    await _after_removal(tx, by, "app", Notice.APP_REMOVED, required)


async def remove_passkey(tx: Writing, by: Actor, passkey_id: UUID, *, required: bool) -> None:
    """Take a passkey away. Raises FactorNeeded, NotFound."""
    passkey = await tx.one(queries.passkey_by_id(passkey_id, by.id))
    await tx.delete(passkey)
    await _after_removal(tx, by, "passkey", Notice.PASSKEY_REMOVED, required)


async def renew_codes(tx: Writing, settings: CellSettings, by: Actor) -> list[str]:
    """Ten new recovery codes; those before are of no more use."""
    codes = await recovery.renew(tx, settings, by.id)
    await _log(tx, by, "recovery.renew", "recovery", Notice.CODES_RENEWED)
    return codes


async def forget(tx: Writing, person_id: UUID) -> None:
    """Take everything away: the person goes, or has lost it all and starts anew."""
    await tx.execute(delete(Totp).where(Totp.id == person_id))
    await tx.execute(delete(Passkey).where(Passkey.person_id == person_id))
    await tx.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person_id))


async def _after_removal(tx: Writing, by: Actor, what: str, notice: Notice, required: bool) -> None:
    await tx.flush()
    if not await has_one(tx, by.id):
        if required:
            raise FactorNeeded
        await forget(tx, by.id)  # recovery codes recover nothing now
    await _log(tx, by, "factor.remove", what, notice)


async def _log(tx: Writing, by: Actor, act: str, what: str, notice: Notice) -> None:
    notify(tx, by.id, notice)
    await audit.append(tx, by, act, audit.Target("person", by.id), {"factor": what})
