"""The frame of the benchmarks: targets, choice by name, and results that merge."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from loadtest.bench import __main__ as bench
from loadtest.bench import figures, results
from loadtest.bench.figures import Figure, Unmeasurable, chosen, figure


@pytest.fixture(autouse=True)
def only_what_the_test_registers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The project's own figures take minutes."""
    monkeypatch.setattr(figures, "_figures", {})
    monkeypatch.setattr(bench, "import_module", lambda _: None)


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "results" / "latest.json"
    monkeypatch.setattr(bench, "RESULTS", path)
    return path


def register(name: str, value: float, target: float = 1.0, better: figures.Better = "higher") -> None:
    figure(name, unit="ratio", target=target, better=better)(lambda: value)


@pytest.mark.parametrize(
    ("better", "value", "ok"),
    [("higher", 0.85, True), ("higher", 0.84, False), ("lower", 0.85, True), ("lower", 0.86, False)],
)
def test_a_target_is_reached_from_its_own_side(better: figures.Better, value: float, ok: bool) -> None:
    assert Figure("a.b", "s", 0.85, better, lambda: value).reached(value) is ok


def test_two_benchmarks_cannot_share_a_name() -> None:
    register("a.b", 1)
    with pytest.raises(ValueError, match=r"a\.b"):
        register("a.b", 2)


def test_figures_are_chosen_by_prefix() -> None:
    for name in ("router.share", "router.map", "stack.start", "recording.grant"):
        register(name, 1)
    assert [one.name for one in chosen(["router", "stack.s"])] == ["router.map", "router.share", "stack.start"]
    assert len(chosen([])) == 4


def test_a_run_writes_what_it_measured(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ONLY", raising=False)
    register("a.fast", 2.0)
    register("b.slow", 9.0, better="lower")
    assert bench.main() == 1  # b.slow misses its target
    fast, slow = json.loads(written.read_text())
    assert fast["at"].startswith("20") and fast["machine"] == results.machine()
    kept = "name", "value", "unit", "target", "ok", "better"
    assert [fast[one] for one in kept] == ["a.fast", 2.0, "ratio", 1.0, True, "higher"]
    assert [slow[one] for one in kept] == ["b.slow", 9.0, "ratio", 1.0, False, "lower"]


def test_a_partial_run_leaves_the_other_figures(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {"name": "b.kept", "value": 3, "unit": "s", "target": 4, "ok": True}
    stale = {"name": "a.again", "value": 0, "unit": "ratio", "target": 1, "ok": False}
    written.parent.mkdir()
    written.write_text(json.dumps([kept, stale]))
    register("a.again", 1.5)
    register("b.kept", 0.0)
    monkeypatch.setenv("ONLY", "a., c")
    assert bench.main() == 0
    again, other = json.loads(written.read_text())
    assert (again["name"], again["value"], again["ok"]) == ("a.again", 1.5, True)
    assert other == kept


def test_a_broken_benchmark_costs_only_itself(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> float:
        raise ZeroDivisionError

    def impossible() -> float:
        raise Unmeasurable("no stack is running")

    figure("a.broken", unit="s", target=1, better="lower")(broken)
    figure("b.impossible", unit="s", target=1, better="lower")(impossible)
    register("c.good", 1)
    assert bench.main() == 1
    entries = {entry["name"]: entry for entry in json.loads(written.read_text())}
    assert (entries["a.broken"]["value"], entries["a.broken"]["ok"]) == (None, False)
    assert (entries["b.impossible"]["value"], entries["c.good"]["ok"]) == (None, True)
    said = capsys.readouterr().out
    assert "no stack is running" in said
    assert "ZeroDivisionError" in said


def test_a_name_that_no_figure_has_is_said(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register("a.fast", 1)
    monkeypatch.setenv("ONLY", "zzz")
    assert bench.main() == 1
    assert not written.exists()


def test_a_spoilt_results_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "latest.json"
    for spoilt in ("", "{", "[1]", '{"a": 1}', "null"):
        path.write_text(spoilt)
        results.merge(path, [results.result(Figure("a.b", "s", 2.0, "lower", lambda: 1.0), 1.0)])
        assert [entry["name"] for entry in json.loads(path.read_text())] == ["a.b"]


def test_the_table_names_the_machine() -> None:
    one = Figure("a.b", "s", 2.0, "lower", lambda: 1.0)
    shown = io.StringIO()
    Console(file=shown, width=120).print(results.table([(one, results.result(one, 1.0))]))
    for words in ("a.b", "1 s", "≤ 2 s", "yes", results.machine()):
        assert words in shown.getvalue()
