"""What charts render to, kept in files so that a change is seen in review. `python -m tests.charts.golden` writes anew.

A chart's first profile is kept whole, in a form of its own; of the others what differs from it.
"""

import difflib
import json
import shutil
from pathlib import Path

import yaml

from tests.charts.rendering import CHARTS, NAMES, Manifest, profiles, rendered

FOLDER = Path(__file__).parent / "golden"
WATCHED = CHARTS / "lib" / "files"
HOW = "python -m tests.charts.golden"
FIRST = "eu"  # the profile that others are compared with


class _Dumper(yaml.CSafeDumper):
    """Texts of several lines as they are read."""


def _text(dumper: yaml.CSafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def whole(chart: str, profile: str) -> str:
    """All manifests of a profile, without rules and dashboards, which are files already."""
    made = [one for one in rendered(chart, profile) if not is_file(one)]
    return yaml.dump_all(made, Dumper=_Dumper, sort_keys=False, width=10_000)


def is_file(manifest: Manifest) -> bool:
    """Whether a manifest is a file of lib/files that was put into an object."""
    labels = manifest["metadata"]["labels"]
    return labels.get("app.kubernetes.io/component", "").endswith(".rules") or "grafana_dashboard" in labels


def watch(folder: Path) -> None:
    """Write the rules and dashboards of this version as the charts hold them."""
    from observability import grafana, promtool

    for name in ("rules", "dashboards"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
    promtool.write_rules(folder / "rules", "docs/runbooks")
    for name, content in grafana.files().items():
        (folder / "dashboards" / name).write_text(json.dumps(content, indent=2) + "\n")


def wanted() -> dict[Path, str]:
    """Every file that should be there, and what should be in it."""
    found = {}
    for chart in NAMES:
        first = whole(chart, FIRST)
        found[FOLDER / chart / f"{FIRST}.yaml"] = first
        for profile in profiles(chart):
            if profile != FIRST:
                lines = difflib.unified_diff(first.splitlines(), whole(chart, profile).splitlines(), n=1, lineterm="")
                found[FOLDER / chart / f"{profile}.diff"] = "\n".join(lines) + "\n"
    return found


if __name__ == "__main__":
    watch(WATCHED)
    shutil.rmtree(FOLDER, ignore_errors=True)
    for path, text in wanted().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
