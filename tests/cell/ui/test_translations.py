"""The cell's texts: each one in every language, its places kept, its plural forms right, and nothing left over."""

import re
from collections.abc import Iterator

import pytest
from babel import Locale
from babel.messages.pofile import read_po

import cell.app  # noqa: F401  # brings in every refusal that the web process can show
from cell.recordings.recorder_texts import RECORDER_TEXTS
from cell.ui.pages import CELL, UI
from kit.i18n import LANGUAGES, SOURCE, Catalogs, messages_in, translated_in
from kit.refusals import Refusal

LOCALE = UI / "locale"
TRANSLATED = [language for language in LANGUAGES if language != SOURCE]
PLACE = re.compile(r"%\(\w+\)[sd]|\{\w+\}")
COUNTS = {"%(num)d", "%(num)s"}
DAYS = ("It is kept for %(num)d day and then deleted.", "It is kept for %(num)d days and then deleted.")


def refusals(base: type[Refusal] = Refusal) -> Iterator[type[Refusal]]:
    """Every refusal of the product below `base`; those that tests make up are none of it."""
    for refusal in base.__subclasses__():
        # What processes say to one another is read by no customer and no agent.
        # But for the directory's, which stand in the provisioning log.
        ours = refusal.__module__.startswith(("cell.", "kit.")) or refusal.__module__ == "contracts.directory"
        if ours and not refusal.__module__.startswith("kit.calls"):
            yield refusal
        yield from refusals(refusal)


def wanted() -> set[str]:
    """Every text that somebody may read: of templates and sources, of the recorder's script, of refusals."""
    found, told = messages_in(CELL), {text for refusal in refusals() for text in (refusal.title, refusal.detail)}
    assert found, "no texts were found in the cell's sources"
    assert told, "no refusals were found"
    return found | told | set(RECORDER_TEXTS)


def pairs(language: str) -> Iterator[tuple[list[str], list[str]]]:
    """The forms of each message in English, and those in `language`."""
    with (LOCALE / f"{language}.po").open("rb") as file:
        for entry in read_po(file, locale=language, abort_invalid=True):
            if entry.id:
                yield _forms(entry.id), _forms(entry.string)


def _forms(text: str | list[str] | tuple[str, ...] | None) -> list[str]:
    return [text] if isinstance(text, str) else list(text or ())


def test_every_refusal_says_what_happened_and_what_to_do() -> None:
    """Looking up an empty text would answer the catalog's own header."""
    assert not [refusal for refusal in refusals() if not (refusal.title and refusal.detail)]


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_translated(language: str) -> None:
    known, translated = wanted(), translated_in(LOCALE / f"{language}.po")
    assert known - translated == set(), f"add these to cell/ui/locale/{language}.po"
    assert translated - known == set(), f"nobody asks for these any more: remove them from {language}.po"


@pytest.mark.parametrize("language", TRANSLATED)
def test_places_are_kept(language: str) -> None:
    for english, forms in pairs(language):
        places = set(PLACE.findall(english[-1]))
        # A form for one number alone, such as Arabic's for two, may say the number in a word.
        optional = COUNTS if len(english) > 1 else set()
        for form in forms:
            assert places - optional <= set(PLACE.findall(form)) <= places, form


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_sign_that_formatting_would_stumble_over_is_part_of_a_place(language: str) -> None:
    for _, forms in pairs(language):
        assert not [form for form in forms if re.search(r"[%{}]", PLACE.sub("", form))]


@pytest.mark.parametrize("language", TRANSLATED)
def test_plural_forms_follow_the_language(language: str) -> None:
    catalogs, rule = Catalogs([LOCALE]), Locale.parse(language).plural_form
    seen = {(rule(n), catalogs.ngettext(language, *DAYS, n)) for n in range(201)}
    categories, texts = {category for category, _ in seen}, {text for _, text in seen}
    assert len(seen) == len(categories) == len(texts), "a form of the language and a text go together one to one"
    assert texts.isdisjoint(DAYS)
