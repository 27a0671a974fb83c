"""Texts in the reader's language: the choice, the plural forms, and what is missing."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import i18n

HEAD = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'
ARABIC = HEAD + (
    '"Plural-Forms: nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : '
    'n%100>=11 ? 4 : 5);\\n"\n\nmsgid "%(n)d use"\nmsgid_plural "%(n)d uses"\n'
    + "".join(f'msgstr[{form}] "form {form}"\n' for form in range(6))
)


def folder(at: Path, **texts: str) -> Path:
    at.mkdir()
    for language in ("de", "ar", "fr", "es"):
        (at / f"{language}.po").write_text(texts.get(language, HEAD), encoding="utf-8")
    return at


def test_a_message_is_looked_up_in_every_folder(tmp_path: Path) -> None:
    one = folder(tmp_path / "one", de=HEAD + '\nmsgid "Yes"\nmsgstr "Ja"\n')
    two = folder(tmp_path / "two", de=HEAD + '\nmsgid "No"\nmsgstr "Nein"\n')
    catalogs = i18n.Catalogs([one, two])
    assert [catalogs.gettext("de", text) for text in ("Yes", "No", "Perhaps")] == ["Ja", "Nein", "Perhaps"]
    assert catalogs.gettext("en", "Yes") == "Yes"


def test_plural_forms_are_those_of_the_language(tmp_path: Path) -> None:
    catalogs = i18n.Catalogs([folder(tmp_path / "one", ar=ARABIC)])
    forms = [catalogs.ngettext("ar", "%(n)d use", "%(n)d uses", n) for n in (0, 1, 2, 3, 11, 100)]
    assert forms == [f"form {form}" for form in range(6)]
    assert catalogs.ngettext("en", "%(n)d use", "%(n)d uses", 2) == "%(n)d uses"


def test_a_guess_that_nobody_confirmed_is_not_shown(tmp_path: Path) -> None:
    fuzzy = HEAD + '\n#, fuzzy\nmsgid "Yes"\nmsgstr "Vielleicht"\n'
    at = folder(tmp_path / "one", de=fuzzy)
    assert i18n.Catalogs([at]).gettext("de", "Yes") == "Yes"
    assert i18n.translated_in(at / "de.po") == set()


def test_a_missing_or_broken_catalog_is_named(tmp_path: Path) -> None:
    at = folder(tmp_path / "one")
    (at / "fr.po").write_text("this is no catalog\n", encoding="utf-8")
    with pytest.raises(i18n.CatalogRefused, match=r"fr\.po"):
        i18n.Catalogs([at])
    (at / "fr.po").unlink()
    with pytest.raises(i18n.CatalogRefused, match=r"fr\.po"):
        i18n.Catalogs([at])


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("pt-BR,pt;q=0.9,es;q=0.5,en;q=0.4", "es"),
        ("en;q=0.1, ar;q=0.2", "ar"),
        ("FR-ca", "fr"),
        ("zh-Hant-TW", "en"),
        ("de;q=0", "en"),
        ("*", "en"),
        ("de;q=banana, fr", "fr"),
        (",;=,", "en"),
    ],
)
def test_the_language_the_reader_likes_best(header: str, language: str) -> None:
    assert i18n.negotiate(header) == language


@given(st.text())
def test_any_header_leads_to_a_language(header: str) -> None:
    assert i18n.negotiate(header) in i18n.LANGUAGES


def test_arabic_is_written_from_the_right() -> None:
    assert [i18n.direction(language) for language in i18n.LANGUAGES] == ["ltr", "ltr", "rtl", "ltr", "ltr"]


def test_messages_are_found_in_sources_and_templates(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text('title = N_("Sent")\n', encoding="utf-8")
    (tmp_path / "b.html").write_text("<p>{{ _('Hello') }} {{ ngettext('use', 'uses', n) }}</p>", encoding="utf-8")
    assert i18n.messages_in(tmp_path) == {"Sent", "Hello", "use"}
