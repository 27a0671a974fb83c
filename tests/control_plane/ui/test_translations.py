"""The texts of the sign-up's pages: each one in every language, and nothing left over."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import control_plane.app
import control_plane.provisioning.app  # brings in every refusal that its pages can show
from control_plane.ui.pages import UI
from kit.calls import PeerUnavailable
from kit.i18n import LANGUAGES, SOURCE, messages_in, translated_in
from kit.refusals import Refusal

# Operators, consumers of feeds and processes of ours read English; people read these.
SEEN = ("kit.refusals", "kit.web.", "kit.database", "contracts.placing", "contracts.signing_in", "control_plane.saml.")
UNSEEN = {"WorkspaceWhole", "DoneAlready", "OwnershipPassed", "WorkspaceFrozen", "WritersInFlight"}
UNSEEN |= {"MetadataRefused", "NameServersSilent", "DomainTaken"}  # a cell hears of these and has words of its own


def refusals(base: type[Refusal] = Refusal) -> Iterator[type[Refusal]]:
    """Every refusal that a page of ours may show."""
    for refusal in base.__subclasses__():
        if refusal.__module__.startswith(SEEN) and refusal.__name__ not in UNSEEN:
            yield refusal
        yield from refusals(refusal)


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one != SOURCE])
def test_every_text_is_translated(language: str) -> None:
    wanted = messages_in(Path(control_plane.app.__file__).parent)
    seen: list[type[Refusal]] = [*refusals(), PeerUnavailable]
    wanted |= {text for one in seen for text in (one.title, one.detail)}
    assert len(wanted) > 30, "no texts were found"
    translated = translated_in(UI / "locale" / f"{language}.po")
    assert wanted - translated == set(), f"add these to control_plane/ui/locale/{language}.po"
    assert translated - wanted == set(), f"nobody asks for these any more: remove them from {language}.po"
