"""The command line against the real process: started, operated, stopped, as an operator does it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from control_plane.cli.cells import app as cells
from control_plane.cli.control_plane import app as control_plane
from control_plane.cli.operators import app as operators
from control_plane.cli.placement import app as placement
from control_plane.cli.workspaces import app as workspaces
from kit.ports import free_port
from kit.signing import SigningKey
from tests.control_plane.beat import beat
from tests.servers.postgres import Postgres
from tests.waiting import until

CELLCAST = Path(sys.executable).with_name("cellcast")
WHY = ["--why", "OPS-1: test"]
FOUNDER = ["--company", "Acme", "--email", "ada@acme.example", "--name", "Ada"]


@dataclass
class Shell:
    """The environment of a running control plane, and `cellcast` in it."""

    environment: dict[str, str]
    log: Path
    url: str
    key: SigningKey
    process: subprocess.Popen[bytes] | None = None
    operator: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, code: int = 0, environment: dict[str, str] | None = None) -> str:
        """What a command says on stdout, or where it should fail, on stderr."""
        ours = self.operator if environment is None else environment
        done = subprocess.run(
            [CELLCAST, *arguments], env=_clean() | ours, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done.stderr if code else done.stdout

    def json(self, *arguments: str, code: int = 0) -> Any:
        """The same with --json."""
        return json.loads(self.run(*arguments, "--json", code=code))


def _clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("CELLCAST_")}


@pytest.fixture(scope="module")
def shell(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A control plane from an empty database on, with its first operator."""
    folder, port = tmp_path_factory.mktemp("control-plane"), free_port()
    name = postgres.create_database("shell")
    url, key = f"http://control-plane.localhost:{port}", SigningKey.new()
    made = Shell(
        {
            "CELLCAST_CONTROL_PLANE_BIND": f"127.0.0.1:{port}",
            "CELLCAST_CONTROL_PLANE_URL": url,
            "CELLCAST_CONTROL_PLANE_GO_URL": "http://go.localhost",
            "CELLCAST_CONTROL_PLANE_DATABASE_URL": postgres.app_dsn(name),
            "CELLCAST_CONTROL_PLANE_SIGNING_KEY": key.to_text(),
            "CELLCAST_CONTROL_PLANE_SIGN_UP_URLS": json.dumps({"eu": f"http://127.0.0.1:{free_port()}"}),
        },
        folder / "log",
        url,
        key,
    )
    owner = {"CELLCAST_CONTROL_PLANE_OWNER_DATABASE_URL": postgres.owner_dsn(name)}
    made.run("control-plane", "migrate", environment=made.environment | owner)
    token = made.run("control-plane", "bootstrap-operator", "on-call", environment=made.environment).strip()
    made.operator = {"CELLCAST_URL": url, "CELLCAST_OPERATOR_TOKEN": token}
    with made.log.open("wb") as log:
        made.process = subprocess.Popen(
            [CELLCAST, "control-plane", "serve"], env=_clean() | made.environment, stdout=log, stderr=log
        )
    try:
        until(lambda: b'"ready"' in made.log.read_bytes(), 30, made.log.read_text)
        until(lambda: _answers(made), 10, made.log.read_text)
        yield made
    finally:
        made.process.send_signal(signal.SIGTERM)
        assert made.process.wait(120) == 0, made.log.read_text()


def _answers(shell: Shell) -> bool:
    done = subprocess.run([CELLCAST, "cells", "list"], env=_clean() | shell.operator, capture_output=True, check=False)
    return done.returncode == 0


# That each cell has a key of its own does not matter here.
KEY = SigningKey.new()
CAPACITY = ("--capacity", "100", "--public-key", KEY.public_text())


def test_an_operator_runs_a_fleet(shell: Shell) -> None:
    added = shell.json("cells", "add", "eu-1", "--cell-url", "http://eu-1.example", *CAPACITY, "--open")
    assert (added["name"], added["region"], added["state"]) == ("eu-1", "eu", "open")
    shell.json("cells", "add", "eu-2", "--cell-url", "http://eu-2.example", *CAPACITY)
    assert shell.json("cells", "open", "eu-2", *WHY)["state"] == "open"
    for cell in ("eu-1", "eu-2"):
        beat(shell.url, shell.key, cell, KEY)
    create = ["workspaces", "create", "--region", "eu", *FOUNDER]
    keys = [shell.json(*create, code=3)["workspace_key"] for _ in range(3)]  # reserved: no provisioning finishes them
    assert {one["cell"] for one in shell.json("workspaces", "list", "--region", "eu")["items"]} == {"eu-1", "eu-2"}
    assert shell.json("workspaces", "activate", keys[0], *WHY)["state"] == "active"
    assert shell.json("workspaces", "suspend", keys[0], *WHY)["state"] == "suspended"
    assert shell.json("workspaces", "resume", keys[0], *WHY)["version"] == 4
    shown = shell.json("placement", "show", keys[0])
    assert (shown["cell"], shown["state"], shown["epoch"]) == ("eu-1", "active", 1)
    assert "0.0 points" not in shell.run("placement", "explain", keys[1])
    explained = shell.json("placement", "explain", keys[1])
    assert explained["items"][0]["reason"] == "chosen" and "load" in explained["items"][1]
    assert [one["change"] for one in shell.json("placement", "history", keys[0])["items"]] == [
        "reserve",
        "activate",
        "suspend",
        "resume",
    ]
    shell.run("cells", "cordon", "eu-1", *WHY)
    assert "joining" not in shell.run("cells", "list")
    shell.run("cells", "drain", "eu-1", *WHY)
    assert keys[0] in shell.run("cells", "retire", "eu-1", *WHY, code=1)


def test_a_cell_is_added_with_the_values_of_its_release(shell: Shell, tmp_path: Path) -> None:
    encrypted = ["--set", "goUrl=https://go.example", "--set", "registry.url=https://control.example"]
    asked = [
        *("--set", "edge.tls.issuer=letsencrypt", "--set", "secrets.external.store=vault"),
        *("--set", "network.outside.cluster={cidrs: [10.96.0.1/32]}"),
    ]
    first, second, stranger = (tmp_path / f"{name}.yaml" for name in ("eu-11", "eu-12", "us-9"))
    add = ["cells", "add", "eu-11", "--cell-url", "https://eu-11.example", *CAPACITY, "--values", str(first)]
    lacking = shell.run(*add, *encrypted, code=2)
    assert "edge.tls.issuer" in lacking and "secrets.external.store" in lacking and "network.outside" in lacking
    assert "There is no cell eu-11" in shell.run("cells", "show", "eu-11", code=4), "refused before it is registered"
    made = shell.json(*add, *encrypted, *asked)
    assert (made["size"], made["values"], made["state"]) == ("small", str(first), "joining") and made["feed_token"]
    values = yaml.safe_load(first.read_text())
    assert values["registry"]["publicKeys"] == [shell.key.public_text()]
    assert values["backup"]["bucket"] == "cellcast-eu-11-backups"

    # The next one is told by its neighbour what no registry knows, and by the registry what addresses look like.
    large = [*encrypted, "--capacity", "5000", "--public-key", KEY.public_text(), "--values", str(second)]
    assert "cells open eu-12" in shell.run("cells", "add", "eu-12", *large)
    values = yaml.safe_load(second.read_text())
    assert (values["url"], values["secrets"]["external"]) == (
        "https://eu-12.example",
        {"path": "cellcast/eu-12", "store": "vault"},
    )
    assert values["web"]["scale"]["max"] > 12

    assert "is there" in shell.run("cells", "values", "eu-12", str(second), code=1)
    before = second.read_text()
    shell.run("cells", "values", "eu-12", str(second), "--force", *encrypted, "--set", "logLevel=debug")
    assert second.read_text() == before + "logLevel: debug\n"
    assert "There is or was a cell" in shell.run("cells", "add", "eu-12", *large, "--force", code=1)
    assert second.read_text() == before + "logLevel: debug\n", "a refusal changes nothing"
    large[-1] = str(stranger)
    assert "There is no region us" in shell.run("cells", "add", "us-9", *large, code=1)
    assert "Give --values" in shell.run("cells", "add", "eu-13", *CAPACITY, "--force", code=2)
    assert "no folder" in shell.run("cells", "values", "eu-12", str(tmp_path / "none" / "x.yaml"), code=2)
    assert "it is PATH=VALUE" in shell.run("cells", "values", "eu-12", str(stranger), "--set", "=", code=2)
    assert sorted(tmp_path.iterdir()) == [first, second]


def test_exit_codes_say_what_happened(shell: Shell) -> None:
    assert "There is no cell eu-9" in shell.run("cells", "show", "eu-9", code=4)
    assert "There is nothing here" in shell.run("workspaces", "show", "dmkrt234", code=4)
    assert "No cell of this region" in shell.run("workspaces", "create", "--region", "us", *FOUNDER, code=1)
    assert "--company" in shell.run("workspaces", "create", "--region", "us", code=2)
    odd = ["--request-key", "short"]
    assert "16 to 64" in shell.run("workspaces", "create", "--region", "us", *FOUNDER, *odd, code=2)
    shell.run("cells", "show", code=2)
    nowhere = shell.operator | {"CELLCAST_URL": f"http://127.0.0.1:{free_port()}"}
    assert "cannot be reached" in shell.run("cells", "list", code=3, environment=nowhere)
    assert "No operator token" in shell.run("cells", "list", "--url", "http://x.example", code=2, environment={})
    wrong = shell.operator | {"CELLCAST_OPERATOR_TOKEN": "cco_on-call_" + "0" * 64}
    assert "not valid" in shell.run("cells", "list", code=1, environment=wrong)


def test_without_provisioning_a_reservation_says_how_to_go_on(shell: Shell) -> None:
    shell.json("cells", "add", "us-1", "--cell-url", "http://us-1.example", *CAPACITY, "--open")
    beat(shell.url, shell.key, "us-1", KEY)
    said = shell.json("workspaces", "create", "--region", "us", *FOUNDER, code=1)
    assert "SIGN_UP_URLS" in said["detail"] and f"abandon {said['workspace_key']}" in said["detail"]
    assert said["request_key"] in said["detail"] and len(said["password"]) >= 20
    assert shell.json("workspaces", "abandon", said["workspace_key"], *WHY)["state"] == "deleted"


def test_a_refusal_in_json_is_the_problem(shell: Shell) -> None:
    problem = json.loads(shell.run("cells", "show", "eu-9", "--json", code=4))
    assert (problem["type"], problem["status"]) == ("/problems/not-found", 404)


def test_operators_are_issued_rotated_revoked_and_the_log_verified(shell: Shell, tmp_path: Path) -> None:
    first = shell.json("operators", "issue", "ci-deploy", "--days", "3")["token"]
    second = shell.json("operators", "rotate", "ci-deploy", "--overlap-minutes", "0")["token"]
    assert first != second
    shell.run("operators", "revoke", "ci-deploy")
    assert "ci-deploy" in shell.run("operators", "list")
    log = tmp_path / "audit.json"
    log.write_text(shell.run("operators", "audit", "--json"))
    assert "entries hold" in shell.run("operators", "verify", str(log), environment={})
    log.write_text(log.read_text().replace("ci-deploy", "ci-deplox"))
    assert "Broken at entry" in shell.run("operators", "verify", str(log), code=1, environment={})
    assert "no audit log" in shell.run("operators", "verify", str(tmp_path), code=2, environment={})
    assert "already" in shell.run("control-plane", "bootstrap-operator", "again", code=1, environment=shell.environment)


def test_feeds_their_readers_and_a_new_generation(shell: Shell) -> None:
    made = shell.json(
        "control-plane", "readers", "issue", "router-eu", "--audience", "routing", "--audience", "cell/eu-1"
    )
    assert made["audiences"] == ["cell/eu-1", "routing"] and made["token"].startswith("ccf_router-eu_")
    shell.run("control-plane", "readers", "revoke", "router-eu")
    assert "router-eu" in shell.run("control-plane", "readers", "list")
    raised = shell.json("control-plane", "raise-generation", *WHY)["generation"]
    assert {one["generation"] for one in shell.json("control-plane", "feeds")["items"]} == {raised}


def test_a_stack_is_attached_to_by_its_file(shell: Shell, tmp_path: Path) -> None:
    stack = tmp_path / "stack.json"
    described = {"url": shell.operator["CELLCAST_URL"], "operator_token": shell.operator["CELLCAST_OPERATOR_TOKEN"]}
    stack.write_text(json.dumps({"control_plane": described}))
    shell.run("cells", "list", "--stack", str(stack), environment={})
    stack.write_text("{}")
    assert "describes no control plane" in shell.run("cells", "list", "--stack", str(stack), code=2, environment={})


def test_settings_that_are_wrong_are_named(shell: Shell) -> None:
    wrong = shell.environment | {"CELLCAST_CONTROL_PLANE_SIGNING_KEY": "short", "CELLCAST_CONTROL_PLANE_ODD": "1"}
    said = shell.run("control-plane", "serve", code=1, environment=wrong)
    assert "SIGNING_KEY" in said and "ODD" in said and "short" not in said
    assert "OWNER_DATABASE_URL" in shell.run("control-plane", "migrate", code=1, environment=shell.environment)


def test_a_key_pair_is_drawn(shell: Shell) -> None:
    made = shell.json("control-plane", "new-signing-key")
    assert SigningKey.from_text(made["private"]).public_text() == made["public"]


def test_a_fleet_is_simulated_without_a_control_plane(shell: Shell) -> None:
    small = ["--workspaces", "300", "--cells", "3"]
    found = json.loads(shell.run("placement", "simulate", *small, "--json", environment={}))
    assert len(found["items"]) == 3 and found["max_over_mean"] >= 1
    assert "max over mean" in shell.run("placement", "simulate", *small, environment={})


@pytest.mark.parametrize("app", [cells, control_plane, operators, placement, workspaces])
def test_every_command_explains_itself_with_an_example(app: Any) -> None:
    for command in app.registered_commands:
        said = CliRunner().invoke(app, [command.name or command.callback.__name__.replace("_", "-"), "--help"])
        assert said.exit_code == 0, said.output
        assert "Example: cellcast" in said.output or "Example: CELLCAST_" in said.output, command.name
