"""Times, lengths and sizes in words, in the reader's language; the filters of the templates."""

from collections.abc import Callable
from datetime import datetime

from babel.dates import format_datetime, format_timedelta
from babel.numbers import format_decimal

from kit.database import now

MEGABYTE = 1_000_000


def ago(moment: datetime | None, language: str) -> str:
    """How long ago, roughly: "3 minutes ago"."""
    if moment is None:
        return ""
    return format_timedelta(moment - now(), add_direction=True, locale=language, threshold=1.1)


def exact(moment: datetime | None, language: str) -> str:
    """Date and time in full, in UTC: the reader's zone is not known here, so it is named."""
    return "" if moment is None else f"{format_datetime(moment, 'medium', locale=language)} UTC"


def clock(milliseconds: int | None) -> str:
    """A length as m:ss or h:mm:ss."""
    if milliseconds is None:
        return ""
    minutes, seconds = divmod(milliseconds // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def megabytes(size: int | None, language: str) -> str:
    """A size in MB with one decimal."""
    return "" if size is None else f"{format_decimal(size / MEGABYTE, '0.0', locale=language)} MB"


def filters(language: str) -> dict[str, Callable[..., str]]:
    """The filters of one language's templates."""
    return {
        "ago": lambda moment: ago(moment, language),
        "exact": lambda moment: exact(moment, language),
        "clock": clock,
        "megabytes": lambda size: megabytes(size, language),
    }


def initials(name: str) -> str:
    """Up to two letters for an avatar."""
    words = name.split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"
