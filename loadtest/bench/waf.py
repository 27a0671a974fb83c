"""The firewall of the edge: what of people's doings it blocks, and what of attackers' it lets through."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from ssl import create_default_context
from urllib.parse import urlsplit

from loadtest.attacks import attacks, passes
from loadtest.bench.deployment import down, up
from loadtest.bench.figures import Unmeasurable, figure

_SUITE = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", "tests/e2e"]
_ITS_OWN = "--deselect=tests/e2e/test_edge.py::test_no_attack_gets_through"
_ROOT = Path(__file__).parents[2]
_SUITE_WITHIN_S = 3600
_OF_THE_EDGE = {400, 403, 405, 413, 414, 494}  # what it answers by itself; 502 and the like are not its own wish


@figure("waf.blocked_good", unit="requests", target=0, better="lower")
def blocked_good() -> float:
    """Requests of the whole browser suite that an edge answered in place of the process behind it."""
    with tempfile.TemporaryDirectory(prefix="cellcast-edges-") as folder:
        environment = os.environ | {"CELLCAST_EDGE": folder}
        environment.pop("CELLCAST_STACK", None)
        command = [*_SUITE, _ITS_OWN]
        done = subprocess.run(  # noqa: S603 - our own tests
            command, cwd=_ROOT, env=environment, capture_output=True, text=True, check=False, timeout=_SUITE_WITHIN_S
        )
        lines = [line for log in Path(folder).iterdir() for line in log.read_text().splitlines()]
    refused = _refused(lines)
    if done.returncode and not refused:
        raise Unmeasurable(f"the browser suite fails, and not by the edge: {done.stdout[-2000:]}")
    if not lines:
        raise Unmeasurable("no edge logged anything")
    for line in refused:
        print(line)
    return float(len(refused))


@figure("waf.missed_bad", unit="attacks", target=0, better="lower")
def missed_bad() -> float:
    """Attacks of the list that something behind the edge of a cell or of provisioning answered."""
    folder = Path(tempfile.mkdtemp(prefix="cellcast-bench-"))
    try:
        up(folder, "--edge", "--cells", "eu-1")
        facts = json.loads((folder / "stack.json").read_text())
        trust = create_default_context(cafile=facts["edge"]["ca"])
        urls = (facts["cells"]["eu-1"]["url"], facts["provisioning"]["eu"]["url"])
        missed = []
        for parts in map(urlsplit, urls):
            assert parts.hostname and parts.port
            missed += [one.name for one in attacks() if passes(one, parts.port, parts.hostname, trust)]
    finally:
        down(folder)
    for name in missed:
        print(f"missed: {name}")
    return float(len(missed))


def _refused(lines: Iterable[str]) -> list[str]:
    """The requests that an edge answered by itself, besides the readiness that is not for the outside."""
    found = [(line, json.loads(line)) for line in lines if line.startswith("{")]
    return [
        line
        for line, said in found
        if said["event"] == "request" and said["status"] in _OF_THE_EDGE and not said["upstream_seconds"]
    ]
