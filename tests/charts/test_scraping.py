"""Whatever a rule or dashboard asks for is scraped, with the labels that it goes by, through a network that lets it."""

import re
from collections.abc import Iterator

import pytest

from observability.external import EXTERNAL, Read
from observability.promql import asked
from tests.charts.policies import labels_of_pods
from tests.charts.rendering import CHARTS, Manifest, changed, every_profile, rendered, values_of
from tests.guards.test_queries import queries

ENDPOINTS = {"ServiceMonitor": "endpoints", "PodMonitor": "podMetricsEndpoints"}
OPERATORS = {"Cluster": Read.POSTGRES, "Pooler": Read.POOLER}  # who makes pods of its own, and what is read of them
PROCESSES = {Read.POSTGRES: "postgres", Read.POOLER: "pooler", Read.EDGE: "edge"}
MADE = [*every_profile()]


def monitors(made: tuple[Manifest, ...]) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """Of each monitor by which labels it picks, and which it gives."""
    for one in made:
        if one["kind"] in ENDPOINTS:
            (endpoint,) = one["spec"][ENDPOINTS[one["kind"]]]
            assert endpoint["port"] == "metrics"
            given = {rule["targetLabel"]: rule["replacement"] for rule in endpoint["relabelings"]}
            yield one["spec"]["selector"]["matchLabels"], given


def read_by_pods(one: Manifest) -> Read | None:
    """What is read of the pods that come of it, without a Service; nothing of most."""
    edge = one["kind"] == "Deployment" and one["metadata"]["name"].endswith("-edge")
    return Read.EDGE if edge else OPERATORS.get(one["kind"])


def scraped(made: tuple[Manifest, ...]) -> dict[Read, list[dict[str, str]]]:
    """What is read of these manifests, with the labels that it gets; an operator's pods where a monitor picks them."""
    found: dict[Read, list[dict[str, str]]] = {read: [] for read in Read}
    picked = [*monitors(made)]
    for one in made:
        if one["kind"] == "ServiceMonitor":
            found[Read.PROCESSES] += [given for _, given in monitors((one,))]
        if (by_pods := read_by_pods(one)) is not None:
            (pod,) = labels_of_pods(one)
            found[by_pods] += [given for picks, given in picked if picks.items() <= pod.items()]
        if one["kind"] == "PrometheusRule" and one["metadata"]["name"].endswith("-backups"):
            rules = [rule for group in one["spec"]["groups"] for rule in group["rules"]]
            assert [rule["record"] for rule in rules if rule["record"] in EXTERNAL] == ["postgres:backups_wanted"]
            found[Read.RULE] += [rule["labels"] for rule in rules]
    return found


def test_every_metric_of_others_is_one_that_comes_from_somewhere() -> None:
    used = {one.metric for _, query in queries() for one in asked(query)} & EXTERNAL.keys()
    assert used == EXTERNAL.keys(), "what nobody asks for needs no source"
    needs = (CHARTS.parent / "docs" / "operate.md").read_text().partition("## What a cluster must have")[2]
    read = scraped(rendered("cell", "eu"))
    for metric, source in EXTERNAL.items():
        if source.read is Read.CLUSTER:
            assert source.made_by in needs.partition("\n## ")[0], f"{metric}: say that a cluster must have it"
        else:
            assert read[source.read], f"{metric}: nothing reads it"


@pytest.mark.parametrize(("chart", "profile"), [one for one in MADE if one[0] != "loadtest"])
def test_what_there_is_is_scraped_once_with_the_labels_that_rules_go_by(chart: str, profile: str) -> None:
    made = rendered(chart, profile)
    watched = any(one["kind"] == "ServiceMonitor" for one in made)
    assert watched is ("monitoring: {enabled: false}" not in values_of(chart, profile).read_text())
    read = scraped(made)
    for what, process in PROCESSES.items():
        there = sum(read_by_pods(one) is what for one in made)
        assert [given["process"] for given in read[what]] == [process] * there * watched
    wanted = sum(one["kind"] == "ScheduledBackup" for one in made)
    assert len(read[Read.RULE]) == wanted * watched
    assert {given.get("process") for given in read[Read.PROCESSES]} <= {None, "web", "worker", "scheduler"}
    for labels in [given for all_given in read.values() for given in all_given]:
        assert labels["part"] == chart
        assert labels.keys() - {"process"} == {"part", *WHERE[chart]}
        assert chart != "cell" or labels["cell"].startswith(labels["region"])


WHERE = {"cell": {"region", "cell"}, "provisioning": {"region"}, "router": {"region"}, "control-plane": set()}


@pytest.mark.parametrize(("chart", "profile"), MADE)
def test_prometheus_is_let_in_where_it_is_sent_and_nowhere_else(chart: str, profile: str) -> None:
    made = rendered(chart, profile)
    sent = {tuple(picks.items()) for picks, _ in monitors(made)}
    let_in = {
        tuple(one["spec"]["podSelector"]["matchLabels"].items())
        for one in made
        if one["kind"] == "NetworkPolicy"
        for rule in one["spec"].get("ingress") or []
        for peer in rule["from"]
        if "monitoring" in str(peer.get("namespaceSelector"))
    }
    assert sent == let_in or (not sent and profile == "single-node")


def test_a_scraper_that_is_missing_is_found() -> None:
    made = tuple(one for one in rendered("cell", "eu") if one["kind"] != "PodMonitor")
    assert not scraped(made)[Read.POSTGRES] and not scraped(made)[Read.POOLER] and scraped(made)[Read.PROCESSES]
    other = tuple(
        {**one, "spec": {**one["spec"], "inheritedMetadata": {"labels": {"app": "other"}}}}
        if one["kind"] == "Cluster"
        else one
        for one in rendered("cell", "eu")
    )
    assert not scraped(other)[Read.POSTGRES] and scraped(other)[Read.POOLER]


def test_a_balancer_leads_to_no_metrics() -> None:
    for chart in WHERE:
        (edge,) = [one for one in rendered(chart, "eu") if one["kind"] == "Service" and one["spec"].get("type")]
        assert [port["name"] for port in edge["spec"]["ports"]] == ["https"]


def test_a_postgres_without_backups_is_not_missed_for_them() -> None:
    assert not scraped(changed("cell", "eu", {"backup.enabled": False}))[Read.RULE]


def test_no_query_goes_by_what_cloudnativepg_knows_of_backups() -> None:
    """It does not know of those that the plug-in makes, by which the charts make them."""
    plugins = {one["spec"]["method"] for one in rendered("cell", "eu") if one["kind"] == "ScheduledBackup"}
    assert plugins == {"plugin"}
    assert not [name for name, query in queries() if re.search(r"cnpg_collector_\w*backup", query)]
