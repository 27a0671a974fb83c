"""`cellcast load report`: a report of what locust has written to a folder, or words and 2 where there is none."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from loadtest import samples
from loadtest.cli import app

STEPS = [
    (1000.0 + second, step, where, 10.0, sent, "", "eu-1")
    for second in range(30)
    for step, where, sent in (("api: link", "eu-1", 0), ("s3: piece", "s3", 60_000))
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Half a minute of 20 people, as the master leaves it; nobody finished a recording."""
    (tmp_path / "stack.json").write_text('{"router": {"url": "http://go.localhost"}, "cells": {}, "workspaces": []}')
    run = {"scenario": "recording", "mark": "load 1", "people": 20, "seconds": 30}
    (tmp_path / "run.json").write_text(json.dumps(run))
    (tmp_path / "ledger.json").write_text("[]")
    samples.write(tmp_path / "samples.csv", STEPS)
    return tmp_path


def report(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["report", str(folder), *options], env={"CELLCAST_STACK": f"{folder}/stack.json"})


def test_a_report_is_made_of_what_locust_has_written(folder: Path) -> None:
    said = report(folder, "--json")
    assert said.exit_code == 0, said.output
    facts = json.loads((folder / "report.json").read_text())
    assert json.loads(said.stdout) == {"report": f"{folder}/report.json", "figures": facts["figures"], "wrong": []}
    assert (facts["scenario"], facts["seconds"]) == ("recording", 30) and "here 20 people" in facts["about"]
    assert facts["steps"]["api: link"]["count"] == 30 and facts["end"]["finished"] == 0
    assert "api: link" in (folder / "report.html").read_text()


def test_what_no_load_may_have_ends_with_1(folder: Path) -> None:
    samples.write(folder / "samples.csv", [*STEPS, (1031.0, "s3: piece", "eu-1", 1.0, 777, "", "eu-1")])
    said = report(folder)
    assert (said.exit_code, said.stderr) == (1, "WRONG: 777 bytes of footage through the web\n")
    assert "0 lost" in said.stdout


@pytest.mark.parametrize("missing", ["run.json", "ledger.json", "samples.csv", "stack.json"])
def test_a_folder_that_lacks_something_is_named_and_ends_with_2(folder: Path, missing: str) -> None:
    (folder / missing).unlink()
    said = report(folder)
    assert said.exit_code == 2 and missing in said.stderr
    assert not (folder / "report.json").exists()


def test_nobody_is_no_report(folder: Path) -> None:
    samples.write(folder / "samples.csv", [])
    said = report(folder)
    assert said.exit_code == 2 and "nobody took a step" in said.stderr
