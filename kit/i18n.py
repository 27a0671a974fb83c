"""Texts in the reader's language: gettext catalogs (.po) read at start, and the choice among languages."""

import re
from collections.abc import Sequence
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Literal

from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

# English is the language of the sources: its texts are the message ids.
SOURCE = "en"
LANGUAGES = ("en", "de", "ar", "fr", "es")
_RIGHT_TO_LEFT = frozenset({"ar"})

_WANTED = re.compile(r"\s*([A-Za-z]{1,8})(?:-[A-Za-z0-9-]{1,40})?\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?))?\s*")
_LONGEST_HEADER = 256  # characters of Accept-Language that are looked at

_METHODS = [("**.py", "python"), ("**.html", "jinja2"), ("**.txt", "jinja2")]


class CatalogRefused(Exception):
    """A .po file is missing or cannot be read. The text names it."""


class Catalogs:
    """The translations of one process: each folder holds one `{language}.po` per language but English."""

    def __init__(self, folders: Sequence[Path]) -> None:
        """Read every catalog. Raises CatalogRefused."""
        self._translations: dict[str, NullTranslations] = {SOURCE: NullTranslations()}
        for language in LANGUAGES:
            for folder in folders if language != SOURCE else ():
                read = _read(folder / f"{language}.po", language)
                known = self._translations.setdefault(language, read)
                if known is not read:
                    known.add_fallback(read)

    def gettext(self, language: str, message: str) -> str:
        """`message` in `language`, or as it stands where there is no translation."""
        return self._translations[language].gettext(message)

    def ngettext(self, language: str, one: str, many: str, n: int) -> str:
        """The form of `language` for `n`; Arabic has six."""
        return self._translations[language].ngettext(one, many, n)


@lru_cache(maxsize=1024)
def _negotiated(header: str) -> str:
    best, best_quality = SOURCE, 0.0
    for part in header.split(","):
        wanted = _WANTED.fullmatch(part)
        if wanted is None:
            continue
        language, quality = wanted[1].lower(), float(wanted[2] or 1)
        if language in LANGUAGES and quality > best_quality:
            best, best_quality = language, quality
    return best


def negotiate(accept_language: str) -> str:
    """The language of ours that an Accept-Language header (RFC 9110, 12.5.4) likes best; English otherwise."""
    return _negotiated(accept_language[:_LONGEST_HEADER])


def direction(language: str) -> Literal["ltr", "rtl"]:
    """Which way `language` is written, for the `dir` attribute."""
    return "rtl" if language in _RIGHT_TO_LEFT else "ltr"


def messages_in(sources: Path) -> set[str]:
    """Every message id that the Python files and templates under `sources` ask for, plural forms apart."""
    found = extract_from_dir(sources, _METHODS, comment_tags=())
    return {text if isinstance(text, str) else text[0] for _, _, text, _, _ in found}


def translated_in(catalog: Path) -> set[str]:
    """Every message id that `catalog` (a .po file) translates, in all its plural forms."""
    with catalog.open("rb") as file:
        entries = [entry for entry in read_po(file) if entry.id and not entry.fuzzy]
    return {
        entry.id if isinstance(entry.id, str) else entry.id[0]
        for entry in entries
        if (entry.string if isinstance(entry.string, str) else all(entry.string or [""]))
    }


def _read(path: Path, language: str) -> NullTranslations:
    try:
        with path.open("rb") as file:
            catalog = read_po(file, locale=language, abort_invalid=True)
    except (OSError, PoFileError, ValueError) as error:
        raise CatalogRefused(f"{path}: {error}") from error
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return GNUTranslations(compiled)
