"""What charts put into environments are settings, all that must be given among them; and values hold as settings."""

import re

import pytest
from pydantic_core import PydanticUndefined

from cell.settings import CellSettings
from control_plane.provisioning.settings import ProvisioningSettings
from control_plane.settings import ControlPlaneSettings
from kit.settings import Settings
from router.settings import RouterSettings
from tests.charts.rendering import every_profile, pods, rendered

OURS: tuple[type[Settings], ...] = (CellSettings, RouterSettings, ControlPlaneSettings, ProvisioningSettings)
# What Kubernetes and libraries read, which is none of our settings.
OTHERS = re.compile(r"^(POSTGRES_PASSWORD|OWNER_PASSWORD|REDIS_PASSWORD|PGSSL[A-Z]+|AWS_[A-Z_]+|LOCUST_[A-Z_]+)$")


def processes() -> list[tuple[str, dict[str, str]]]:
    """Each container that runs `cellcast`, with its environment."""
    found = []
    for chart, profile in every_profile():
        for manifest in rendered(chart, profile):
            for pod in pods(manifest):
                for container in pod["spec"]["containers"]:
                    if "command" not in container:
                        environment = {one["name"]: one.get("value", "") for one in container.get("env", [])}
                        found.append((f"{chart} {profile} {container['name']}", environment))
    return found


def test_every_name_is_a_setting_and_every_required_one_is_there() -> None:
    seen = set()
    for where, environment in processes():
        ours = {name for name in environment if not OTHERS.match(name)}
        prefix = max((name.rpartition("_")[0] for name in ours), key=len, default="")
        which = next((one for one in OURS if prefix.startswith(str(one.model_config["env_prefix"]).rstrip("_"))), None)
        if which is None:
            assert not ours, where
            continue
        seen.add(which)
        start = str(which.model_config["env_prefix"])
        known = {f"{start}{name}".upper(): field for name, field in which.model_fields.items()}
        assert ours <= known.keys(), f"{where}: {ours - known.keys()} are no settings"
        needed = {name for name, field in known.items() if field.is_required() or field.default is PydanticUndefined}
        assert needed <= ours, f"{where}: {needed - ours} must be given"
    assert seen == set(OURS)


def test_a_variable_stands_before_what_it_is_put_into() -> None:
    for where, environment in processes():
        names = list(environment)
        for name, value in environment.items():
            for used in re.findall(r"\$\(([A-Z_]+)\)", value):
                assert used in names[: names.index(name)], f"{where}: {name} uses {used}"


def test_a_cell_with_secrets_in_its_values_would_start(monkeypatch: pytest.MonkeyPatch) -> None:
    made = rendered("cell", "plain-secrets")
    secrets = {one["metadata"]["name"]: one["stringData"] for one in made if one["kind"] == "Secret"}
    web = next(one for one in made if one["metadata"]["name"] == "eu-1-web" and one["kind"] == "Deployment")
    environment: dict[str, str] = {}
    for one in web["spec"]["template"]["spec"]["containers"][0]["env"]:
        if "value" in one:
            value = re.sub(r"\$\(([A-Z_]+)\)", lambda found: environment[found[1]], one["value"])
        else:
            of = one["valueFrom"]["secretKeyRef"]
            value = secrets[of["name"]][of["key"]]
        environment[one["name"]] = value
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = CellSettings.load()
    assert settings.database_url == "postgresql://cellcast_app:example-app@eu-1-pooler:5432/cellcast"
    assert settings.feed is not None and settings.feed.bucket is not None
    assert str(settings.trusted_proxies[0]) == "10.0.0.0/8"
