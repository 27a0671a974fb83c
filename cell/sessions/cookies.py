"""The cookies of signing in: the session's word, and the sign of a known device.

`__Host-`: secure, of this host alone, for the whole host (RFC 6265bis section 4.1.3.2).
"""

from uuid import UUID

from quart import request
from werkzeug.sansio.response import Response

from cell.people.service import Account
from cell.sessions import devices
from cell.sessions.store import LONGEST
from cell.settings import CellSettings
from contracts.tokens import Bearer


def name(key: str) -> str:
    """The cookie that holds the session's word, one a workspace."""
    return f"__Host-s-{key}"


def presented(key: str) -> str:
    """The session's word that the browser sends, if any."""
    return request.cookies.get(name(key), "")


def begin(answer: Response, key: str, word: Bearer) -> None:
    """Give the browser a session's word."""
    keep(answer, name(key), word.text, int(LONGEST.total_seconds()))


def end(answer: Response, key: str) -> None:
    """Take the session's word from the browser."""
    drop(answer, name(key))


def device_of(key: str) -> str:
    """The sign of a known device that the browser sends, if any."""
    return request.cookies.get(devices.cookie_name(key), "")


def remember_device(
    answer: Response, settings: CellSettings, key: str, workspace_id: UUID, account: Account | None
) -> None:
    """Make this a known device of somebody who has just proved who they are; nothing for who has no password."""
    if account is not None:
        sign = devices.issue(settings, workspace_id, account)
        keep(answer, devices.cookie_name(key), sign, int(devices.LIFE.total_seconds()))


def keep(answer: Response, cookie: str, value: str, life_s: int) -> None:
    """Set a cookie of signing in."""
    answer.set_cookie(cookie, value, max_age=life_s, path="/", secure=True, httponly=True, samesite="Lax")


def drop(answer: Response, cookie: str) -> None:
    """Take a cookie from the browser."""
    answer.delete_cookie(cookie, path="/", secure=True, httponly=True, samesite="Lax")
