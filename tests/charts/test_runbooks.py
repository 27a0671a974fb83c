"""What pages tell to type into kubectl names what the charts make: objects, their namespaces, containers and labels."""

import re
import shlex
from collections.abc import Iterator
from functools import cache

import pytest

from tests.charts.rendering import every_profile, namespace_of, pods, release_of, rendered
from tests.guards.modules import ROOT

PAGES = sorted([*(ROOT / "docs").glob("*.md"), *(ROOT / "docs").glob("*/*.md")])
KINDS = {
    "deploy": "Deployment",
    "deployment": "Deployment",
    "sts": "StatefulSet",
    "cronjob": "CronJob",
    "cluster": "Cluster",
    "service": "Service",
    "scheduledbackup": "ScheduledBackup",
    "podmonitor": "PodMonitor",
}
# What operators put onto their pods, by which they may be picked: CloudNativePG's documentation, "Labels".
OPERATORS_LABELS = {("cnpg.io/instanceRole", "primary"), ("cnpg.io/instanceRole", "replica")}
WORD = re.compile(r"(?:(?P<kind>[a-z]+)/)?(?P<name>(?:CELL|eu-3|router|control-plane|provisioning)-[a-z0-9-]+)")


def commands() -> Iterator[tuple[str, list[str]]]:
    for page in PAGES:
        text = page.read_text()
        spans = re.findall(r"`(kubectl [^`]+)`", " ".join(text.split()))
        for command in [*spans, *re.findall(r"^ {4,}(kubectl .*)$", text, re.M)]:
            yield page.name, shlex.split(command)


@cache
def there() -> tuple[set[tuple[str, str]], set[str], set[str], set[tuple[str, str]]]:
    """(kind, name) of every object, namespaces, containers and labels of pods; a cell's is called CELL."""
    objects, namespaces, containers, labels = set(), set(), set(), set(OPERATORS_LABELS)
    for chart, profile in every_profile():
        release = release_of(chart, profile)
        calls = {release: "CELL"} if chart == "cell" else {}
        namespaces.add(namespace_of(chart, calls.get(release, release)))
        for one in rendered(chart, profile):
            name = re.sub(rf"^{release}-", f"{calls.get(release, release)}-", one["metadata"]["name"])
            objects.add((one["kind"], name))
            if one["kind"] == "StatefulSet":
                objects.add(("Pod", f"{name}-0"))
            if one["kind"] == "Cluster":  # the operator's names
                objects |= {("Pod", f"{name}-{number + 1}") for number in range(one["spec"]["instances"])}
                containers |= {"postgres", "plugin-barman-cloud"}
            for pod in pods(one):
                containers |= {container["name"] for container in pod["spec"]["containers"]}
                labels |= set(pod["metadata"]["labels"].items())
    return objects, namespaces, containers, labels


def wrong_with(words: list[str]) -> list[str]:
    """What a command names that no chart makes."""
    objects, namespaces, containers, labels = there()
    wrong, rest = [], [word.replace("eu-3", "CELL") for word in words[1:]]
    if "--" in rest:
        rest = rest[: rest.index("--")]
    for before, word in zip(["", *rest], rest, strict=False):
        if before in {"-n", "--namespace"} or (before == "namespace" and not word.startswith("-")):
            wrong += [] if word in namespaces else [f"namespace {word}"]
        elif before == "-c":
            wrong += [] if word in containers else [f"container {word}"]
        elif before == "-l":
            wrong += [] if tuple(word.split("=")) in labels else [f"label {word}"]
        elif found := WORD.fullmatch(word):
            kind = KINDS.get(found["kind"] or before)
            names = {name for of, name in objects if kind in (None, of)}
            wrong += [] if found["name"] in names else [f"{kind or 'object'} {word}"]
        elif "/" in word and word.partition("/")[0] in KINDS:
            wrong.append(word)
    return wrong


def test_every_name_is_one_that_the_charts_make() -> None:
    seen = 0
    for page, words in commands():
        assert not wrong_with(words), f"{page}: {shlex.join(words)}: there is no {', '.join(wrong_with(words))}"
        seen += 1
    assert seen > 40


@pytest.mark.parametrize(
    "command",
    [
        "kubectl -n CELL get pods",
        "kubectl -n cell-CELL logs deploy/CELL-worker",
        "kubectl -n cell-CELL logs deployment/web",
        "kubectl -n cell-CELL rollout undo deploy/web",
        "kubectl -n cell-CELL exec CELL-postgres-1 -c psql -- psql",
        "kubectl -n cell-CELL exec CELL-postgres-9 -- psql",
        "kubectl -n cell-CELL delete pod -l app=web",
        "kubectl -n cell-CELL get cluster CELL-database",
    ],
)
def test_a_made_up_name_is_found(command: str) -> None:
    assert wrong_with(shlex.split(command))
