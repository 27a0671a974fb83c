"""A report: exact figures from samples, what others felt of a fault, a page that needs nothing else."""

import re
from dataclasses import replace
from typing import Any

import pytest

from loadtest.load import report
from loadtest.load.compare import compare, losses
from loadtest.load.faults import timed
from loadtest.samples import Sample
from loadtest.scenario import Fault

END = {"finished": 3, "lost": 0, "torn": 0, "doubled": 0, "ids": {"lost": [], "torn": [], "doubled": []}}
USES = {"eu-1-web": {"mean": 0.5, "most": 0.9, "most_mib": 120.0}}


def _samples(ms: float = 10.0) -> list[Sample]:
    """A hundred seconds: a step a second at each of two cells, and footage."""
    return [
        one
        for second in range(100)
        for one in (
            Sample(1000.0 + second, "api: link", "eu-1", ms + second / 100, 0, "", "eu-1"),
            Sample(1000.2 + second, "api: link", "us-1", ms, 0, "", "us-1"),
            Sample(1000.4 + second, "s3: piece", "s3", 1.0, 60_000, "", "eu-1"),
        )
    ]


def _facts(samples: list[Sample], *faults: Fault) -> dict[str, Any]:
    return report.facts("everybody", "all of them", 100.0, samples, USES, END, timed(faults, 100))


def test_figures_count_what_our_processes_served() -> None:
    figures = _facts(_samples())["figures"]
    assert figures["api_p95_ms"] == pytest.approx(10.9)
    assert figures["s3_media_bytes"] == 100 * 60_000
    assert figures["web_media_bytes"] == 0
    assert figures["failed"] == 0


def test_footage_through_a_process_of_ours_is_seen() -> None:
    strayed = [*_samples(), Sample(1050.0, "s3: piece", "eu-1", 1.0, 777, "")]
    figures = _facts(strayed)["figures"]
    assert figures["web_media_bytes"] == 777
    assert losses({"figures": figures}) == ["777 bytes of footage through the web"]


def test_of_a_fault_the_others_are_asked() -> None:
    hurt = [
        replace(one, ms=one.ms * 2)
        if one.where == "eu-1" and 1050 <= one.at < 1080
        else replace(one, fault="answered 503" if one.of == "us-1" else "")
        for one in _samples()
    ]
    hurt += [
        Sample(1060.0, "customer: state", "eu-1", 5.0, 0, "answered 500", "eu-1"),
        Sample(1061.0, "s3: piece", "s3", 5.0, 0, "answered 500", "eu-1"),
        Sample(1090.0, "agent: library", "eu-1", 30_000.0, 0, "answered 0", "eu-1"),  # it waited for the end
        Sample(1090.0, "agent: library", "eu-1", 5.0, 0, "answered 500", "eu-1"),  # begun after it
    ]
    [seen] = _facts(hurt, Fault("hang", ("us-1-web", "us-1-redis"), at=0.5, lasts=0.3))["faults"]
    assert seen["others_errors"] == 3
    assert seen["others_p95_change"] == pytest.approx(1.06, abs=0.02)


def test_the_page_asks_nobody_for_anything() -> None:
    facts = _facts(_samples(), Fault("hang", ("us-1-<b>web</b>",), at=0.5, lasts=0.3))
    page = report.page(facts)
    assert not re.search(r"(?:src|href)=|url\(|@import|<script", page)
    assert "&lt;b&gt;" in page
    assert page.count("<svg") == 3


def test_slower_and_failing_steps_are_worse_and_come_first() -> None:
    before, slower = _facts(_samples(50.0)), _facts(_samples(80.0))
    assert [one.worse for one in compare(before, slower, 0.2)] == [True, False]
    assert not any(one.worse for one in compare(slower, before, 0.2))
    assert not any(one.worse for one in compare(before, slower, 0.7))
    failing = [Sample(1001.0, "api: link", "eu-1", 1.0, 0, "answered 500"), *_samples(50.0)]
    assert compare(before, _facts(failing), 0.2)[0].step == "api: link"
    assert compare(before, _facts(failing), 0.2)[0].worse
