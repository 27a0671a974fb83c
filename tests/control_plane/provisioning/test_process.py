"""The processes as they run: somebody signs up over sockets, and each of them is killed meanwhile."""

import json
import re
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import asyncpg
import pytest

from cell.migrate import migrate as migrate_cell
from kit.localhost import connector
from kit.ports import free_port
from kit.signing import SigningKey
from stack.processes import Child, Command, own_environment, spawn
from tests.cell.world import PASSWORD
from tests.control_plane.beat import beat
from tests.control_plane.saml.world import our_keys
from tests.servers.postgres import Postgres
from tests.waiting import PATIENCE, until

COMMAND = Path(__file__).parents[3] / ".venv" / "bin" / "cellcast"
CAPACITY = 1000


@dataclass
class Process:
    """One of ours: how it is started, and how it is asked."""

    words: str
    environment: dict[str, str]
    url: str
    log: Path
    child: Child | None = None

    def set(self, given: dict[str, str]) -> None:
        """Settings, by their names without the prefix."""
        prefix = f"CELLCAST_{self.words.split()[0].upper().replace('-', '_')}_"
        self.environment |= {f"{prefix}{name}": value for name, value in given.items()}

    def start(self) -> None:
        before = self.log.read_text().count('"ready"') if self.log.exists() else 0
        self.child = spawn(Command([COMMAND, *self.words.split()], own_environment() | self.environment), self.log)
        until(lambda: self.log.read_text().count('"ready"') > before, 90, self.log.read_text)

    def kill(self) -> None:
        """kill -9."""
        if self.child is not None:
            self.child.kill()
            self.child.wait()
            self.child = None


@dataclass
class Deployment:
    """The global part, one region, one cell, all as processes."""

    registry_dsn: str
    cell_dsn: str
    processes: dict[str, Process] = field(default_factory=dict)
    operator: dict[str, str] = field(default_factory=dict)
    beat: Callable[[], None] = lambda: None  # as the cell's scheduler does, which does not run here

    def cellcast(self, words: str) -> dict[str, Any]:
        """What an operator's command answers."""
        return dict(json.loads(_said(self.processes["control-plane"], f"{words} --json", self.operator)))

    async def states(self) -> dict[UUID, str]:
        """The registry's word on every workspace."""
        return dict(await _rows(self.registry_dsn, "select workspace_id, state from placements"))

    async def people(self) -> dict[UUID, int]:
        """How many people each workspace has in the cell."""
        return dict(await _rows(self.cell_dsn, "select workspace_id, count(*) from people group by 1"))


async def _rows(dsn: str, statement: str) -> list[tuple[UUID, Any]]:  # what a statement selects
    connection = await asyncpg.connect(dsn)
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def deployment(
    postgres: Postgres, redis_url: str, registry_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("deployment")
    words = {"control-plane": "control-plane serve", "eu-1": "cell serve"}
    words |= {"provisioning-eu": "provisioning serve --region eu"}
    keys, ports = {name: SigningKey.new() for name in words}, {name: free_port() for name in words}
    urls = {name: f"http://{name}.localhost:{port}" for name, port in ports.items()}
    registry = postgres.create_database(f"registry_{secrets.token_hex(4)}", template=registry_template)
    cell = postgres.create_database(f"cell_{secrets.token_hex(4)}")
    migrate_cell(postgres.owner_dsn(cell))
    made = Deployment(postgres.superuser_dsn(registry), postgres.superuser_dsn(cell))
    feed = {"REGISTRY_PUBLIC_KEYS": keys["control-plane"].public_text(), "FEED_URL": urls["control-plane"]}
    settings = {
        "control-plane": {"DATABASE_URL": postgres.app_dsn(registry)},
        "eu-1": feed | _cell(postgres.app_dsn(cell), redis_url, folder),
        "provisioning-eu": feed
        | {"REGION": "eu", "REDIS_URL": redis_url, "SIGN_UPS_PER_HOUR": "10000", "SWEEP_EVERY_S": "0.2"}
        | {"SAML_KEYS": our_keys().to_text()}
        | {"SWEEP_AFTER_S": "1", "STATE_DIR": str(folder / "provisioning-eu")},
    }
    for name, given in settings.items():
        own = {"BIND": f"127.0.0.1:{ports[name]}", "URL": urls[name], "SIGNING_KEY": keys[name].to_text()}
        made.processes[name] = Process(words[name], {}, urls[name], folder / f"{name}.log")
        made.processes[name].set(given | own | {"GO_URL": "http://go.localhost"})
    try:
        _register(made, {name: key.public_text() for name, key in keys.items()})
        for process in made.processes.values():
            process.start()
        made.beat = partial(beat, urls["control-plane"], keys["control-plane"], "eu-1", keys["eu-1"])
        yield made
    finally:
        for process in made.processes.values():
            process.kill()


def _cell(dsn: str, redis_url: str, folder: Path) -> dict[str, str]:
    s3 = dict.fromkeys(("S3_ACCESS_KEY", "S3_SECRET_KEY", "S3_BUCKET", "S3_REGION"), "none")  # no media here
    own = {"NAME": "eu-1", "REGION": "eu", "DATABASE_URL": dsn, "REDIS_URL": redis_url, "SCRATCH_DIR": str(folder)}
    own["STATE_DIR"] = str(folder / "eu-1")
    return {**s3, **own, "S3_ENDPOINT": "http://127.0.0.1:9", "MASTER_KEY": secrets.token_hex(32)}


def _register(made: Deployment, keys: dict[str, str]) -> None:
    """An operator registers the cell and its region's provisioning; each gets its credential."""
    plane, cell, provisioning = (made.processes[name] for name in ("control-plane", "eu-1", "provisioning-eu"))
    plane.start()
    token = json.loads(_said(plane, "control-plane bootstrap-operator on-call --json"))["token"]
    made.operator = {"CELLCAST_URL": plane.url, "CELLCAST_OPERATOR_TOKEN": token}
    capacity = f"--capacity {CAPACITY} --open"
    added = made.cellcast(f"cells add eu-1 --cell-url {cell.url} --public-key {keys['eu-1']} {capacity}")
    cell.set({"FEED_TOKEN": added["feed_token"]})
    of = f"--kind provisioning --region eu --peer-url {provisioning.url}"
    added = made.cellcast(f"peers add provisioning-eu {of} --public-key {keys['provisioning-eu']}")
    provisioning.set({"FEED_TOKEN": added["feed_token"]})
    plane.kill()


def _said(process: Process, words: str, environment: dict[str, str] | None = None) -> str:
    out = process.log.with_suffix(".out")
    command = Command([COMMAND, *words.split()], own_environment() | (environment or process.environment))
    child = spawn(command, process.log, stdout=out)
    assert child.wait() == 0, process.log.read_text()
    said = out.read_text()
    out.unlink()
    return said


@pytest.fixture(autouse=True)
def heard(deployment: Deployment) -> None:
    """The cell has beaten, as it does twice a minute."""
    deployment.beat()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(connector=connector(), timeout=aiohttp.ClientTimeout(30)) as made:
        yield made


def form() -> dict[str, str]:
    email = f"ada.{secrets.token_hex(4)}@example.com"
    asked = {"company": "Acme", "name": "Ada", "email": email, "password": PASSWORD}
    return {**asked, "request_key": secrets.token_hex(16)}


async def sign_up(deployment: Deployment, http: aiohttp.ClientSession, asked: dict[str, str]) -> str:
    """Send the form; the workspace's key, or nothing where it was not made this time."""
    url = deployment.processes["provisioning-eu"].url
    try:
        async with http.post(f"{url}/sign-up", data=asked, headers={"Origin": url}, allow_redirects=False) as answer:
            found = re.search(r"/done/(\w+)$", answer.headers.get("Location", ""))
            return found[1] if found is not None else ""
    except aiohttp.ClientError:
        return ""


@pytest.mark.parametrize("victim", ["provisioning-eu", "control-plane", "eu-1"])
async def test_whichever_process_is_killed_nothing_is_lost_doubled_or_half_made(
    deployment: Deployment, http: aiohttp.ClientSession, victim: str
) -> None:
    """Sign-ups run while one of the three is killed and started again, at another moment each time."""
    asked = [form() for _ in range(12)]
    with ThreadPoolExecutor(1) as kills:
        for number in range(3):
            killing = kills.submit(_kill_after, deployment.processes[victim], 0.02 + number * 0.06)
            for one in asked[number * 4 : number * 4 + 4]:
                await sign_up(deployment, http, one)
            killing.result()
            deployment.processes[victim].start()
    keys = [await _until_made(deployment, http, one) for one in asked]
    assert len(set(keys)) == len(asked)
    await _until_settled(deployment)
    states, people = await deployment.states(), await deployment.people()
    assert {one for one, state in states.items() if state == "active"} == people.keys()
    assert set(people.values()) == {1}


def _kill_after(process: Process, seconds: float) -> None:
    time.sleep(seconds)  # the moment is what differs from run to run
    process.kill()


async def _until_made(deployment: Deployment, http: aiohttp.ClientSession, asked: dict[str, str]) -> str:
    """What a person does: sends the form again, and a new one where the old one was taken back."""
    deadline = time.monotonic() + 40 * PATIENCE
    while time.monotonic() < deadline:
        key = await sign_up(deployment, http, asked)
        if key:
            return key
        if await _was_taken_back(deployment, asked):
            asked = {**asked, "request_key": secrets.token_hex(16)}
    raise AssertionError("never made")


async def _was_taken_back(deployment: Deployment, asked: dict[str, str]) -> bool:
    found = await _rows(
        deployment.registry_dsn,
        "select workspace_id, request_key from workspaces join placements on workspace_id = id where state = 'deleted'",
    )
    return asked["request_key"] in {key for _, key in found}


async def _until_settled(deployment: Deployment) -> None:
    deadline = time.monotonic() + 30 * PATIENCE
    while "provisioning" in (await deployment.states()).values():
        assert time.monotonic() < deadline, await deployment.states()
