"""The example of a fleet in Git: what Argo CD would make of it renders, and a cluster takes it."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from control_plane.cli.cell_values import SIZES, Cell, text
from tests.charts import tools
from tests.charts.golden import WATCHED, is_file
from tests.charts.rendering import CHARTS, Manifest, helm, namespace_of, values_of
from tests.charts.test_manifests import conform
from tests.control_plane.cli.test_cell_values import ASKED, DEPLOYMENT

GITOPS = CHARTS.parent / "docs" / "gitops"
FLEET = GITOPS / "fleet"
CELLS = [("eu-1", 1000, ASKED), ("eu-2", 1000, []), ("us-1", 200, ASKED[2:])]


def documents() -> list[Manifest]:
    return [yaml.safe_load(path.read_text()) for path in sorted(GITOPS.glob("*.yaml"))]


def applications(folder: Path) -> list[Manifest]:
    """What the ApplicationSet makes of the files of the fleet; its template is of the kind that Helm has."""
    made = next(one for one in documents() if one["kind"] == "ApplicationSet")["spec"]
    assert [one["path"] for one in made["generators"][0]["git"]["files"]] == ["fleet/*/*.yaml"]
    paths = [path.relative_to(GITOPS) for path in sorted(FLEET.glob("*/*.yaml"))]
    files = [{"path": {"path": str(one.parent), "basename": one.parent.name, "filename": one.name}} for one in paths]
    (folder / "templates").mkdir()
    (folder / "Chart.yaml").write_text("{apiVersion: v2, name: set, version: 0.0.1}")
    (folder / "values.yaml").write_text(json.dumps({"files": files}))
    template = yaml.safe_dump(made["template"], width=10_000)
    (folder / "templates" / "all.yaml").write_text(f"{{{{ range .Values.files }}}}\n---\n{template}\n{{{{ end }}}}")
    found = [one for one in yaml.safe_load_all(helm("template", "set", folder)) if one]
    return [{"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", **one} for one in found]


def manifests(application: Manifest) -> list[Manifest]:
    """What its release is made of."""
    source = application["spec"]["sources"][0]
    said = helm(
        "template", source["helm"]["releaseName"], CHARTS / Path(source["path"]).name,
        "--namespace", application["spec"]["destination"]["namespace"], "--kube-version", tools.VERSIONS[0],
        "--values", GITOPS / source["helm"]["valueFiles"][0].removeprefix("$fleet/"),
    )  # fmt: skip
    return [one for one in yaml.load_all(said, yaml.CSafeLoader) if one]


def test_each_cluster_gets_all_rules_and_dashboards_once(tmp_path: Path) -> None:
    brought: dict[str, list[str]] = {}
    for one in applications(tmp_path):
        files = [manifest["metadata"]["labels"] for manifest in manifests(one) if is_file(manifest)]
        brought.setdefault(one["spec"]["destination"]["name"], []).extend(
            labels["app.kubernetes.io/component"] for labels in files
        )
    assert brought.keys() == {"global", "eu", "us"}
    all_of_them = [path.name.removesuffix(".yaml") for path in (WATCHED / "rules").iterdir()]
    all_of_them += [f"dashboard-{path.stem}" for path in (WATCHED / "dashboards").iterdir()]
    assert all(sorted(files) == sorted(all_of_them) for files in brought.values())


def test_each_file_is_a_release_that_renders_where_it_belongs(tmp_path: Path) -> None:
    found = applications(tmp_path)
    assert len({one["metadata"]["name"] for one in found}) == len(list(FLEET.glob("*/*.yaml"))) == len(found)
    project = next(one for one in documents() if one["kind"] == "AppProject")["spec"]
    made: list[Manifest] = []
    for one in found:
        source, values = one["spec"]["sources"]
        chart, release = Path(source["path"]).name, source["helm"]["releaseName"]
        file = GITOPS / source["helm"]["valueFiles"][0].removeprefix("$fleet/")
        where = one["spec"]["destination"]
        assert where["namespace"] == namespace_of(chart, release) and values["ref"] == "fleet"
        assert any(allows(there, where) for there in project["destinations"]), where
        if chart == "cell":
            assert yaml.safe_load(file.read_text())["name"] == release
        made += manifests(one)
    assert {"Cluster", "Deployment", "ExternalSecret"} <= {one["kind"] for one in made}
    judged = tmp_path / "judged"
    judged.mkdir()
    items = [*{json.dumps(one) for one in (*made, *found, *documents())}]
    (judged / "all.json").write_text(
        json.dumps({"apiVersion": "v1", "kind": "List", "items": [json.loads(one) for one in items]})
    )
    said_of_it = conform(tools.VERSIONS[0], judged)
    assert f"Valid: {len(items)}, Invalid: 0, Errors: 0, Skipped: 0" in said_of_it.stdout, said_of_it.stdout


def allows(there: dict[str, str], where: dict[str, str]) -> bool:
    return there["name"] == where["name"] and Path(where["namespace"]).match(there["namespace"])


def test_versions_go_out_in_order() -> None:
    made = next(one for one in documents() if one["kind"] == "ApplicationSet")["spec"]
    steps = [step["matchExpressions"][0]["values"] for step in made["strategy"]["rollingSync"]["steps"]]
    assert steps == [["control-plane"], ["provisioning"], ["cell"], ["router"]]


def test_the_cells_files_are_what_the_command_writes(tmp_path: Path) -> None:
    for name, capacity, given in CELLS:
        cell = Cell(name, f"https://{name}.cellcast.example", capacity)
        (tmp_path / f"{name}.yaml").write_text(text(cell, DEPLOYMENT, tmp_path, given))
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_text() for path in (FLEET / "cell").iterdir()}


@pytest.mark.parametrize("size", ["small", "medium", "large"])
def test_a_size_is_the_profile_of_its_name(size: str) -> None:
    chart = yaml.safe_load((CHARTS / "cell" / "values.yaml").read_text())
    profile = yaml.safe_load(values_of("cell", "eu" if size == "medium" else size).read_text())
    assert_holds(yaml.safe_load((SIZES / f"{size}.yaml").read_text()), merged(chart, profile), size)


def assert_holds(wanted: Any, found: Any, where: str) -> None:
    if isinstance(wanted, dict):
        for key, below in wanted.items():
            assert_holds(below, found[key], f"{where}.{key}")
    else:
        assert found == wanted, f"{where}: the profile has {found}"


def merged(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        return {**one, **{key: merged(one.get(key), value) for key, value in other.items()}}
    return other
