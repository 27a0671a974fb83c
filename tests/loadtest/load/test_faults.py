"""A fault is undone whatever happens, and what is slow still runs."""

import subprocess
import sys
from pathlib import Path

import psutil

from loadtest.load.faults import Faults, timed
from loadtest.scenario import Fault
from loadtest.target import Target
from tests.waiting import until


def test_what_is_slow_stands_still_in_turns_and_runs_again_when_it_is_over(tmp_path: Path) -> None:
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        process = psutil.Process(busy.pid)
        here = Target.model_validate(
            {
                "router": {"url": "http://go.localhost"},
                "cells": {},
                "workspaces": [],
                "processes": [{"name": "us-1-web", "pid": busy.pid}],
            }
        )
        faults = Faults(tmp_path, timed([Fault("slow", ("us-1-web", "us-1-away"), at=0.1, lasts=0.5)], 10))
        faults.look(0.5, here)
        assert process.status() != psutil.STATUS_STOPPED
        faults.look(1.0, here)
        until(lambda: process.status() == psutil.STATUS_STOPPED, 10)
        until(lambda: process.status() == psutil.STATUS_RUNNING, 10)
        until(lambda: process.status() == psutil.STATUS_STOPPED, 10)
        faults.look(6.0, here)
        faults.close()
        before = process.cpu_times().user
        until(lambda: process.cpu_times().user > before + 0.2, 30)
        assert process.status() != psutil.STATUS_STOPPED
    finally:
        busy.kill()
        busy.wait()
