"""Each alert has one page that says what to do, and nothing on it is made up."""

import re
from pathlib import Path

import pytest

from observability.alerts import ALERTS
from observability.dashboards import DASHBOARDS
from observability.external import EXTERNAL
from observability.objectives import OBJECTIVES
from observability.rules import files
from tests.guards.commands import wrong_with
from tests.guards.modules import ROOT
from tests.guards.test_queries import metrics

FOLDER = ROOT / "docs" / "runbooks"
SECTIONS = ["Meaning", "Impact", "Look here", "Do this", "Verify"]
PAGES = sorted(FOLDER.glob("*.md"))
OF_ALERTS = [page for page in PAGES if page.name[0].isupper()]  # the others are procedures, named in lower case
ALL = {one.name for one in ALERTS} | {one.alert for one in OBJECTIVES}


def test_each_alert_has_one_page_and_each_page_an_alert() -> None:
    assert {page.stem for page in OF_ALERTS} == ALL, "write docs/runbooks/NAME.md, or strike the page"
    assert len(ALERTS) + len(OBJECTIVES) == len(ALL), "two alerts have one name"


def test_each_rule_leads_to_its_page() -> None:
    rules = [rule for file in files().values() for group in file["groups"] for rule in group["rules"]]
    alerts = [rule for rule in rules if "alert" in rule]
    assert {rule["alert"] for rule in alerts} == ALL
    for rule in alerts:
        assert (ROOT / rule["annotations"]["runbook"]).stem == rule["alert"]
        assert rule["labels"]["severity"] in {"page", "ticket"}


@pytest.mark.parametrize("page", OF_ALERTS, ids=lambda page: page.stem)
def test_a_page_has_its_sections(page: Path) -> None:
    text = page.read_text()
    assert text.startswith(f"# {page.stem}: ")
    parts = re.split(r"^\*\*([A-Z][a-z ]+)\.\*\*", text, flags=re.MULTILINE)
    assert parts[1::2] == SECTIONS
    assert all(len(part.strip()) > 20 for part in parts[2::2])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_names_exists(page: Path) -> None:
    text = " ".join(page.read_text().split())
    spans = re.findall(r"`([^`]+)`", text)
    wrong = [wrong_with(span) for span in spans if span.split()[0] == "cellcast"]
    assert not [line for line in wrong if line], "the command line differs: mend the page"
    for name in re.findall(r"\bcellcast_[a-z_]+", text):
        assert name in metrics().keys() | EXTERNAL.keys(), f"there is no metric {name}"
    assert set(re.findall(r"\*(Cellcast: [^*]+)\*", text)) <= {one.title for one in DASHBOARDS}
    panels = {panel.title for one in DASHBOARDS for row in one.rows for panel in row.panels}
    for quoted in re.findall(r'"([^"]+)"', re.sub(r"`[^`]+`", "", text)):
        assert quoted in panels, f"no dashboard has a panel {quoted!r}"
    for linked in re.findall(r"\]\(([^)]+)\)", text):
        assert (page.parent / linked).exists()


def test_commands_of_the_page_on_observability_exist() -> None:
    lines = re.findall(r"^    (cellcast [^#\n]+)", (ROOT / "docs" / "observability.md").read_text(), re.MULTILINE)
    assert len(lines) > 3 and not [wrong for wrong in map(wrong_with, lines) if wrong]


def test_a_made_up_command_is_found() -> None:
    assert wrong_with("cellcast cells show eu-1 --json") == ""
    assert "no such command" in wrong_with("cellcast cells mend eu-1")
    assert "--force" in wrong_with("cellcast cells cordon eu-1 --force")
