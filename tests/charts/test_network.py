"""Who can reach whom: every pair of parts, by the policies as they are rendered, against docs/operate-network.md."""

import re
from functools import cache
from itertools import product
from pathlib import Path

import pytest

from tests.charts.policies import Network, Place
from tests.charts.rendering import NAMES, namespace_of

DOCS = Path(__file__).parents[2] / "docs"
Arrow = tuple[str, str, int]  # from, to, port
# Two cells of one region and one of another, and everything else once.
RELEASES = (
    ("cell", "eu", "eu-1"),
    ("cell", "eu", "eu-2"),
    ("cell", "us", "us-1"),
    ("router", "eu", "router"),
    ("control-plane", "eu", "control-plane"),
    ("provisioning", "eu", "provisioning"),
    ("loadtest", "eu", "loadtest"),
)
PUBLIC = "52.1.2.3"  # an address on the internet, as S3, mail and other regions have
OUTSIDE = {
    "browser": Place("browser", "203.0.113.9"),
    "internet": Place("internet", PUBLIC),
    "cluster": Place("cluster", "10.96.0.1"),
    "metadata": Place("metadata", "169.254.169.254"),
    "operator": Place("operator", "10.2.0.1", "cnpg-system", (("app.kubernetes.io/name", "cloudnative-pg"),)),
    "prometheus": Place("prometheus", "10.2.0.2", "monitoring", (("app.kubernetes.io/name", "prometheus"),)),
    "names": Place("names", "10.2.0.3", "kube-system", (("k8s-app", "kube-dns"),)),
    "stranger": Place("stranger", "10.2.0.4", "default", (("app", "stranger"),)),
    "beside prometheus": Place("beside", "10.2.0.5", "monitoring", (("app", "grafana"),)),
}
ON_THE_INTERNET = {
    "s3", "mail", "registry", "provisioning", "cells", "routers", "published", "backups", "target",
    "identity-providers",
}  # fmt: skip
PORTS = (22, 53, 80, 443, 465, 587, 5432, 5557, 6379, 6443, 8000, 8080, 8443, 9090, 9127, 9187)


@cache
def network() -> Network:
    return Network(RELEASES)


@cache
def documented() -> dict[str, set[Arrow]]:
    """The table, by chart."""
    found: dict[str, set[Arrow]] = {chart: set() for chart in NAMES}
    for line in (DOCS / "operate-network.md").read_text().splitlines():
        cells = [[word.strip() for word in cell.split(",")] for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 4 and cells[0][0] in found:
            chart, sources, targets, ports = cells
            found[chart[0]] |= {(a, b, int(port)) for a, b, port in product(sources, targets, ports)}
    return found


def parts_of(release: str) -> dict[str, Place]:
    return {one.part: one for one in network().places if one.release == release}


@pytest.mark.parametrize("release", RELEASES, ids=[one[2] for one in RELEASES])
def test_inside_a_release_there_are_the_arrows_of_the_table_and_no_other(release: tuple[str, str, str]) -> None:
    chart, _, name = release
    parts = parts_of(name)
    expected = {arrow for arrow in documented()[chart] if arrow[0] in parts and arrow[1] in parts}
    found = {
        (a.part, b.part, port)
        for a, b, port in product(parts.values(), parts.values(), PORTS)
        if network().allows(a, b, port)
    }
    assert found == expected
    assert chart == "loadtest" or len(found) >= 3


@pytest.mark.parametrize("release", RELEASES, ids=[one[2] for one in RELEASES])
def test_out_of_a_release_and_into_it_there_are_the_arrows_of_the_table(release: tuple[str, str, str]) -> None:
    chart, _, name = release
    parts = parts_of(name)
    for part, place in parts.items():
        for port in PORTS:
            out = {b for a, b, at in documented()[chart] if a == part and at == port and b not in parts}
            assert network().allows(place, OUTSIDE["internet"], port) == bool(out & ON_THE_INTERNET), (part, port)
            assert network().allows(place, OUTSIDE["cluster"], port) == ("cluster" in out and port == 443), (part, port)
            come = {a for a, b, at in documented()[chart] if b == part and at == port and a not in parts}
            anybody = bool(come & {"browser"})
            for who in ("operator", "prometheus"):
                assert network().allows(OUTSIDE[who], place, port) == (who in come or anybody), (who, part, port)
            for who in ("browser", "stranger", "beside prometheus"):
                assert network().allows(OUTSIDE[who], place, port) == anybody, (who, part, port)


def test_nothing_leads_from_release_to_release() -> None:
    """Cell to cell above all. What they say to one another goes over their public addresses."""
    found = [
        f"{a} -> {b}:{port}"
        for a, b, port in product(network().places, network().places, PORTS)
        if a.release != b.release and network().allows(a, b, port)
    ]
    assert found == []


def test_nobody_reaches_the_metadata_of_a_cloud_or_a_stranger() -> None:
    for place, port in product(network().places, PORTS):
        for who in ("metadata", "stranger", "beside prometheus", "prometheus", "operator"):
            assert not network().allows(place, OUTSIDE[who], port), (str(place), who, port)


def test_names_can_be_asked_for() -> None:
    for place in network().places:
        assert network().allows(place, OUTSIDE["names"], 53, "UDP"), str(place)


def test_every_release_is_closed_to_pods_that_nobody_knows() -> None:
    for chart, _, name in RELEASES:
        new = Place("new", "10.3.0.1", namespace_of(chart, name), (("app", "debug"),), name)
        for place, port in product(parts_of(name).values(), PORTS):
            assert not network().allows(new, place, port)
            assert not network().allows(place, new, port)
        assert not network().allows(new, OUTSIDE["internet"], 443)


# Rows of the table in docs/architecture.md, and the arrow that each is here. A new row there needs one here.
ROWS: dict[tuple[str, str], set[tuple[str, str, str]]] = {
    ("browser", "router"): {("router", "browser", "edge"), ("router", "edge", "router")},
    ("browser", "cell web"): {("cell", "browser", "edge"), ("cell", "edge", "web")},
    ("browser", "the cell's S3"): set(),  # between the two of them; no part of ours is in it
    ("cell web, worker", "the cell's own PostgreSQL, Redis, S3"): {
        ("cell", part, to) for part in ("web", "worker-light", "worker-media") for to in ("pooler", "redis", "s3")
    },
    ("cell scheduler", "the cell's own PostgreSQL, Redis"): {
        ("cell", "scheduler", "pooler"),
        ("cell", "scheduler", "redis"),
    },
    ("router", "the control plane"): {("router", "router", "registry"), ("control-plane", "routers", "edge")},
    ("router", "its region's bucket"): {("router", "router", "published")},
    ("browser", "control plane"): {("control-plane", "browser", "edge")},
    ("browser", "the region's provisioning"): {("provisioning", "browser", "edge")},
    ("identity provider", "the region's provisioning"): {("provisioning", "browser", "edge")},
    ("cell worker, scheduler", "the control plane"): {
        ("cell", "worker-light", "registry"),
        ("cell", "scheduler", "registry"),
    },
    ("cell web", "the control plane"): {("cell", "web", "registry"), ("control-plane", "cells", "edge")},
    ("cell web", "the region's provisioning"): {("cell", "web", "provisioning"), ("provisioning", "cells", "edge")},
    ("provisioning", "the control plane; the cells of its region"): {
        ("provisioning", "provisioning", "registry"),
        ("provisioning", "provisioning", "cells"),
        ("control-plane", "provisioning", "edge"),
        ("cell", "provisioning", "edge"),
    },
    ("provisioning", "name servers; identity providers"): {("provisioning", "provisioning", "identity-providers")},
    ("control plane", "cells"): {("control-plane", "registry", "cells"), ("cell", "registry", "edge")},
    ("worker", "the mail server"): {("cell", "worker-light", "mail")},
    ("Prometheus", "every process"): {
        ("cell", "prometheus", "web"),
        ("router", "prometheus", "router"),
        ("control-plane", "prometheus", "registry"),
        ("provisioning", "prometheus", "provisioning"),
    },
    ("every process", "a collector of traces, where a setting names one"): {
        ("cell", "web", "traces"),
        ("router", "router", "traces"),
        ("control-plane", "registry", "traces"),
        ("provisioning", "provisioning", "traces"),
    },
}


def test_the_arrows_are_those_of_the_architecture() -> None:
    page = (DOCS / "architecture.md").read_text().partition("## Arrows at run time")[2].partition("\nForbidden")[0]
    rows = {(one[0], one[1]) for one in re.findall(r"^\| ([^|]+) \| ([^|]+) \| [^|]+ \|$", page, re.M)} - {
        ("from", "to")
    }
    assert rows == ROWS.keys()
    known = {(chart, a, b) for chart, arrows in documented().items() for a, b, _ in arrows}
    for row, arrows in ROWS.items():
        assert arrows <= known, row
