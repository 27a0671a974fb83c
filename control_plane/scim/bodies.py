"""Bodies of requests: bounded while they arrive, and read as JSON by whoever needs them."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass

from hypercorn.typing import ASGIReceiveCallable

from control_plane.scim.errors import ScimError, bad
from control_plane.scim.values import Json

LARGEST = 4 * 1024 * 1024  # bytes: a group of 20,000 members, as clients write them
DROPPED = 4 * LARGEST  # of one that is too large, so much is taken before we hang up
ARRIVES_S = 20  # a body that takes longer is not waited for
_MEDIA = frozenset({"application/scim+json", "application/json", "text/json", ""})


@dataclass(frozen=True)
class Body:
    """What came, and what it is said to be."""

    media: str
    raw: bytes

    def json(self) -> Json:
        """The body as JSON. Raises ScimError."""
        if self.media not in _MEDIA:
            raise ScimError(415, "Send application/scim+json or application/json.")
        try:
            return json.loads(self.raw)
        except (ValueError, RecursionError):
            raise bad("invalidSyntax", "The body is not JSON.") from None


NONE = Body("", b"")


async def read(headers: Mapping[bytes, str], receive: ASGIReceiveCallable) -> Body:
    """The whole body. Raises ScimError.

    Of one that is too large the rest is taken and dropped, within bounds: a client that is still sending when we hang
    up sees a broken connection instead of the answer.
    """
    said = headers.get(b"content-length", "")
    if said.isdecimal() and int(said[:12]) > DROPPED:
        raise _too_large()
    raw, arrived = bytearray(), 0
    try:
        async with asyncio.timeout(ARRIVES_S):
            more = True
            while more:
                event = await receive()
                if event["type"] != "http.request":
                    raise ScimError(400, "The body broke off.")
                arrived += len(event["body"])
                more = event["more_body"]
                if arrived <= LARGEST:
                    raw += event["body"]
                elif arrived > DROPPED:
                    raise _too_large()
    except TimeoutError:
        raise ScimError(408, "The body did not arrive in time.") from None
    if arrived > LARGEST:
        raise _too_large()
    return Body(headers.get(b"content-type", "").partition(";")[0].strip().lower(), bytes(raw))


def _too_large() -> ScimError:
    return ScimError(413, f"A body has at most {LARGEST} bytes: send members in several requests.")
