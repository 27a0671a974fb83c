"""A real API server takes every manifest, in namespaces that take restricted pods alone."""

from collections.abc import Iterator

import pytest

from tests.charts import cluster
from tests.charts.cluster import Answer, Cluster
from tests.charts.rendering import NAMES, Manifest, namespace_of, pods, profiles, release_of, rendered

RESTRICTED = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if not cluster.built().exists():
        pytest.skip("no API server has been built here: python -m tests.charts.cluster")
    with cluster.running(tmp_path_factory.mktemp("cluster")) as running:
        yield running


def namespace(api: Cluster, name: str) -> str:
    api.make({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": RESTRICTED}})
    return name


def pod_of(template: Manifest, name: str, where: str) -> Manifest:
    """A pod as its controller would make it."""
    labels = template["metadata"].get("labels", {})
    made = {"name": name, "namespace": where, "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": made, "spec": template["spec"]}


def refused(said: Answer) -> str:
    return "" if said.status in {200, 201} and not said.warnings else f"{said.status} {said.body} {said.warnings}"


@pytest.mark.parametrize("chart", NAMES)
def test_every_manifest_is_taken(api: Cluster, chart: str) -> None:
    tried = 0
    for profile in profiles(chart):
        where = namespace(api, namespace_of(chart, release_of(chart, profile)))
        for one in rendered(chart, profile):
            placed = {**one, "metadata": {"namespace": where, **one["metadata"]}}
            assert not (why := refused(api.try_out(placed))), (profile, one["kind"], one["metadata"]["name"], why)
            for template in pods(one):
                pod = pod_of(template, one["metadata"]["name"], where)
                # A StatefulSet's controller adds the volumes of its claims.
                claims = [claim["metadata"]["name"] for claim in one.get("spec", {}).get("volumeClaimTemplates", ())]
                own = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in claims]
                volumes = [*pod["spec"].get("volumes", ()), *own]
                pod["spec"] = {"restartPolicy": "Always", **pod["spec"], "volumes": volumes}  # what is rendered is kept
                assert not (why := refused(api.try_out(pod))), (profile, one["kind"], one["metadata"]["name"], why)
            tried += 1
    assert tried


def test_the_judge_is_strict(api: Cluster) -> None:
    where = namespace(api, "strict")
    deployment = next(one for one in rendered("cell", "eu") if one["kind"] == "Deployment")
    placed = {**deployment, "metadata": {**deployment["metadata"], "namespace": where}}
    assert not refused(api.try_out(placed))
    misspelt = api.try_out({**placed, "spec": {**placed["spec"], "misspelt": 1}})
    assert misspelt.status >= 400 and "misspelt" in misspelt.body["message"]
    rooted = pod_of(pods(deployment)[0], "rooted", where)
    rooted["spec"] = {**rooted["spec"], "securityContext": {**rooted["spec"]["securityContext"], "runAsNonRoot": False}}
    said = api.try_out(rooted)
    assert said.status == 403 and 'violates PodSecurity "restricted' in said.body["message"]
