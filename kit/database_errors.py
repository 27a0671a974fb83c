"""What the database refuses, and what an error of its driver means to whoever asked."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.exc import DBAPIError

from kit.refusals import Invalid, Kind, NotFound, Refusal


class WorkspaceFrozen(Refusal):
    """The workspace takes no writes just now: it is moving, suspended or being deleted."""

    kind = Kind.UNAVAILABLE
    title = "This workspace cannot be changed at the moment"
    detail = "Nothing is lost. Try again in a minute."
    retry_after_s = 5


class OwnershipPassed(Refusal):
    """The workspace has had another owner since this write began: what it was decided by may be no longer so."""

    kind = Kind.UNAVAILABLE
    title = "This workspace has just moved"
    detail = "Nothing is lost. Try again."
    retry_after_s = 1


class WritersInFlight(Refusal):
    """Writers of the workspace did not end in time; nothing has changed."""

    kind = Kind.UNAVAILABLE
    title = "Writers of this workspace are still at work"
    detail = "Nothing has changed. Try again in a moment."
    retry_after_s = 1


class DatabaseUnavailable(Refusal):
    """The database does not answer."""

    kind = Kind.UNAVAILABLE
    title = "This part of Cellcast is briefly unavailable"
    detail = "Nothing is lost. Try again in a moment."
    retry_after_s = 2


class DoneAlready(Refusal):
    """Somebody else made the same thing at the same moment."""

    kind = Kind.CONFLICT
    title = "Somebody else has just done the same"
    detail = "Look at what is there now."
    index = ""  # the unique index that says so; for whoever asked, not for clients


class TookTooLong(Refusal):
    """The database was stopped at what it was asked for: nobody waits for it any more."""

    kind = Kind.UNAVAILABLE
    title = "This takes too long"
    detail = "Ask for less at once: fewer conditions, or a smaller page."
    retry_after_s = 10


class Entangled(Refusal):
    """Two changes waited for one another, and this one gave way; nothing of it has happened."""

    kind = Kind.UNAVAILABLE
    title = "Somebody else was changing the same"
    detail = "Nothing has changed. Try again in a moment."
    retry_after_s = 1


def _unstorable() -> Invalid:
    return Invalid(errors=[{"field": "", "problem": "a text holds a character that cannot be stored"}])


# What an error means, by its SQLSTATE: ours are in kit/tenancy.py, PostgreSQL's in its manual, appendix A.
_MEANINGS: dict[str, Callable[[], Refusal]] = {
    "CC404": NotFound,
    "CC423": WorkspaceFrozen,
    "CC409": OwnershipPassed,
    "40P01": Entangled,  # deadlock_detected
    "57014": TookTooLong,  # query_canceled: statement_timeout
    "55P03": WritersInFlight,  # lock_not_available: only `stopping_writes` sets a lock_timeout
    "23505": DoneAlready,  # unique_violation
    "22021": _unstorable,  # character_not_in_repertoire: NUL in a text
    "22P05": _unstorable,  # untranslatable_character: NUL in JSON
}


def meaning_of(error: DBAPIError) -> Exception:
    """What a database error means to whoever asked; an unknown one stays what it is."""
    return DatabaseUnavailable() if error.connection_invalidated else meant_by(error.orig, error)


def meant_by(raw: Any, otherwise: Exception) -> Exception:
    """The same of PostgreSQL's own error; `otherwise` is what an unknown one stays."""
    state = getattr(raw, "sqlstate", None) or ""
    if state in _MEANINGS:
        meaning = _MEANINGS[state]()
        if isinstance(meaning, DoneAlready):
            meaning.index = str(getattr(raw, "constraint_name", None) or "")
        return meaning
    # Class 08: connection; 57P: shutting down or starting up.
    return DatabaseUnavailable() if state.startswith(("08", "57P")) else otherwise
