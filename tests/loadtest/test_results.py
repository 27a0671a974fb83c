"""The page of results is what the results give, and nothing that is no result is taken in."""

import json
import re
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest

from loadtest import results

FIGURE = {"name": "a.fast", "value": 50.0, "unit": "ms", "target": 100.0, "ok": True, "better": "lower"}
MEASURED = {**FIGURE, "at": "2026-11-29T18:00:00+00:00", "machine": "2 x x86_64"}
STEP = {"count": 10, "failed": 0, "per_s": 1.0, "p50": 5.0, "p95": 9.0, "p99": 9.5}
PARTS = ("worker", "ffmpeg", "web", "postgres", "s3", "redis")
FINISH = {
    "1": {"per_min": 121.4, "processor_s": dict.fromkeys(PARTS, 0.1), "busy": 0.91, "bound_by": "processors"}
    | {"at": MEASURED["at"], "machine": MEASURED["machine"]}
}
REPORT: dict[str, Any] = {
    "scenario": "everybody",
    "about": "all of them",
    "at": "2026-11-29T18:00:00+00:00",
    "machine": "2 x x86_64",
    "seconds": 60.0,
    "figures": {"api_p95_ms": 9.0, "failed": 0, "playable_p95_s": 1.5, "web_media_bytes": 0, "s3_media_bytes": 6e6},
    "end": {"finished": 3, "lost": 0, "torn": 0, "doubled": 0},
    "steps": {"api: link": STEP},
    "processes": {"eu-1-web": {"mean": 0.5, "most": 0.9, "most_mib": 120.0}},
    "faults": [{"kind": "slow", "names": ["us-1-<web>"], "begins": 10.0, "ends": 20.0}],
    "timeline": [{"at": at, "per_s": 2.0, "failed": 0, "p50": 5.0, "p95": 9.0} for at in (0.0, 1.0)],
}
REPORT["faults"][0] |= {"others_errors": 0, "others_p95_ms": [9.0, 9.9], "others_p95_change": 0.1}

CHAOS = {
    "at": MEASURED["at"],
    "machine": MEASURED["machine"],
    "held_s": 5.0,
    "rows": [
        {"row": "web-killed", "well_after_s": 3.21, "others_failed": 0, "usual_p95_ms": 40.0, "meanwhile_p95_ms": 43.0}
    ],
    "usual": {"count": 900, "p95_ms": 40.0},
    "meanwhile": {"count": 1800, "p95_ms": 42.0},
}


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A folder with a bench and a load taken in, and the page made of them."""
    (tmp_path / "latest.json").write_text(json.dumps([MEASURED, {**MEASURED, "name": "b.none", "value": None}]))
    (tmp_path / "report.json").write_text(json.dumps(REPORT))
    (tmp_path / "finish.json").write_text(json.dumps(FINISH))
    words = ["--bench", str(tmp_path / "latest.json"), "--report", str(tmp_path / "report.json")]
    (tmp_path / "chaos.json").write_text(json.dumps(CHAOS))
    words += ["--finish", str(tmp_path / "finish.json"), "--chaos", str(tmp_path / "chaos.json")]
    assert results.main(["--docs", str(tmp_path / "docs"), *words]) == 0
    return tmp_path / "docs"


def test_the_page_in_the_tree_is_what_its_results_give() -> None:
    assert results.differing(results.DOCS) == [], "run python -m loadtest.results"


def test_every_result_is_on_the_page_with_its_date_and_machine(docs: Path) -> None:
    page = (docs / "results.md").read_text()
    assert "| `a.fast` | 50 ms | ≤ 100 ms | yes | 2026-11-29, 2 x x86_64 |" in page
    assert "b.none" not in page
    assert "| api: link | 10 | 0 | 1 | 5 | 9 | 9.5 |" in page
    assert "3 recordings finished; 0 lost" in page
    costs = " | ".join(["0.100"] * len(PARTS))
    assert f"| 1 | 121 | {costs} | 91% | processors | 2026-11-29, 2 x x86_64 |" in page
    assert "their p95 changed by +10%" in page
    assert "meanwhile 42 ms (1800): +5%" in page
    assert "| web-killed | 3.2 | 0 | 40 | 43 |" in page
    for plotted in re.findall(r"\]\(([^)]+\.svg)\)", page):
        drawn = (docs / plotted).read_text()
        assert fromstring(drawn).tag == "{http://www.w3.org/2000/svg}svg"
        assert not re.search(r"(?:src|href)=|url\(|@import|<script", drawn)


def test_a_change_by_hand_or_a_plot_left_over_is_seen(docs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check = ["--docs", str(docs), "--check"]
    assert results.main(check) == 0
    (docs / "results.md").write_text((docs / "results.md").read_text().replace("50 ms", "5 ms"))
    (docs / "results" / "old.svg").write_text("<svg/>")
    assert results.main(check) == 1
    assert re.findall(r"(results\S*) is not", capsys.readouterr().out.replace(f"{docs}/", "")) == [
        "results.md",
        "results/old.svg",
    ]
    assert results.main(["--docs", str(docs)]) == 0
    assert results.main(check) == 0


def test_a_later_bench_replaces_its_own_figures(docs: Path, tmp_path: Path) -> None:
    later = [{**MEASURED, "name": "c.new"}, {**MEASURED, "value": 200.0, "ok": False}]
    (tmp_path / "latest.json").write_text(json.dumps(later))
    assert results.main(["--docs", str(docs), "--bench", str(tmp_path / "latest.json")]) == 0
    page = (docs / "results.md").read_text()
    assert "| `a.fast` | 200 ms | ≤ 100 ms | **no** |" in page
    assert "1 of 2 reach their target" in page


@pytest.mark.parametrize("content", ["", "[]", '{"scenario": "../x", "steps": {}}', '{"scenario": "x"}'])
def test_what_is_no_report_is_refused(docs: Path, tmp_path: Path, content: str) -> None:
    (tmp_path / "bad.json").write_text(content)
    assert results.main(["--docs", str(docs), "--report", str(tmp_path / "bad.json")]) == 2
    assert results.differing(docs) == []
