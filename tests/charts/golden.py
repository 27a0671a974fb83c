"""What charts render to, kept in files so that a change is seen in review. `python -m tests.charts.golden` writes anew.

A chart's first profile is kept whole, in a form of its own; of the others what differs from it.
"""

import difflib
import shutil
from pathlib import Path

import yaml

from tests.charts.rendering import NAMES, profiles, rendered

FOLDER = Path(__file__).parent / "golden"
HOW = "python -m tests.charts.golden"
FIRST = "eu"  # the profile that others are compared with


class _Dumper(yaml.CSafeDumper):
    """Texts of several lines as they are read."""


def _text(dumper: yaml.CSafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def whole(chart: str, profile: str) -> str:
    """All manifests of a profile."""
    return yaml.dump_all(rendered(chart, profile), Dumper=_Dumper, sort_keys=False, width=10_000)


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
    shutil.rmtree(FOLDER, ignore_errors=True)
    for path, text in wanted().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
