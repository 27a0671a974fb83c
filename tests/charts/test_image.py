"""The image's recipe: hadolint finds nothing, versions are pinned, and its steps are the Makefile's."""

import re
import subprocess
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[2]
RECIPE = (ROOT / "Dockerfile").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()


def test_hadolint_finds_nothing() -> None:
    program = Path(sysconfig.get_path("scripts")) / "hadolint"
    said = subprocess.run([program, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr


def test_every_base_is_pinned_and_the_last_stage_is_nobody() -> None:
    stages = re.split(r"^FROM ", RECIPE, flags=re.M)[1:]
    for stage in stages:
        base = stage.split()[0]
        if base == "${BASE}":
            base = re.findall(r"^ARG BASE=(\S+)", RECIPE, re.M)[0]
        assert re.search(r":[0-9]+\.[0-9]+\.[0-9]+-", base), base
    assert re.findall(r"^USER (\S+)", stages[-1], re.M) == ["10001:10001"]
    assert "--from=packages" in stages[-1] and "npm" not in stages[-1] and "uv" not in stages[-1]


def test_its_python_is_one_that_we_take() -> None:
    version = re.findall(r"python:(\d+\.\d+)", RECIPE)[0]
    assert f">={version}" in re.findall(r'requires-python = "([^"]+)"', (ROOT / "pyproject.toml").read_text())[0]


def test_its_steps_are_the_makefiles() -> None:
    """The packages of the lock file with their hashes, npm without scripts, and the UI's build."""
    steps = {" ".join(one.split()) for one in re.findall(r"^RUN ((?:.*\\\n)*.*)$", RECIPE, re.M)}
    for step in (
        "npm ci --ignore-scripts --no-audit --no-fund --silent",
        "node build.mjs",
        "uv pip sync --quiet --require-hashes --compile-bytecode requirements.lock",
    ):
        assert step in steps, step
        assert step.replace("uv ", "$$uv ") in MAKEFILE, step
    ours = re.findall(r"^PARTS := (.*)$", MAKEFILE, re.M)[0].split()
    shipped = set(re.findall(r"^COPY (\w+) \1$", RECIPE, re.M))
    assert shipped == set(ours) - {"stack", "loadtest", "observability", "tests"}, (
        "what runs in production and nothing else"
    )
    allowed = set(re.findall(r"^!(\w+)$", (ROOT / ".dockerignore").read_text(), re.M))
    assert allowed == shipped
