"""Every profile is what a cluster takes, and every pod is as restricted as Pod Security can have it."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from kit.http.server import GRACE_S
from kit.jobs.kinds import Lane
from tests.charts import tools
from tests.charts.rendering import (
    CHARTS,
    NAMES,
    Manifest,
    every_profile,
    helm,
    pods,
    profiles,
    program,
    rendered,
    values_of,
)

KUBERNETES_OWN = {"v1", "apps", "batch", "networking.k8s.io", "policy"}
PROFILES = {
    "single-node", "small", "large", "eu", "us", "external-postgres", "external-redis", "aws-s3", "custom-s3",
    "air-gapped", "ha", "upgrade",
}  # fmt: skip


def test_a_cell_has_a_profile_for_each_way_of_running_it() -> None:
    assert set(profiles("cell")) >= PROFILES


@pytest.mark.parametrize("chart", NAMES)
def test_helm_finds_nothing_to_say(chart: str) -> None:
    for profile in profiles(chart):
        helm("lint", "--strict", "--kube-version", tools.VERSIONS[0], CHARTS / chart, "-f", values_of(chart, profile))


@pytest.mark.parametrize("version", tools.VERSIONS)
def test_every_kubernetes_takes_them(version: str, tmp_path: Path) -> None:
    made = [one for chart, profile in every_profile() for one in rendered(chart, profile)]
    if version != tools.VERSIONS[0]:  # what operators define is the same on each
        made = [one for one in made if one["apiVersion"].partition("/")[0] in KUBERNETES_OWN]
    distinct = {json.dumps(one) for one in made}
    (tmp_path / "all.json").write_text(
        json.dumps({"apiVersion": "v1", "kind": "List", "items": [json.loads(one) for one in distinct]})
    )
    said = conform(version, tmp_path)
    assert said.returncode == 0, said.stdout
    assert f"Valid: {len(distinct)}, Invalid: 0, Errors: 0, Skipped: 0" in said.stdout


def test_the_judge_is_strict(tmp_path: Path) -> None:
    for kind in ("Deployment", "Cluster", "ScaledObject"):
        one = next(one for one in rendered("cell", "eu") if one["kind"] == kind)
        bad = {**one, "spec": {**one["spec"], "misspelt": 1}}
        (tmp_path / "bad.yaml").write_text(yaml.dump(bad))
        said = conform(tools.VERSIONS[0], tmp_path)
        assert said.returncode != 0 and "misspelt" in said.stdout, kind


def conform(version: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    locations = [word for one in tools.schema_locations() for word in ("-schema-location", one)]
    command: list[str | Path] = [
        program(tools.KUBECONFORM),
        "-strict",
        "-summary",
        "-kubernetes-version",
        version,
        *locations,
        folder,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def every_pod() -> Iterator[tuple[str, Manifest]]:
    for chart, profile in every_profile():
        for manifest in rendered(chart, profile):
            for pod in pods(manifest):
                yield f"{chart} {profile} {manifest['kind']} {manifest['metadata']['name']}", pod["spec"]


def test_every_pod_is_restricted() -> None:
    """Pod Security's level "restricted" and, beyond it, a root file system that nobody writes."""
    seen = 0
    for where, spec in every_pod():
        own = spec["securityContext"]
        assert own["runAsNonRoot"] is True and own["runAsUser"] > 0, where
        assert own["seccompProfile"] == {"type": "RuntimeDefault"}, where
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), where
        assert spec["automountServiceAccountToken"] is False, where
        assert spec["enableServiceLinks"] is False, where  # settings refuse names that they do not know
        for volume in spec["volumes"]:
            assert set(volume) - {"name"} <= {"emptyDir", "secret", "configMap", "persistentVolumeClaim"}, where
        for container in [*spec["containers"], *spec.get("initContainers", [])]:
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False, where
            assert own["readOnlyRootFilesystem"] is True, where
            assert own["capabilities"] == {"drop": ["ALL"]}, where
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}, where
            assert "memory" in container["resources"]["limits"], where
            image = container["image"].rpartition("/")[2]
            assert ":" in image and not image.endswith(":latest"), where
        seen += 1
    assert seen > 50


def test_every_folder_that_is_mounted_is_there() -> None:
    for where, spec in every_pod():
        there = {volume["name"] for volume in spec["volumes"]}
        for container in spec["containers"]:
            mounted = {mount["name"] for mount in container["volumeMounts"]}
            assert mounted <= there | {"data"}, where  # "data" is a StatefulSet's own claim


def deployments(chart: str, profile: str) -> dict[str, Manifest]:
    found = (one for one in rendered(chart, profile) if one["kind"] == "Deployment")
    return {one["metadata"]["labels"]["app.kubernetes.io/component"]: one["spec"] for one in found}


def test_what_is_in_flight_is_finished_before_a_pod_is_killed() -> None:
    made = deployments("cell", "eu")
    web = made["web"]["template"]["spec"]
    pause = web["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert web["terminationGracePeriodSeconds"] >= pause + GRACE_S + 5
    for lane in Lane:
        worker = made[f"worker-{lane}"]["template"]["spec"]
        env = {one["name"]: one.get("value") for one in worker["containers"][0]["env"]}
        assert worker["terminationGracePeriodSeconds"] >= int(env["CELLCAST_CELL_FINISH_S"]) + 5
        assert worker["containers"][0]["args"][-2:] == ["--lane", lane.value]


def test_rolling_out_takes_nothing_away_first() -> None:
    for chart in NAMES:
        for part, spec in deployments(chart, "eu").items():
            assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}, (chart, part)


def test_whatever_is_more_than_one_is_kept_up_while_nodes_are_drained() -> None:
    for chart, profile in every_profile():
        made = rendered(chart, profile)
        budgets = {one["metadata"]["name"] for one in made if one["kind"] == "PodDisruptionBudget"}
        scaled = {one["spec"]["scaleTargetRef"]["name"] for one in made if one["kind"] == "ScaledObject"}
        several = {
            one["metadata"]["name"]
            for one in made
            if one["kind"] == "Deployment" and one["spec"].get("replicas", 0) > 1
        }
        assert budgets >= scaled | several, (chart, profile)
        for one in made:
            if one["kind"] == "Deployment" and one["metadata"]["name"] in scaled:
                assert "replicas" not in one["spec"], "who scales it counts alone"


def test_migrations_run_before_new_processes_and_come_with_the_first() -> None:
    def annotations(profile: str) -> dict[str, str]:
        job = next(one for one in rendered("cell", profile) if one["kind"] == "Job")
        return dict(job["metadata"]["annotations"])

    assert annotations("upgrade")["helm.sh/hook"] == "pre-upgrade"
    assert "helm.sh/hook" not in annotations("eu")  # a hook would run before there is a database
    # Argo CD renders as for a first installation each time: its own hook, and a later wave for what runs on the tables.
    assert annotations("eu")["argocd.argoproj.io/hook"] == "Sync"
    waves = {
        one["metadata"].get("annotations", {}).get("argocd.argoproj.io/sync-wave")
        for one in rendered("cell", "eu")
        if one["kind"] in {"Deployment", "ScaledObject"}
    }
    assert waves == {"1"} and "argocd.argoproj.io/sync-wave" not in annotations("eu")


def test_what_waits_and_what_is_being_done_both_count_for_workers() -> None:
    from kit.jobs import sweep

    queries = {
        one["metadata"]["labels"]["app.kubernetes.io/component"]: " ".join(
            trigger["metadata"].get("query", "") for trigger in one["spec"]["triggers"]
        )
        for one in rendered("cell", "eu")
        if one["kind"] == "ScaledObject"
    }
    for lane in Lane:
        for gauge in (sweep.DUE, sweep.LEASED, sweep.OLDEST):
            assert f'{gauge._name}{{cell="eu-1",lane="{lane}"}}' in queries[f"worker-{lane}"]
    assert "cellcast_http_request_seconds_bucket" in queries["web"]


def test_backups_are_gone_in_time() -> None:
    for profile in profiles("cell"):
        for one in rendered("cell", profile):
            if one["kind"] == "ObjectStore":
                assert one["spec"]["retentionPolicy"] == "3d"
            if one["kind"] == "ScheduledBackup":
                assert len(one["spec"]["schedule"].split()) == 6


def test_helm_can_test_every_release() -> None:
    for chart in NAMES:
        hooks = [
            one for one in rendered(chart, "eu") if one["metadata"].get("annotations", {}).get("helm.sh/hook") == "test"
        ]
        assert len(hooks) == 1, chart
