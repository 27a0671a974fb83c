"""Taking the code that a browser brings: once, and only in the browser that began.

This is a GET that does something, since it ends a chain of redirects that another site began. What makes it safe is
the nonce: a cookie that scripts do not see, of the one browser in which a person pressed the button. The nonce is
compared before the code is taken, so that whoever opens the address without it (a mail scanner, a colleague to whom
it was sent, a thief) is refused and takes nothing from the person.
"""

import hmac
import re
from collections.abc import Mapping
from uuid import UUID

from cell.resources import Cell
from cell.sso.store import Outcome, Waiting, digest
from contracts.signing_in import SIGN_IN_LIFE_S, Digest, SignInUnknown
from kit.refusals import Kind, Refusal

COOKIE_LIFE_S = SIGN_IN_LIFE_S
_WORD = re.compile(r"[0-9a-f]{64}")


class OtherBrowser(Refusal):
    """The code is good, and this is not the browser that it was made for."""

    kind = Kind.FORBIDDEN
    title = "This sign-in was begun in another browser"
    detail = "Start again here, from your workspace's sign-in page."


def cookie_name(nonce: Digest) -> str:
    """The cookie that holds the nonce of that digest: two tabs of one browser have one each."""
    return f"__Host-n-{nonce[:16]}"


async def take(cell: Cell, workspace_id: UUID, code: str, cookies: Mapping[str, str]) -> Outcome:
    """What the code is worth, once, to the browser with these cookies. Raises SignInUnknown, OtherBrowser."""
    waiting = Waiting(cell.redis, workspace_id)
    outcome = await waiting.look(code) if _WORD.fullmatch(code) else None
    if outcome is None:
        raise SignInUnknown
    nonce = cookies.get(cookie_name(outcome.nonce), "")
    if not hmac.compare_digest(outcome.nonce, digest(nonce)):
        raise OtherBrowser
    taken = await waiting.take(code)  # of two at the same moment one comes too late
    if taken is None:
        raise SignInUnknown
    return taken
