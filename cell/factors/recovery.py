"""Recovery codes: ten, each of which lets in once when app and passkeys are lost."""

import re
import secrets
from uuid import UUID

from sqlalchemy import delete, update

from cell.factors import sealing
from cell.factors.models import RecoveryCode
from cell.settings import CellSettings
from kit.database import Writing, now

COUNT = 10
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another
_GROUP, _GROUPS = 5, 2  # 31 ** 10 is 49 bits, more than anybody tries out at a few a minute
_SEPARATORS = re.compile(r"[\s-]+")


async def renew(tx: Writing, settings: CellSettings, person_id: UUID) -> list[str]:
    """Ten new codes in place of those before; they are shown this once."""
    await tx.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person_id))
    codes = [_new() for _ in range(COUNT)]
    tx.add(*(RecoveryCode(person_id=person_id, digest=_digest(settings, person_id, code)) for code in codes))
    return codes


async def take(tx: Writing, settings: CellSettings, person_id: UUID, code: str) -> bool:
    """Whether this is one of the codes, used for the first time."""
    unused = (
        (RecoveryCode.person_id == person_id)
        & (RecoveryCode.digest == _digest(settings, person_id, code))
        & RecoveryCode.used_at.is_(None)
    )
    return await tx.execute(update(RecoveryCode).where(unused).values(used_at=now())) == 1


def _new() -> str:
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)


def _digest(settings: CellSettings, person_id: UUID, code: str) -> bytes:
    return sealing.digest(settings, person_id, _SEPARATORS.sub("", code).lower())
