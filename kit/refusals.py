"""What services raise when the answer is no: a meaning with words, not an HTTP status."""

import re
from enum import Enum
from typing import ClassVar


class Kind(Enum):
    """Why something is refused, in the product's terms. `kit/web/problems.py` knows the HTTP status of each."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not-found"
    CONFLICT = "conflict"
    GONE = "gone"
    TOO_LARGE = "too-large"
    TOO_MANY = "too-many"
    UNAVAILABLE = "unavailable"


class Refusal(Exception):
    """Base of every refusal that a person or a machine is told about.

    A subclass sets `kind`, `title` (what happened) and `detail` (what to do next); its name in kebab case is the
    problem's slug, which clients may rely on. No secret and nothing personal belongs in the words.
    """

    kind: ClassVar[Kind]
    title: ClassVar[str]
    detail: str = ""
    retry_after_s: int | None = None

    def __init__(self, detail: str | None = None, *, retry_after_s: int | None = None, **facts: object) -> None:
        super().__init__(detail or self.title)
        if detail is not None:
            self.detail = detail
        if retry_after_s is not None:
            self.retry_after_s = retry_after_s
        self.facts = facts

    @property
    def slug(self) -> str:
        """The stable name of this refusal: `LinkUsedUp` is `link-used-up`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", type(self).__name__).lower()


class NotFound(Refusal):
    """Nothing of that name for whoever asks; also the answer for what belongs to another workspace."""

    kind = Kind.NOT_FOUND
    title = "There is nothing here"
    detail = "Check the address, or go back to where you found it."


class Invalid(Refusal):
    """The input cannot be understood; `errors` in the facts names each field and what is wrong with it."""

    kind = Kind.INVALID
    title = "Some of what you sent cannot be used"
    detail = "See `errors` for each field and what to change."


class TooManyRequests(Refusal):
    """A limit on how often was reached."""

    kind = Kind.TOO_MANY
    title = "Too many attempts"
    detail = "Wait a moment, then try again."
    retry_after_s = 60
