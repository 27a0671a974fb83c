"""Bodies of requests: bounded while they arrive, and read as JSON by whoever needs them.

They arrive before a request has its turn, so that whoever is slow to send holds up nobody, but memory: of that each
workspace has a share.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from hypercorn.typing import ASGIReceiveCallable

from control_plane.scim.errors import ScimError, bad, busy
from control_plane.scim.values import Json

LARGEST = 4 * 1024 * 1024  # bytes: a group of MOST_MEMBERS, as clients write them with names and references
DROPPED = 4 * LARGEST  # of one that is too large, so much is taken before we hang up
ARRIVES_S = 20  # a body that takes longer is not waited for
HELD = 128 * 1024 * 1024  # bytes of bodies in memory at once, of all workspaces
SHARE = 4 * LARGEST  # of these, of one
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


class Memory:
    """The bytes of bodies that this process holds."""

    def __init__(self) -> None:
        self._of: Counter[UUID] = Counter()

    @contextmanager
    def share(self, workspace_id: UUID) -> Iterator["Share"]:
        """What one request holds, until the block ends."""
        share = Share(self, workspace_id)
        try:
            yield share
        finally:
            self._of[workspace_id] -= share.held
            if not self._of[workspace_id]:
                del self._of[workspace_id]

    def take(self, workspace_id: UUID, size: int) -> None:
        """So many bytes more. Raises ScimError: 429 where the workspace has its share, 503 where there are no more."""
        if self._of[workspace_id] + size > SHARE:
            raise busy(429, "Too much at once. Come again after the time of Retry-After.", 1)
        if self._of.total() + size > HELD:
            raise busy(503, "Too much is sent at the moment. Try again.", 2)
        self._of[workspace_id] += size


@dataclass
class Share:
    """What one request holds of a workspace's memory."""

    memory: Memory
    workspace_id: UUID
    held: int = 0

    def take(self, size: int) -> None:
        """So many bytes more. Raises ScimError."""
        self.memory.take(self.workspace_id, size)
        self.held += size


async def read(headers: Mapping[bytes, str], receive: ASGIReceiveCallable, share: Share) -> Body:
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
                    share.take(len(event["body"]))
                    raw += event["body"]
                elif arrived > DROPPED:
                    raise _too_large()
    except TimeoutError:
        raise ScimError(408, "The body did not arrive in time.") from None
    if arrived > LARGEST:
        raise _too_large()
    return Body(headers.get(b"content-type", "").partition(";")[0].strip().lower(), bytes(raw))


def _too_large() -> ScimError:
    return ScimError(413, f"A body has at most {LARGEST} bytes (4 MiB): add members by PATCH, in several requests.")
