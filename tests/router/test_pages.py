"""The router's texts: every one translated, and nothing left over."""

from pathlib import Path

import pytest

from kit.i18n import LANGUAGES, SOURCE, messages_in, translated_in
from router.pages import FORMS, HERE, REFUSALS, Outcome


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != SOURCE])
def test_every_text_is_translated(language: str) -> None:
    wanted = messages_in(HERE)
    assert wanted, "no texts were found in the router's sources"
    translated = translated_in(HERE / "locale" / f"{language}.po")
    assert wanted - translated == set(), f"add these to router/locale/{language}.po"
    assert translated - wanted == set(), f"nobody asks for these any more: remove them from {language}.po"


def test_every_refusal_has_words() -> None:
    assert set(REFUSALS) | set(FORMS) == set(Outcome) - {Outcome.LED, Outcome.DESCRIBED}


def test_the_router_stays_small() -> None:
    lines = sum(len(file.read_text(encoding="utf-8").splitlines()) for file in Path(HERE).rglob("*.py"))
    assert lines < 1000, "the router is the one part that everything depends on: move what is not its work"
