"""A real Prometheus over a stack on this machine, with our rules: what fires, and since when."""

import http.client
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kit.ports import free_port
from observability import promtool, rules

SCRAPE_S = 15.0  # as our charts have it, for rules too
STARTS_WITHIN_S = 30.0

_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_WINDOW = re.compile(r"\[(\d+)([smhd])\]")
_LASTING = re.compile(r"^(\d+)([smhd])$")


class NoPrometheus(Exception):
    """It is not on the PATH, or does not start. The text says so."""


class Prometheus:
    """One that runs."""

    def __init__(self, port: int) -> None:
        self._port = port

    def alerts(self, name: str) -> list[Mapping[str, Any]]:
        """What is true of an alert now: its labels, and whether it is pending or firing."""
        active: list[Mapping[str, Any]] = self._ask("/api/v1/alerts")["data"]["alerts"]
        return [one for one in active if one["labels"]["alertname"] == name]

    def knows(self, targets: int) -> bool:
        """Whether every target has been scraped once, and answers."""
        found = self._ask("/api/v1/targets?state=active")["data"]["activeTargets"]
        return len([one for one in found if one["health"] == "up"]) == targets

    def answers(self) -> bool:
        """Whether it is up."""
        try:
            self._ask("/api/v1/status/runtimeinfo")
        except (OSError, http.client.HTTPException, ValueError):
            return False
        return True

    def _ask(self, path: str) -> dict[str, Any]:
        line = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            line.request("GET", path)
            said: dict[str, Any] = json.loads(line.getresponse().read())
            return said
        finally:
            line.close()


@contextmanager
def scraping(targets: list[Mapping[str, Any]], folder: Path, faster: float) -> Iterator[Prometheus]:
    """Run one in `folder` over targets as stack.json names them. It scrapes and waits `faster` times as fast as meant.

    Raises NoPrometheus.
    """
    program = shutil.which("prometheus")
    if program is None:
        raise NoPrometheus("there is no prometheus on the PATH: it comes with the package `prometheus`")
    port = free_port()
    config = promtool.write(folder / "prometheus.yaml", _config(targets, _written(folder, faster), faster))
    options = (f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}", "--log.level=warn")
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - a known program
            [program, *options, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log
        )
        try:
            made = Prometheus(port)
            deadline = time.monotonic() + STARTS_WITHIN_S
            while not made.answers():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise NoPrometheus(f"it does not start: {(folder / 'prometheus.log').read_text()[-500:]}")
                time.sleep(0.1)
            yield made
        finally:
            process.terminate()
            process.wait()


def _written(folder: Path, faster: float) -> list[str]:
    made = []
    for name, content in rules.files().items():
        groups = [{**group, "rules": [hurried(one, faster) for one in group["rules"]]} for group in content["groups"]]
        made.append(str(promtool.write(folder / name, {"groups": groups})))
    return made


def _config(targets: list[Mapping[str, Any]], files: list[str], faster: float) -> dict[str, Any]:
    every = f"{round(SCRAPE_S * 1000 / faster)}ms"
    static = [{"targets": [one["address"]], "labels": one["labels"]} for one in targets]
    return {
        "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
        "rule_files": files,
        "scrape_configs": [{"job_name": "cellcast", "static_configs": static}],
    }


def hurried(rule: rules.Rule, faster: float) -> rules.Rule:
    """A rule whose windows and `for` are so many times shorter. Ages in seconds that it compares stay as they are."""

    def shorter(found: re.Match[str]) -> str:
        return f"{round(int(found[1]) * _MS[found[2]] / faster)}ms"

    made = {**rule, "expr": _WINDOW.sub(lambda found: f"[{shorter(found)}]", rule["expr"])}
    if "for" in rule:
        made["for"] = _LASTING.sub(shorter, rule["for"])
    return made
