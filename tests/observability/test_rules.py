"""The rules as promtool tries them: each alert is seen when it should be, and silent when it should be."""

from dataclasses import replace
from pathlib import Path

import pytest

from observability import alerts, promtool
from observability.objectives import BURNS, OBJECTIVES
from observability.promql import Asked, asked


@pytest.mark.timeout(300)
def test_every_alert_is_seen_and_is_silent_when_it_should_be(tmp_path: Path) -> None:
    well, words = promtool.try_rules(tmp_path)
    assert well, words
    assert words.count("SUCCESS") >= len(OBJECTIVES) + len(alerts.SUBJECTS)


def test_an_alert_that_is_never_true_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deaf = replace(alerts.SUBJECTS["words"][0], when="sum by (cell) (cellcast_audit_heads_total) > 1e9")
    monkeypatch.setattr(alerts, "SUBJECTS", {})
    monkeypatch.setattr("observability.rules.SUBJECTS", {"words": (deaf,)})
    monkeypatch.setattr("observability.trying.SUBJECTS", {"words": (deaf,)})
    for module in ("rules", "trying"):
        monkeypatch.setattr(f"observability.{module}.OBJECTIVES", ())
    well, words = promtool.try_rules(tmp_path)
    assert not well and "AuditLogDiffers" in words


def test_a_budget_never_burns_before_it_can_be_noticed() -> None:
    """What is promised can be broken: even the fastest burn is a share below one."""
    for one in OBJECTIVES:
        assert 0 < max(burn.times for burn in BURNS) * one.budget < 1, one.name


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("up == 0", {Asked("up", frozenset())}),
        (
            'sum by (cell, le) (rate(a_bucket{route=~"/r/<link>|b", status!="5xx"}[5m])) / on (cell) b:c{x="up"} > 1e3',
            {Asked("a_bucket", frozenset({"route", "status"})), Asked("b:c", frozenset({"x"}))},
        ),
        ("time() - max(x) > 36 * 3600 and y offset 5m", {Asked("x", frozenset()), Asked("y", frozenset())}),
        ("topk(8, histogram_quantile(0.95, sum by (le) (rate(h[$__rate_interval]))))", {Asked("h", frozenset())}),
    ],
)
def test_metrics_are_found_in_queries(query: str, expected: set[Asked]) -> None:
    assert set(asked(query)) == expected
