"""Cursors of lists that run from the newest row on: (created_at, id) as an opaque word."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from uuid import UUID

from kit.refusals import Invalid

Cursor = tuple[datetime, UUID]


def encode(cursor: Cursor | None) -> str | None:
    """The word that goes out, None at the end of the list."""
    if cursor is None:
        return None
    return urlsafe_b64encode(f"{cursor[0].isoformat()}|{cursor[1]}".encode()).decode()


def decode(word: str | None) -> Cursor | None:
    """What `encode` made; None where there is none. Raises Invalid for anything else."""
    if not word:
        return None
    try:
        moment, row = urlsafe_b64decode(word.encode()).decode().split("|")
        cursor = (datetime.fromisoformat(moment), UUID(row))
        if cursor[0].tzinfo is None:
            raise ValueError("a moment without its zone")
    except (ValueError, UnicodeError):
        raise Invalid(errors=[{"field": "cursor", "problem": "use the `next` of an earlier page"}]) from None
    return cursor
