"""A short load on the running deployment: people of every kind, nothing lost, nothing through the web."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.deployment import CELLCAST, own_stack

pytestmark = pytest.mark.stack

SECONDS, PEOPLE, WITHIN_S = 30, 15, 600


@pytest.mark.timeout(WITHIN_S)
def test_half_a_minute_of_everybody(tmp_path: Path) -> None:
    """In a stack of its own: where an identity provider keeps the people, other tests can invite nobody."""
    with own_stack() as made:
        options = ["--stack", str(made.folder.description), "--out", str(tmp_path), "--json"]
        short = ["--seconds", str(SECONDS), "--people", str(PEOPLE)]
        command = [str(CELLCAST), "load", "run", "everybody", *options, *short]
        done = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN_S, check=False)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        report = json.loads((tmp_path / "report.json").read_text())
        again = [str(CELLCAST), "load", "report", str(tmp_path), "--stack", str(made.folder.description), "--json"]
        remade = subprocess.run(again, capture_output=True, text=True, timeout=WITHIN_S, check=False)
    assert json.loads(done.stdout)["wrong"] == []
    assert json.loads(remade.stdout) == json.loads(done.stdout)
    assert report["end"]["finished"] > 0
    assert report["figures"]["s3_media_bytes"] > 0
    failed = {step: one["failed"] for step, one in report["steps"].items() if one["failed"]}
    assert failed == {}
    kinds = {step.partition(":")[0] for step in report["steps"]}
    assert kinds >= {"customer", "agent", "api", "admin", "idp", "router", "s3"}
    assert {"eu-1-web", "us-1-web", "router", "locust"} <= report["processes"].keys()
    assert (tmp_path / "report.html").stat().st_size > 1000


def test_an_unknown_scenario_is_refused_with_where_to_look() -> None:
    done = subprocess.run([str(CELLCAST), "load", "run", "nothing"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (2, "there is no scenario nothing: see cellcast load list")
