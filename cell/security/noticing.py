"""Having a person told by mail that something about how they sign in has changed, in the act's own transaction."""

from enum import StrEnum
from uuid import UUID

from cell.security import kinds
from kit.database import Writing, now
from kit.jobs import later


class Notice(StrEnum):
    """What there is to tell."""

    PASSWORD = "password"  # noqa: S105 - a word, not one
    APP_ADDED = "app-added"
    APP_REMOVED = "app-removed"
    PASSKEY_ADDED = "passkey-added"
    PASSKEY_REMOVED = "passkey-removed"
    CODES_RENEWED = "codes-renewed"
    CODE_USED = "code-used"
    FACTORS_FORGOTTEN = "factors-forgotten"


def notify(tx: Writing, person_id: UUID, notice: Notice) -> None:
    """Have the mail sent once this transaction is through."""
    later(tx, kinds.NOTICE, person_id, notice.value, now().isoformat())
