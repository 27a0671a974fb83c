"""The subject of every operator's route: whoever calls with an operator's token that counts."""

from dataclasses import dataclass
from typing import Any, Self

from quart import request

from control_plane import resources
from control_plane.audit.service import Actor
from control_plane.operators import service
from control_plane.words import Kind as WordKind
from control_plane.words import WordInvalid, parse_word
from kit.database import now
from kit.refusals import Kind, Refusal
from kit.web import Scope


class OperatorRefused(Refusal):
    """No operator's token that counts."""

    kind = Kind.UNAUTHENTICATED
    title = "The operator token is not valid"
    detail = "Send `Authorization: Bearer cco_...` with a token that is neither revoked nor expired."


@dataclass(frozen=True)
class Operator:
    """Somebody, or something, that operates Cellcast."""

    actor: Actor

    @classmethod
    async def identify(cls, scope: Scope | None, path: dict[str, Any]) -> Self:
        """From the bearer token. Raises OperatorRefused."""
        try:
            word = parse_word(WordKind.OPERATOR, request.headers.get("Authorization", ""))
        except WordInvalid:
            raise OperatorRefused from None
        async with resources.current().database.outside() as session:
            token = await service.living(session, word)
            if token is None:
                raise OperatorRefused
            if token.used_at is None or now() - token.used_at > service.USED_EVERY:
                await service.used(session, token)
        return cls(Actor("operator", token.id, token.name))
