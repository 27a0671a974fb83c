"""The one door to promtool, Prometheus' own program that checks rules and runs their unit tests."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from observability import rules, trying


class NoPromtool(Exception):
    """There is no promtool on the PATH."""


def write_rules(folder: Path, runbooks: str) -> list[Path]:
    """Write every file of rules. JSON is YAML, so Prometheus and Helm read it as it is."""
    return [write(folder / name, content) for name, content in rules.files(runbooks).items()]


def try_rules(folder: Path) -> tuple[bool, str]:
    """Write rules and their tests into `folder` and run them: whether all is well, and what promtool said."""
    checked, words = check(write_rules(folder, rules.RUNBOOKS))
    if not checked:
        return checked, words
    trials = [write(folder / name, content) for name, content in trying.files().items()]
    return _run("test", "rules", *map(str, trials))


def check(paths: list[Path]) -> tuple[bool, str]:
    """Whether Prometheus would take these files of rules, and what promtool said."""
    return _run("check", "rules", *map(str, paths))


def write(path: Path, content: Mapping[str, Any]) -> Path:
    """Write what Prometheus reads."""
    path.write_text(json.dumps(content, indent=2, default=list) + "\n")
    return path


def _run(*arguments: str) -> tuple[bool, str]:
    program = shutil.which("promtool")
    if program is None:
        raise NoPromtool("there is no promtool on the PATH: it comes with the package `prometheus`")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)  # noqa: S603 - a known program
    return done.returncode == 0, done.stdout + done.stderr
