"""Known devices: a signed cookie says that somebody signed in here before, with the password that they have now.

Whoever guesses passwords from everywhere uses up the account's few attempts; a known device has attempts of its own,
so that the person gets in all the same. Choosing another password makes every device unknown that did not take part.
"""

import hashlib
import hmac
import re
import secrets
from datetime import timedelta
from uuid import UUID

from cell.people.service import Account
from cell.settings import CellSettings

LIFE = timedelta(days=400)  # the longest that browsers keep a cookie
_COOKIE = re.compile(r"([0-9a-f]{32})\.([0-9a-f]{64})")


def cookie_name(key: str) -> str:
    """The cookie of one workspace."""
    return f"__Host-d-{key}"


def issue(settings: CellSettings, workspace_id: UUID, account: Account) -> str:
    """A cookie for a device on which this person has just proved who they are."""
    device = secrets.token_hex(16)
    return f"{device}.{_mac(settings, workspace_id, account, device)}"


def known(settings: CellSettings, workspace_id: UUID, account: Account | None, cookie: str) -> str | None:
    """The device's name, if this cookie is one of ours for this person and their present password."""
    found = _COOKIE.fullmatch(cookie)
    if found is None or account is None:
        return None
    genuine = hmac.compare_digest(_mac(settings, workspace_id, account, found[1]), found[2])
    return found[1] if genuine else None


def _mac(settings: CellSettings, workspace_id: UUID, account: Account, device: str) -> str:
    key = hmac.new(settings.master_key.get_secret_value().encode(), b"cellcast device 1", hashlib.sha256).digest()
    said = f"{workspace_id}\0{account.person.id}\0{account.changed_at.isoformat()}\0{device}"
    return hmac.new(key, said.encode(), hashlib.sha256).hexdigest()
