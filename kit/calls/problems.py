"""Refusals that cross a call: as problem+json there, and back here as what they meant."""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from kit.calls.refusals import AnswerTooLarge
from kit.refusals import Invalid, Kind, NotFound, Refusal

_COMMON: tuple[type[Refusal], ...] = (NotFound, Invalid, AnswerTooLarge)


class PeerRefused(Refusal):
    """What a peer said no to, where this side has no class for it: kind, words and slug are the peer's."""

    kind = Kind.INVALID
    title = "The call was refused"


class Problem(BaseModel):
    """A refusal on the wire (RFC 9457), with its kind: a status alone does not say which of two 503s it is."""

    model_config = ConfigDict(strict=True)

    type: str
    title: str
    status: int
    detail: str
    kind: str
    retry_after_s: int | None = None
    facts: dict[str, Any] = {}  # JSON of the refusal's own facts


def encode(refusal: Refusal, status: int) -> bytes:
    """The refusal as a body."""
    said = Problem(
        type=f"/problems/{refusal.slug}",
        title=refusal.title,
        status=status,
        detail=refusal.detail,
        kind=refusal.kind.value,
        retry_after_s=refusal.retry_after_s,
        facts=json.loads(json.dumps(refusal.facts, default=str)),
    )
    return said.model_dump_json().encode()


def decode(body: bytes, known: tuple[type[Refusal], ...]) -> Refusal | None:
    """The refusal that a peer meant, as one of `known` if it is one of them; None where this is no refusal."""
    try:
        said = Problem.model_validate_json(body)
        kind = Kind(said.kind)
    except (ValidationError, ValueError):
        return None
    slug = said.type.removeprefix("/problems/")
    meant = next((one for one in (*known, *_COMMON) if one().slug == slug), None)
    meant = meant or _class(slug, kind, said.title)
    return meant(said.detail, retry_after_s=said.retry_after_s, **said.facts)


def _class(slug: str, kind: Kind, title: str) -> type[Refusal]:
    # A class of its own, since the slug is the class's name and the kind belongs to the class.
    name = "".join(part.capitalize() for part in slug.split("-") if part.isalnum())
    return type(name or "PeerRefused", (PeerRefused,), {"kind": kind, "title": title})
