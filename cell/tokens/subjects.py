"""The subject of the JSON API: a machine with a living token that has the route's scope."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from quart import request

from cell import resources
from cell.actors import Actor, ActorKind
from cell.security import service as security
from cell.tokens import queries, service
from cell.tokens.models import ApiToken
from cell.workspaces import service as workspaces
from cell.workspaces.models import Workspace
from contracts.tokens import Kind as Word
from contracts.tokens import TokenInvalid, parse_bearer
from kit.database import now
from kit.database_errors import WorkspaceFrozen
from kit.refusals import Kind, NotFound, Refusal
from kit.web import Scope

CALLS, WINDOW_S = 600, 60  # of one token


class TokenRefused(Refusal):
    """No living token of a workspace of this cell."""

    kind = Kind.UNAUTHENTICATED
    title = "The API token is not valid"
    detail = "Send `Authorization: Bearer cct_...` with a token that is neither revoked nor expired."


class ScopeMissing(Refusal):
    """The token is good, but not for this."""

    kind = Kind.FORBIDDEN
    title = "The API token does not have the scope for this call"
    detail = "Create a token with the scope named in `scope`."


@dataclass(frozen=True)
class Machine:
    """A program that calls with a token."""

    workspace: Workspace
    token: ApiToken

    @property
    def workspace_id(self) -> UUID:
        """The workspace's id, which opens its scope."""
        return self.workspace.workspace_id

    @property
    def actor(self) -> Actor:
        """The token as rows and the audit log name it."""
        return Actor(ActorKind.TOKEN, self.token.id, self.token.name, request.remote_addr or "")

    @classmethod
    async def identify(cls, scope: Scope | None, path: dict[str, Any]) -> Self:
        """From the bearer token, which names its workspace.

        Raises TokenRefused, OutsideNetworks, ScopeMissing, TooManyRequests.
        """
        cell = resources.current()
        words = request.headers.get("Authorization", "").split(" ")
        try:
            if len(words) != 2 or words[0] != "Bearer":
                raise TokenInvalid
            word = parse_bearer(Word.API, words[1])
            workspace_id = await workspaces.id_of(cell.database, word.key)
        except (TokenInvalid, NotFound):
            raise TokenRefused from None
        async with cell.database.reading(workspace_id) as tx:
            workspace, policy, token = await security.around(tx, ApiToken, queries.living(word.digest, now()))
        if token is None:
            raise TokenRefused
        if not policy.admits(request.remote_addr or ""):
            raise security.OutsideNetworks
        await cell.rates.take("api-token", str(token.id), most=CALLS, per_s=WINDOW_S)
        if scope is not None and scope.name not in token.scopes:
            raise ScopeMissing(scope=scope.name)
        if token.last_used_at is None or now() - token.last_used_at > service.USED_EVERY:
            with suppress(WorkspaceFrozen):  # it may be read all the same
                async with cell.database.writing(workspace_id) as tx:
                    await service.used(tx, token.id)
        return cls(workspace, token)
