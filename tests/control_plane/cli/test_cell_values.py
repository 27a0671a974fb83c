"""What a new cell's values file says: what is derived, what a neighbour lends, what is asked for, and its size."""

from pathlib import Path

import pytest
import yaml

from control_plane.cli.cell_values import Cell, Values, check_region, derived_url, text
from control_plane.cli.server import REFUSED, WRONG_USAGE, Failed

DEPLOYMENT = {
    "url": "https://control.cellcast.example",
    "go_url": "https://go.cellcast.example",
    "public_keys": ["O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik="],
    "regions": {"eu": "https://provisioning-eu.cellcast.example", "us": "https://provisioning-us.cellcast.example"},
}
ASKED = [
    "edge.tls.issuer=letsencrypt",
    "secrets.external.store=vault",
    "network.outside.cluster={cidrs: [10.96.0.1/32], ports: [443]}",
]


def cell(name: str = "eu-3", capacity: int = 1000) -> Cell:
    return Cell(name, f"https://{name}.cellcast.example", capacity)


def written(one: Cell, folder: Path, *given: str) -> Values:
    return dict(yaml.safe_load(text(one, DEPLOYMENT, folder, given)))


def neighbour(folder: Path, name: str, **changes: object) -> None:
    values = {**written(cell(name), folder / "none", *ASKED), **changes}
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(values))


@pytest.mark.parametrize(("capacity", "size"), [(1, "small"), (200, "small"), (201, "medium"), (9000, "large")])
def test_its_size_is_by_its_capacity(capacity: int, size: str) -> None:
    assert cell(capacity=capacity).size == size


def test_the_first_cell_asks_for_what_nobody_knows_all_at_once(tmp_path: Path) -> None:
    with pytest.raises(Failed) as refused:
        written(cell(), tmp_path)
    assert refused.value.code == WRONG_USAGE
    asked = refused.value.problem["detail"].splitlines()
    assert [line.split("=")[0].split()[-1].strip("'") for line in asked] == [one.partition("=")[0] for one in ASKED]
    values = written(cell(), tmp_path, *ASKED)
    assert (values["passkeyRpId"], values["bucket"]["region"]) == ("cellcast.example", "eu-central-1")


def test_a_neighbour_of_the_region_lends_all_but_its_name_size_and_secrets(tmp_path: Path) -> None:
    database = {"from": "external", "external": {"host": "cell-eu-1.db.example", "caSecret": "db"}, "instances": 3}
    secrets = {"from": "existing", "name": "of-eu-1", "values": {"master-key": "0" * 64}}
    neighbour(tmp_path, "eu-1", postgres=database, secrets=secrets, web={"replicas": 40}, goUrl="https://old.example")
    neighbour(tmp_path, "us-7", nodeSelector={"pool": "us"})
    made = written(cell(capacity=100), tmp_path)
    assert made["postgres"]["external"] == {"host": "cell-eu-3.db.example", "caSecret": "db"}
    assert made["postgres"]["instances"] == 2 and made["web"]["replicas"] == 2
    assert made["secrets"] == {"external": {"path": "cellcast/eu-3"}, "from": "existing", "name": "of-eu-3"}
    assert made["goUrl"] == DEPLOYMENT["go_url"], "what the registry knows counts"
    assert "nodeSelector" not in made and "eu-1" not in yaml.safe_dump(made)


def test_one_of_another_region_lends_what_is_the_same_everywhere(tmp_path: Path) -> None:
    neighbour(tmp_path, "us-1", image={"repository": "images.example/cellcast"}, nodeSelector={"zone": "us-east-1a"})
    made = written(cell(), tmp_path, ASKED[2])
    assert made["image"] == {"repository": "images.example/cellcast"}
    assert made["edge"]["tls"] == {"issuer": "letsencrypt"}
    assert "nodeSelector" not in made and made["bucket"]["endpoint"] == "https://s3.eu-central-1.amazonaws.com"


@pytest.mark.parametrize(
    "given", ["edge.tls.issuer", "=1", "a..b=1", "edge={", "goUrl=http://go.example", "bucket.endpoint="]
)
def test_what_cannot_be_is_refused(given: str, tmp_path: Path) -> None:
    with pytest.raises(Failed) as refused:
        written(cell(), tmp_path, *ASKED, given)
    assert refused.value.code == WRONG_USAGE and given.partition("=")[0] in refused.value.words


def test_a_neighbour_that_is_no_yaml_is_named(tmp_path: Path) -> None:
    (tmp_path / "eu-1.yaml").write_text("name: [")
    with pytest.raises(Failed, match="eu-1"):
        written(cell(), tmp_path, *ASKED)


def test_a_region_has_provisioning_before_it_has_cells() -> None:
    check_region("us-1", DEPLOYMENT)
    with pytest.raises(Failed) as refused:
        check_region("ap-1", DEPLOYMENT)
    assert refused.value.code == REFUSED and "eu, us" in refused.value.words


def test_an_address_is_derived_from_those_that_are_there() -> None:
    cells = [{"name": "us-1", "url": "https://us-1.us.example"}, {"name": "eu-1", "url": "https://eu-1.eu.example:444"}]
    assert derived_url("eu-2", cells) == "https://eu-2.eu.example:444"
    assert derived_url("us-2", cells) == "https://us-2.us.example"
    with pytest.raises(Failed, match="cell-url"):
        derived_url("eu-2", [{"name": "eu-1", "url": "https://blue.example"}])
