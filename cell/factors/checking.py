"""Taking a proof: a code of the app, a recovery code, or a passkey; so many attempts and no more.

Whoever gets this far knows the password or holds a session, so that what is counted here locks out nobody whom a
stranger chooses. The limits grow slower with time: a few at once, some an hour, few more a day.
"""

import re
from typing import Literal
from uuid import UUID

from sqlalchemy import update

from cell.factors import passkeys, queries, recovery, totp
from cell.factors.models import Passkey
from cell.factors.service import CodeWrong, PasskeyWrong
from cell.resources import Cell
from cell.security.noticing import Notice, notify
from kit import logs
from kit.database import Writing, now
from kit.refusals import Kind, Refusal, TooManyRequests

# (attempts, seconds): at 50 a day, three codes of a million being right at a time, guessing takes nine years.
BACK_OFF = ((5, 60), (15, 3600), (50, 86_400))
# Of all devices together: choosing another password makes a device known, and whoever reads the mail does so at will.
ALL_A_DAY, DAY_S = 150, 86_400

By = Literal["totp", "recovery"]

_DIGITS = re.compile(r"[0-9]{6}")

log = logs.get("factors")


class TooManyCodes(Refusal):
    """Somebody keeps trying codes."""

    kind = Kind.TOO_MANY
    title = "Too many codes were tried"
    detail = "Wait a while, then type the code that the app shows then, or use a passkey."


async def spend_an_attempt(cell: Cell, workspace_id: UUID, person_id: UUID, device: str | None) -> None:
    """Count an attempt before it is looked at: many at once spend no more than one after the other.

    A known device has attempts of its own, within what all have together. Raises TooManyCodes.
    """
    person = f"{workspace_id}:{person_id}"
    who = f"{person}:{device or ''}"
    try:
        for most, per_s in BACK_OFF:
            await cell.rates.take(f"factor-{per_s}", who, most=most, per_s=per_s)
        await cell.rates.take("factor-all", person, most=ALL_A_DAY, per_s=DAY_S)
    except TooManyRequests as error:
        log.info("refused", reason="too-many-codes")
        raise TooManyCodes(retry_after_s=error.retry_after_s) from None


async def code(tx: Writing, cell: Cell, person_id: UUID, text: str) -> By:
    """Take a code of the app, or a recovery code: which of them it was. Raises CodeWrong."""
    plain = "".join(text.split())
    if _DIGITS.fullmatch(plain):
        if await totp.take(tx, cell.settings, person_id, plain):
            return "totp"
    elif await recovery.take(tx, cell.settings, person_id, text):
        notify(tx, person_id, Notice.CODE_USED)
        return "recovery"
    log.info("refused", reason="code-wrong")
    raise CodeWrong


async def passkey(tx: Writing, cell: Cell, challenge: str, sent: dict[str, object], person_id: UUID | None) -> UUID:
    """Take a passkey of this person, or of whom it names: whose it was. Raises PasskeyWrong."""
    try:
        held = await tx.first(queries.passkey(passkeys.named(sent)).with_for_update())
        if held is None or (person_id is not None and held.person_id != person_id):
            raise passkeys.PasskeyRefused("unknown")
        if person_id is None and passkeys.handle(sent) != held.person_id:
            raise passkeys.PasskeyRefused("handle")
        count = passkeys.verified(cell.settings, challenge, sent, held)
    except passkeys.PasskeyRefused as error:
        log.info("refused", reason="passkey", why=str(error))
        raise PasskeyWrong from None
    await tx.execute(update(Passkey).where(Passkey.id == held.id).values(sign_count=count, last_used_at=now()))
    return held.person_id
