"""`cellcast capacity` as people ask it: an answer with its reason, and what is wrong with a question."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from loadtest.capacity.cli import app


def asked(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def test_it_says_how_many_and_what_bounds_it() -> None:
    said = asked("--web-cores", "2", "--worker-cores", "1", "--s3-mbit", "1000", "--agents", "10")
    assert said.exit_code == 0
    assert "people can record at once" in said.output
    for name in ("web processors", "worker processors", "S3 bandwidth", "Costs as measured"):
        assert name in said.output


def test_machines_read_it_as_json() -> None:
    found = json.loads(asked("--shared-cores", "2", "--json").output)
    assert found["recorders"] > 0
    assert found["bound_by"] == "processors"
    assert found["costs"]["machine"]


def test_a_cell_too_small_for_anybody_is_an_answer() -> None:
    said = asked("--shared-cores", "2", "--memory-gib", "0.1")
    assert (said.exit_code, said.output.splitlines()[0][:9]) == (1, "0 people ")


@pytest.mark.parametrize(
    ("words", "flag"),
    [
        ([], "--web-cores"),
        (["--web-cores", "-1"], "--web-cores"),
        (["--web-cores", "1", "--shared-cores", "2"], "--shared-cores"),
        (["--web-cores", "1", "--busy", "2"], "--busy"),
        (["--web-cores", "1", "--costs", "/nowhere"], "--costs"),
    ],
)
def test_a_wrong_question_names_its_flag(words: list[str], flag: str) -> None:
    said = asked(*words)
    assert said.exit_code == 2
    assert flag in said.output


def test_costs_that_are_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / "costs.json").write_text('{"at": "now"}')
    said = asked("--web-cores", "1", "--costs", str(tmp_path / "costs.json"))
    assert said.exit_code == 2
    assert "--costs" in said.output
