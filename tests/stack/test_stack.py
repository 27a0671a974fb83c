"""The whole deployment: what stack.json says, that it outlives nothing and nothing outlives it, and keeps its data."""

import asyncio
import json
import os
import re
import signal
import stat
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from loadtest import media
from loadtest.protocol import Customer
from stack import postgres
from stack.control import ask
from stack.errors import StackError
from stack.folder import Folder
from tests.deployment import CELLCAST, Deployment, own_folder, own_stack, take_up
from tests.kit.http.world import connected
from tests.stack.asking import asking
from tests.waiting import eventually, until

pytestmark = pytest.mark.stack

GONE_WITHIN_S = 5.0


def cellcast(*words: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [CELLCAST, "stack", *map(str, words)], capture_output=True, text=True, check=False, input=given
    )


@pytest.fixture(scope="module")
def own() -> Iterator[Deployment]:
    """A stack that may be hurt, with one cell, while others use the shared one."""
    with own_stack("--cells", "eu-1") as made:
        yield made


@pytest.fixture
def folder() -> Iterator[Path]:
    with own_folder() as path:
        yield path


def family(folder: Path) -> list[psutil.Process]:
    """Every process of a stack: its launcher and all below."""
    launcher = psutil.Process(ask(Folder(folder), "status")["launcher"])
    return [launcher, *launcher.children(recursive=True)]


def until_gone(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=GONE_WITHIN_S)
    left = [one for one in alive if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    assert not left, left


class TestDescription:
    def test_it_says_what_others_attach_by_and_nothing_else(self, deployment: Deployment) -> None:
        said = json.loads(deployment.folder.description.read_bytes())
        parts = {"router", "control_plane", "provisioning", "mail", "cells", "workspaces", "processes", "scrapes"}
        assert said.keys() == parts
        assert said["control_plane"].keys() == {"url", "dsn", "operator_token"}
        assert list(said["provisioning"]) == ["eu", "us"]
        assert {frozenset(one) for one in said["provisioning"].values()} == {frozenset({"url", "redis_url"})}
        assert re.fullmatch(r"http://go\.localhost:\d+", said["router"]["url"])
        assert list(said["cells"]) == ["eu-1", "us-1"]
        for name, cell in said["cells"].items():
            assert cell.keys() == {"region", "url", "dsn", "owner_dsn", "redis_url", "s3"}
            assert cell["region"] == name[:2] and f"//{name}.localhost:" in cell["url"]
            assert cell["s3"].keys() == {"endpoint", "bucket", "access_key", "secret_key", "data_dir"}
        for workspace in said["workspaces"]:
            names = {"key", "id", "region", "cell", "admin", "agent", "api_token", "link"}
            assert workspace.keys() == names
            assert workspace["agent"]["email"] == f"agent@acme-{workspace['region']}.example"
            assert workspace["link"].startswith(f"{said['router']['url']}/{workspace['key']}-")
        assert [one["region"] for one in said["workspaces"]] == ["eu", "us"]

    def test_it_names_every_process_that_runs(self, deployment: Deployment) -> None:
        parts = ("postgres", "redis", "s3", "web", "worker", "scheduler")
        names = {f"{cell}-{part}" for cell in ("eu-1", "us-1") for part in parts}
        names |= {f"provisioning-{region}{part}" for region in ("eu", "us") for part in ("", "-redis")}
        names |= {"control-plane", "control-plane-postgres", "router", "mail", "nursery"}
        assert {one.name for one in deployment.description.processes} == names
        for one in deployment.description.processes:
            assert one.pid and psutil.pid_exists(one.pid) and one.log.is_file()

    def test_only_its_owner_reads_it(self, deployment: Deployment) -> None:
        for file in (deployment.folder.description, deployment.folder.state):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600

    def test_no_password_stands_in_the_arguments_of_a_process(self, deployment: Deployment) -> None:
        secrets = json.loads(deployment.folder.state.read_bytes())["secrets"].values()
        for process in family(deployment.folder.path):
            arguments = " ".join(process.cmdline())
            assert not [secret for secret in secrets if secret in arguments]

    def test_the_cells_share_nothing(self, deployment: Deployment) -> None:
        eu, us = deployment.description.cells["eu-1"], deployment.description.cells["us-1"]
        assert eu.dsn.rpartition("@")[2] != us.dsn.rpartition("@")[2]
        assert eu.redis_url != us.redis_url
        assert eu.s3.secret_key != us.s3.secret_key and eu.s3.data_dir != us.s3.data_dir


class TestSingleProcesses:
    def test_one_that_crashes_is_started_again_and_that_is_said(self, own: Deployment) -> None:
        before = own.pid("eu-1-redis")
        os.kill(before, signal.SIGKILL)

        def is_back() -> bool:
            row = own.processes()["eu-1-redis"]
            return row["life"] == "ready" and row["pid"] != before

        until(is_back, 20)
        assert own.pid("eu-1-redis") == own.processes()["eu-1-redis"]["pid"]
        assert own.processes()["eu-1-redis"]["restarts"] == 1
        events = own.folder.log("stack").read_text()
        assert "was ended by SIGKILL" in events
        assert "eu-1-redis" in cellcast("status", "--dir", own.folder.path, "--json").stdout

    def test_postgres_comes_back_from_a_crash_with_nobody_left_of_its_old_life(self, own: Deployment) -> None:
        old = psutil.Process(own.pid("eu-1-postgres"))
        old_family = [old, *old.children()]
        assert len(old_family) > 3
        old.kill()
        until_gone(old_family)
        until(lambda: own.processes()["eu-1-postgres"]["life"] == "ready", 20)
        dsn = own.superuser_dsn("eu-1")
        server = postgres.Server(
            postgres.programs(), int(dsn.split(":")[-1].split("/")[0]), dsn.split(":")[2].split("@")[0]
        )
        assert postgres.run_sql(server, "select count(*) from workspaces", "cellcast") == "1"

    def test_they_stop_and_start_by_name(self, own: Deployment) -> None:
        at = ("--dir", own.folder.path)
        assert cellcast("stop", "eu-1-scheduler", "eu-1-worker", *at).returncode == 0
        assert own.processes()["eu-1-worker"]["life"] == "stopped"
        assert own.description.process("eu-1-worker").pid is None
        assert cellcast("status", *at).returncode == 1
        started = cellcast("start", "eu-1-scheduler", "eu-1-worker", *at, "--json")
        assert [row["life"] for row in json.loads(started.stdout)["processes"]] == ["ready", "ready"]
        assert cellcast("status", *at).returncode == 0
        unknown = cellcast("stop", "eu-1-wrker", *at)
        assert unknown.returncode == 1 and "there is no process eu-1-wrker" in unknown.stderr

    async def test_a_restart_shuts_nobody_out(self, own: Deployment) -> None:
        """Not from pages, not from calls, and a piece of a recording that is being asked for just then is granted."""
        workspace = own.description.workspaces[0]
        assert workspace.link
        cell = urlsplit(own.description.cells["eu-1"].url)
        assert cell.port
        host = f"HTTP/1.1\r\nHost: {cell.netloc}\r\n"
        page = f"GET /w/{workspace.key}/sign-in {host}\r\n".encode()
        call = f"GET /api/v1/links {host}Authorization: Bearer {workspace.api_token}\r\n\r\n".encode()
        pids = [own.pid("eu-1-web")]
        async with Customer() as customer, asking(cell.port, [page, call], clients=2) as people:
            recording = await customer.start(await customer.open(workspace.link))
            for index, piece in enumerate(media.chunks(media.webm(3, width=160, height=120), 3)):
                digest = b64encode(sha256(piece).digest()).decode()
                body = json.dumps({"chunks": [{"index": index, "size": len(piece), "sha256": digest}]}).encode()
                head = f"POST {recording.base}/grants {host}Authorization: Bearer {recording.upload_token}\r\n"
                head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                async with connected(cell.port) as client:
                    await client.say(head.encode(), body[:10])
                    restarting = asyncio.create_task(asyncio.to_thread(own.restart, "eu-1-web"))
                    await eventually(lambda: own.pid("eu-1-web") != pids[-1], 60)
                    await client.say(body[10:])
                    said = await client.hear()
                assert b"connection: close" in said, "by who began it"
                (grant,) = json.loads(said.partition(b"\r\n\r\n")[2])["grants"]
                assert await customer.put(grant, piece) == 200
                recording.chunks.append((len(piece), digest))
                await restarting
                pids.append(own.pid("eu-1-web"))
            await customer.finish(recording)
            assert await customer.until_settled(recording, within_s=60) == "ready"
        assert people.failed == [] and people.answers.total() > 10 and len({*pids}) == 4
        assert own.processes()["eu-1-web"]["restarts"] == 0

    def test_logs_are_shown_by_name(self, own: Deployment) -> None:
        shown = cellcast("logs", "router", "-n", "5", "--json", "--dir", own.folder.path)
        lines = [json.loads(line) for line in shown.stdout.splitlines()]
        assert lines and {line["name"] for line in lines} == {"router"}
        assert any('"ready"' in line["line"] for line in lines)


class TestOneUpAtATime:
    def test_a_second_one_in_the_same_folder_is_refused(self, deployment: Deployment) -> None:
        again = cellcast("up", "--dir", deployment.folder.path)
        assert again.returncode == 1
        assert re.fullmatch(r"error: a stack is up in \S+: see .*\n", again.stderr)

    def test_a_folder_of_something_else_is_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "thesis.txt").write_text("years of work")
        refused = cellcast("up", "--dir", tmp_path, "--reset", "--yes")
        assert refused.returncode == 1 and "is not empty and not a stack's folder" in refused.stderr
        assert [one.name for one in tmp_path.iterdir()] == ["thesis.txt"]

    def test_commands_say_that_nothing_is_up(self, tmp_path: Path) -> None:
        for command in ("status", "stop x", "start x"):
            refused = cellcast(*command.split(), "--dir", tmp_path / "none")
            assert refused.returncode == 1 and "no stack is up" in refused.stderr
        down = cellcast("down", "--dir", tmp_path / "none", "--json")
        assert down.returncode == 0 and json.loads(down.stdout) == {"was_up": False}


@pytest.mark.timeout(600)
def test_a_stacks_life_beside_another(deployment: Deployment, own: Deployment) -> None:
    """Up beside the shared one, killed with -9, up again with its data, reset, and down. One life, to save starts."""
    folder = own.folder.path
    workspace, cells = own.description.workspaces, own.description.cells
    assert list(cells) == ["eu-1"]
    assert {row["life"] for row in deployment.processes().values()} == {"ready"}

    everyone = family(folder)
    assert len(everyone) > 12, "launcher, supervisor, 8 processes, and PostgreSQL's own"
    everyone[0].kill()
    until_gone(everyone)
    with pytest.raises(StackError, match="no stack is up"):
        ask(Folder(folder), "status")

    again = take_up(folder)
    assert again.description.workspaces == workspace, "with the same keys, passwords, token and link"
    assert again.description.cells == cells, "at the same addresses"

    supervisor = psutil.Process(ask(Folder(folder), "status")["supervisor"])
    everyone = family(folder)
    supervisor.kill()
    until_gone(everyone)

    asked = cellcast("up", "--dir", folder, "--reset")
    assert asked.returncode == 2 and "nobody to ask" in asked.stderr
    assert Folder(folder).state.is_file()
    anew = take_up(folder, "--reset", "--yes")
    assert anew.description.workspaces[0].key != workspace[0].key

    everyone = family(folder)
    assert cellcast("down", "--dir", folder).returncode == 0
    until_gone(everyone)
    assert not Folder(folder).description.exists()


def test_what_cannot_start_is_said_in_one_line_and_nothing_stays(folder: Path) -> None:
    refused = cellcast("up", "--dir", folder, "--cells", "eu-1", "--set", "eu-1-scheduler:NO_SUCH_THING=1")
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "eu-1-scheduler: ended with 1 (CELLCAST_CELL_NO_SUCH_THING: there is no such setting)" in refused.stderr
    assert not Folder(folder).is_in_use()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--cells", "mars-1"], "a cell is named like eu-1"),
        (["--set", "eu-1"], "CELL:NAME=VALUE"),
        (["--base-port", "80"], "1024"),
    ],
)
def test_wrong_usage_is_refused_before_anything_is_made(tmp_path: Path, words: list[str], said: str) -> None:
    refused = cellcast("up", "--dir", tmp_path / "new", *words)
    assert refused.returncode == 2
    assert said in re.sub(r"[^\x20-\x7e]+", "", refused.stderr)
    assert not (tmp_path / "new").exists()
