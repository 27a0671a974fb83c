"""The main job behind the charts' own edge, TLS and firewall: nothing of it is blocked, no attack gets through.

Every other test of this folder runs behind it with `CELLCAST_EDGE`, see tests/deployment.py.
"""

import json
import os
import re
import signal
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import psutil
import pytest

from loadtest.attacks import attacks, passes
from stack.errors import StackError
from stack.nginx import find
from tests.deployment import Deployment, own_stack
from tests.e2e import journey
from tests.e2e.browsers import Visits
from tests.waiting import until

pytestmark = [pytest.mark.stack, pytest.mark.browser]

EDGES = ("eu-1-web-edge", "router-edge", "provisioning-eu-edge")


@pytest.fixture(scope="module")
def whole() -> Iterator[Deployment]:
    try:
        find()
    except StackError as missing:
        if "CI" in os.environ:
            raise
        pytest.skip(str(missing))
    with own_stack("--edge", "--cells", "eu-1") as made:
        yield made


def said(whole: Deployment, edge: str) -> list[dict[str, Any]]:
    """What an edge has logged as events."""
    lines = whole.folder.log(edge).read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


async def test_a_customer_records_and_the_agent_watches(own_visits: Visits, whole: Deployment, tmp_path: Path) -> None:
    facts = whole.description
    assert {urlsplit(url).scheme for url in (facts.router.url, facts.cells["eu-1"].url)} == {"https"}
    await journey.whole("eu", own_visits, whole, tmp_path)
    for edge in EDGES:
        assert not [one for one in said(whole, edge) if one["event"] == "blocked"]
    asked = {one["path"] for one in said(whole, "eu-1-web-edge")}
    assert any(path.endswith("/grants") for path in asked) and not any("/chunks/" in path for path in asked)


def test_no_attack_gets_through(whole: Deployment) -> None:
    facts = whole.description
    assert facts.edge is not None
    trust = ssl.create_default_context(cafile=facts.edge.ca)
    for url in (facts.cells["eu-1"].url, facts.provisioning["eu"].url):
        parts = urlsplit(url)
        assert parts.hostname and parts.port
        missed = [one.name for one in attacks("/w/acme/people") if passes(one, parts.port, parts.hostname, trust)]
        assert not missed, f"{url}: {missed}"
    edges = [one for one in facts.scrapes if one.labels.get("process") == "edge"]
    assert {one.labels["part"] for one in edges} == {"router", "cell", "provisioning"}
    walls = [one.address for one in edges if one.labels["part"] != "router"]
    until(lambda: all(blocks(address) >= 10 for address in walls), 20)


def blocks(address: str) -> float:
    """The requests that an edge says it blocked."""
    with urlopen(f"http://{address}/metrics", timeout=20) as answer:
        return sum(map(float, re.findall(rb"^cellcast_edge_blocked_total\S+ (\S+)$", answer.read(), re.MULTILINE)))


def test_an_edge_runs_as_nobody_and_is_started_again_with_nothing_left_of_its_old_life(whole: Deployment) -> None:
    old = psutil.Process(whole.pid("router-edge"))
    below = old.children(recursive=True)
    family = [old, *(one for one in below if one.name() != "sleep")]  # between two looks at the certificate
    assert len(family) > 3 and (os.geteuid() != 0 or {one.username() for one in family} == {"nobody"})
    old.send_signal(signal.SIGKILL)
    _, left = psutil.wait_procs(family, timeout=10)
    assert not left
    until(lambda: whole.processes()["router-edge"]["life"] == "ready", 30)
