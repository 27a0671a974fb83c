"""A master and a worker as processes: as many people as were asked for, and one folder of what came of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kit.ports import free_port
from loadtest import samples
from loadtest.load.run import LOCUSTFILE

PEOPLE, SECONDS, WITHIN_S = 10, 4, 240  # the scenario itself takes 250 people and 300 s


@pytest.mark.timeout(WITHIN_S)
def test_options_say_how_many_come_and_kinds_keep_their_shares(tmp_path: Path) -> None:
    """Nobody answers at the target: people come, ask and fail, which is all that is wanted of them."""
    nobody = f"http://127.0.0.1:{free_port()}"
    login = {"email": "a@example.com", "password": "of nobody"}
    workspace = {"key": "w", "region": "eu", "cell": "eu-1", "admin": login, "agent": login, "api_token": "t"}
    cells = {"eu-1": {"region": "eu", "url": nobody}}
    stack = tmp_path / "stack.json"
    stack.write_text(json.dumps({"router": {"url": nobody}, "cells": cells, "workspaces": [workspace]}))
    out, port = tmp_path / "out", str(free_port())
    environment = {
        **os.environ,
        "CELLCAST_STACK": str(stack),
        "CELLCAST_SCENARIO": "recording",
        "CELLCAST_LOAD_OUT": str(out),
        "LOCUST_WAIT_FOR_WORKERS_REPORT_AFTER_RAMP_UP": "60",  # until the master knows who has come
    }
    locust = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE)]
    size = ["--users", str(PEOPLE), "--spawn-rate", str(PEOPLE), "--run-time", f"{SECONDS}s"]
    lead = ["--master", "--master-bind-port", port, "--headless", "--expect-workers", "1", *size]
    with (tmp_path / "worker.log").open("wb") as log:
        worker = subprocess.Popen(
            [*locust, "--worker", "--master-port", port], env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            master = subprocess.run(
                [*locust, *lead], env=environment, capture_output=True, text=True, timeout=WITHIN_S, check=False
            )
            worker.wait(30)
        finally:
            worker.kill()
            worker.wait()
    assert '{"Agent": 2, "Customer": 8} (10 total users)' in master.stderr, master.stderr
    run = json.loads((out / "run.json").read_text())
    assert (run["scenario"], run["people"], run["seconds"]) == ("recording", PEOPLE, SECONDS)
    kept = samples.read(out / "samples.csv")
    assert {one.step for one in kept} >= {"api: link", "sign in"} and all(one.fault for one in kept)
    assert json.loads((out / "ledger.json").read_text()) == []
