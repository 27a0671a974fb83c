"""The running stack that benchmarks attach to: the one named by CELLCAST_STACK, or one of their own."""

import atexit
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from loadtest.bench.figures import Unmeasurable

UP_WITHIN_S = 300  # the first start on a machine builds the S3 server
COMMAND = [sys.executable, "-m", "kit.cli"]


@dataclass(frozen=True)
class Deployment:
    """What benchmarks need of stack.json."""

    facts: dict[str, Any]

    def workspace(self, region: str) -> dict[str, Any]:
        """The demo workspace of a region."""
        found: dict[str, Any] = next(one for one in self.facts["workspaces"] if one["region"] == region)
        return found

    def cell_url(self, name: str) -> str:
        """Where a cell answers."""
        return str(self.facts["cells"][name]["url"])


@cache
def deployment() -> Deployment:
    """The stack, started at first use and stopped when the benchmarks end."""
    attached = os.environ.get("CELLCAST_STACK")
    if attached:
        return Deployment(json.loads(Path(attached).read_text()))
    folder = tempfile.mkdtemp(prefix="cellcast-bench-")
    up(Path(folder))
    atexit.register(down, Path(folder))
    return Deployment(json.loads((Path(folder) / "stack.json").read_text()))


def up(folder: Path, *options: str) -> None:
    """Start a stack in a folder, with these options, and return when it is ready. Raises Unmeasurable."""
    done = subprocess.run(  # noqa: S603 - our own command
        [*COMMAND, "stack", "up", "--detach", "--dir", str(folder), *options],
        capture_output=True,
        text=True,
        timeout=UP_WITHIN_S,
        check=False,
    )
    if done.returncode:
        raise Unmeasurable(f"the stack does not start: {done.stderr.strip() or done.stdout.strip()}")


def down(folder: Path) -> None:
    """Stop the stack of a folder, and remove what it kept."""
    stop = [*COMMAND, "stack", "down", "--dir", str(folder)]
    subprocess.run(stop, capture_output=True, timeout=60, check=False)  # noqa: S603 - our own command
