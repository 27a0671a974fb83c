"""The subject of feeds: a consumer with a credential that counts, for the audiences that it may read."""

from dataclasses import dataclass
from typing import Any, Self

from quart import request

from control_plane import resources
from control_plane.feed import readers
from control_plane.words import Kind as WordKind
from control_plane.words import WordInvalid, parse_word
from kit.refusals import Kind, Refusal
from kit.web import Scope


class ReaderRefused(Refusal):
    """No feed credential that counts."""

    kind = Kind.UNAUTHENTICATED
    title = "The feed credential is not valid"
    detail = "Send `Authorization: Bearer ccf_...`; an operator issues it: cellcast control-plane readers issue."


class AudienceRefused(Refusal):
    """The credential is good, but not for this feed."""

    kind = Kind.FORBIDDEN
    title = "This credential is not for this feed"
    detail = "An operator issues one for it: cellcast control-plane readers issue."


@dataclass(frozen=True)
class Reader:
    """A consumer of feeds."""

    name: str

    @classmethod
    async def identify(cls, scope: Scope | None, path: dict[str, Any]) -> Self:
        """From the bearer word, for the path's `audience`. Raises ReaderRefused, AudienceRefused."""
        try:
            word = parse_word(WordKind.READER, request.headers.get("Authorization", ""))
        except WordInvalid:
            raise ReaderRefused from None
        async with resources.current().database.outside() as session:
            reader = await readers.living(session, word)
        if reader is None:
            raise ReaderRefused
        if path.get("audience") not in reader.audiences:
            raise AudienceRefused
        return cls(reader.name)
