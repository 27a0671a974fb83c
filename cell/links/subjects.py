"""The subject of customers' pages: somebody who holds a link."""

from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from quart import request

from cell import resources
from cell.actors import Actor, ActorKind
from cell.links import service
from cell.links.models import Link
from cell.workspaces import service as workspaces
from cell.workspaces.models import Workspace
from contracts import links as codec
from kit.refusals import Kind, NotFound, Refusal
from kit.web import Scope

WRONG_SECRETS, WINDOW_S = 30, 600  # of one address; 90 bits are not guessed at that rate, and a typo costs little


class LinkMistyped(Refusal):
    """A character of the link is wrong; its check character says so."""

    kind = Kind.NOT_FOUND
    title = "There is a typo in this link"
    detail = "Check the last characters, or copy the link again."


class LinkUnknown(Refusal):
    """A well-formed link that nobody made, or that was deleted."""

    kind = Kind.NOT_FOUND
    title = "We do not know this link"
    detail = "Copy it once more from the message that you got, or ask for a new one."


@dataclass(frozen=True)
class Visitor:
    """A customer with a link; the link may be expired, used up or revoked."""

    workspace: Workspace
    link: Link
    presented: str  # as it stands in the address

    @property
    def workspace_id(self) -> UUID:
        """The workspace's id, which opens its scope."""
        return self.workspace.workspace_id

    @property
    def actor(self) -> Actor:
        """The customer, known by the link alone."""
        return Actor(ActorKind.CUSTOMER, self.link.id)

    @classmethod
    async def identify(cls, scope: Scope | None, path: dict[str, Any]) -> Self:
        """From the link in the path. Raises LinkMistyped, LinkUnknown, TooManyRequests."""
        cell = resources.current()
        address = request.remote_addr or "unknown"
        try:
            presented = codec.parse(str(path.pop("link")))
        except codec.Mistyped:
            raise LinkMistyped from None
        except codec.Malformed:
            raise LinkUnknown from None
        await cell.rates.check("wrong-secret", address, most=WRONG_SECRETS, per_s=WINDOW_S)
        try:
            workspace_id = await workspaces.id_of(cell.database, presented.key)
            async with cell.database.reading(workspace_id) as tx:
                link = await service.by_secret(tx, presented)
                workspace = await workspaces.get(tx)
        except NotFound:
            await cell.rates.take("wrong-secret", address, most=WRONG_SECRETS, per_s=WINDOW_S)
            raise LinkUnknown from None
        return cls(workspace, link, f"{presented.key}-{presented.secret}")
