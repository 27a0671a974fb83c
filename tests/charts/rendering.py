"""Charts as Helm renders them, each rendering made once a process."""

import functools
import json
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from stack.gobuild import NotBuilt, Program
from tests.charts import tools

CHARTS = Path(__file__).parents[2] / "charts"
NAMES = ("cell", "router", "control-plane", "provisioning", "loadtest")
OLDEST = tools.VERSIONS[0]
Manifest = dict[str, Any]  # a Kubernetes object, of any kind


class Refused(Exception):
    """Helm did not render. The text is what it said."""


def program(which: Program) -> Path:
    """A program of the tools; a machine that can neither have nor build it skips the test, with the reason."""
    try:
        return which.find_or_build()
    except NotBuilt as reason:
        pytest.skip(str(reason))


def profiles(chart: str) -> list[str]:
    """The names of a chart's profiles, which are its ci/*-values.yaml."""
    return sorted(path.name.removesuffix("-values.yaml") for path in (CHARTS / chart / "ci").glob("*-values.yaml"))


def every_profile() -> list[tuple[str, str]]:
    """Each chart with each of its profiles."""
    return [(chart, profile) for chart in NAMES for profile in profiles(chart)]


def values_of(chart: str, profile: str) -> Path:
    """A profile's file."""
    return CHARTS / chart / "ci" / f"{profile}-values.yaml"


def release_of(chart: str, profile: str) -> str:
    """What the profile's release is called: cells by their own name, the others as their charts."""
    return str(yaml.safe_load(values_of(chart, profile).read_text())["name"]) if chart == "cell" else chart


@functools.cache
def rendered(chart: str, profile: str, release: str = "", changes: str = "{}") -> tuple[Manifest, ...]:
    """A profile's manifests, in the order of their kinds and names; `changes` are values over it, as JSON.

    Raises Refused with Helm's words.
    """
    release = release or release_of(chart, profile)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(changes)
        file.flush()
        upgrade = ["--is-upgrade"] if profile == "upgrade" else []
        said = helm(
            "template", release, CHARTS / chart, "--namespace", namespace_of(chart, release), *upgrade,
            "--kube-version", OLDEST, "--values", values_of(chart, profile), "--values", file.name,
        )  # fmt: skip
    made = [one for one in yaml.load_all(said, yaml.CSafeLoader) if one]
    return tuple(sorted(made, key=lambda one: (one["kind"], one["metadata"]["name"])))


def changed(chart: str, profile: str, changes: Mapping[str, object]) -> tuple[Manifest, ...]:
    """A profile's manifests with other values; a key is a path, like `bucket.access`."""
    nested: dict[str, Any] = {}
    for path, value in changes.items():
        *above, last = path.split(".")
        place = nested
        for name in above:
            place = place.setdefault(name, {})
        place[last] = value
    return rendered(chart, profile, "", json.dumps(nested))


def namespace_of(chart: str, release: str) -> str:
    """Where a release is: each in a namespace of its own."""
    return f"cell-{release}" if chart == "cell" else f"cellcast-{release}"


def helm(*arguments: str | Path) -> str:
    """Run Helm. Raises Refused."""
    done = subprocess.run([program(tools.HELM), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        # Charts share lib by a link, which Helm mentions each time.
        raise Refused(
            "\n".join(line for line in (done.stdout + done.stderr).splitlines() if "symbolic link" not in line)
        )
    return done.stdout


def pods(manifest: Manifest) -> list[Manifest]:
    """The pods that a manifest makes by itself, with their metadata and spec."""
    spec = manifest.get("spec", {})
    if manifest["kind"] == "Pod":
        return [manifest]
    if manifest["kind"] in ("Deployment", "StatefulSet", "Job"):
        return [spec["template"]]
    if manifest["kind"] == "CronJob":
        return [spec["jobTemplate"]["spec"]["template"]]
    return []
