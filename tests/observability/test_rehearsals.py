"""Rehearsals of runbooks: what they do is what the pages say, and what is hurried. The faults are in tests/chaos."""

from pathlib import Path

import pytest

from observability.prometheus import hurried
from observability.promtool import check, write
from observability.rehearsals import REHEARSALS, Rehearsal
from observability.rules import files
from tests.guards.modules import ROOT


@pytest.mark.parametrize("one", REHEARSALS, ids=lambda one: one.alert)
def test_what_is_looked_at_and_done_stands_on_the_page(one: Rehearsal) -> None:
    page = " ".join((ROOT / "docs" / "runbooks" / f"{one.alert}.md").read_text().split())
    for command in (*one.look, one.mend):
        assert f"`{command}`" in page


def test_at_least_five_pages_are_rehearsed() -> None:
    assert len({one.alert for one in REHEARSALS}) >= 5


def test_windows_and_waiting_are_shorter_and_nothing_else() -> None:
    rule = {"alert": "A", "expr": "rate(a_total[5m]) > 60 and max_over_time(b[1h]) == 0", "for": "2m", "labels": {}}
    assert hurried(rule, 10) == {
        "alert": "A",
        "expr": "rate(a_total[30000ms]) > 60 and max_over_time(b[360000ms]) == 0",
        "for": "12000ms",
        "labels": {},
    }
    assert hurried(rule, 1)["for"] == "120000ms"


def test_prometheus_takes_hurried_rules(tmp_path: Path) -> None:
    written = [
        write(tmp_path / name, {"groups": [{**group, "rules": [hurried(rule, 20) for rule in group["rules"]]}]})
        for name, content in files().items()
        for group in content["groups"]
    ]
    well, words = check(written)
    assert well, words
