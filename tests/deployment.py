"""Fixture `deployment`: one running stack for every test that asks, in all of pytest's processes.

The first to ask takes it up, and pytest takes it down at its end. With `CELLCAST_STACK=/path/stack.json` the tests
attach to a stack that runs already and leave it running. With `CELLCAST_EDGE=/folder` each stack that tests take up
has its edges, so that everything goes through TLS and the firewall; what they logged is kept in that folder.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from kit import localhost
from stack import control, detached
from stack.description import Description
from stack.folder import Folder
from stack.postgres import SUPERUSER, address
from stack.state import State

CELLCAST = Path(sysconfig.get_path("scripts")) / "cellcast"  # pytest may run without its venv on the PATH
UP_WITHIN_S = 240.0  # on a machine that is busy with much else
_ATTACH = "CELLCAST_STACK"
_EDGE = "CELLCAST_EDGE"
_OWN = "CELLCAST_TEST_STACK_DIR"  # set by pytest's first process, inherited by xdist's


@dataclass(frozen=True)
class Deployment:
    """A running stack, and what a test may do to it. Whoever stops a process starts it again."""

    folder: Folder

    @property
    def description(self) -> Description:
        """stack.json as it is now; process ids change with each start."""
        return Description.load(self.folder.description)

    def pid(self, name: str) -> int:
        """The present process of that name."""
        pid = self.description.process(name).pid
        assert pid is not None, f"{name} is stopped"
        return pid

    def stop(self, *names: str) -> None:
        """Stop processes by name."""
        control.ask(self.folder, "stop", names=names)

    def start(self, *names: str) -> None:
        """Start processes by name, and return once they are ready."""
        control.ask(self.folder, "start", names=names)

    def restart(self, *names: str) -> None:
        """Restart processes by name: webs, provisioning and the control plane shut nobody out meanwhile."""
        control.ask(self.folder, "restart", names=names)

    def runs(self, name: str) -> bool:
        """Whether a process is there."""
        return self.description.process(name).pid is not None

    def processes(self) -> dict[str, dict[str, object]]:
        """How each process stands now, by name: life, pid, restarts, note."""
        return {row["name"]: row for row in control.ask(self.folder, "status")["processes"]}

    def superuser_dsn(self, cell: str, database: str = "cellcast") -> str:
        """PostgreSQL's superuser, for tests that must see every row of a cell."""
        state = State.load(self.folder.state)
        assert state is not None
        return address(state.ports[f"{cell}-postgres"], database, SUPERUSER, state.secrets[f"{cell}-postgres"])


def take_up(folder: Path, *options: str) -> Deployment:
    """Run `cellcast stack up --detach` for a folder."""
    edge = ["--edge"] if os.environ.get(_EDGE) else []
    command = [str(CELLCAST), "stack", "up", "--dir", str(folder), "--detach", "--json", *edge, *options]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=UP_WITHIN_S)
    except subprocess.TimeoutExpired:
        log = Folder(folder).log("stack")
        pytest.fail(f"not up within {UP_WITHIN_S} s:\n{log.read_text() if log.exists() else 'it did not begin'}")
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert json.loads(done.stdout)["ready"]
    return attached(folder)


def attached(folder: Path) -> Deployment:
    """A stack that runs in a folder; this process trusts its edges from now on."""
    made = Deployment(Folder(folder))
    if edge := made.description.edge:
        localhost.trusted().load_verify_locations(edge.ca)
    return made


def pytest_configure(config: pytest.Config) -> None:
    """Choose the folder, once, before xdist starts its processes. Short: it stands in many paths."""
    if not hasattr(config, "workerinput"):
        place = Path(tempfile.mkdtemp(prefix="cellcast-"))
        place.chmod(0o711)  # root's PostgreSQL runs as another account, and passes through
        os.environ[_OWN] = str(place)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Take the stack down when the last of pytest's processes is done."""
    if not hasattr(config, "workerinput"):
        place = Path(os.environ.pop(_OWN))
        stack = Folder(place / "stack")
        detached.down(stack)
        _keep_logs(stack)
        stack.reset()
        shutil.rmtree(place)


def _keep_logs(stack: Folder) -> None:
    """What the edges of a stack logged, for whoever asked for edges."""
    if kept := os.environ.get(_EDGE):
        for log in stack.logs.glob("*-edge.log"):
            shutil.copy(log, Path(kept) / f"{stack.path.parent.name}-{stack.path.name}-{log.name}")


@contextmanager
def own_stack(*options: str) -> Iterator[Deployment]:
    """A stack of a test's own, which may be hurt; taken up with these options, and gone afterwards."""
    with own_folder() as folder:
        yield take_up(folder, *options)


@contextmanager
def own_folder() -> Iterator[Path]:
    """A folder for a stack of a test's own; whatever runs in it is ended."""
    path = Path(tempfile.mkdtemp(prefix="cellcast-own-"))
    try:
        yield path
    finally:
        detached.down(Folder(path))
        _keep_logs(Folder(path))
        Folder(path).reset()
        shutil.rmtree(path)


@pytest.fixture(scope="session")
def deployment() -> Deployment:
    if given := os.environ.get(_ATTACH):
        return attached(Path(given).parent)
    place = Path(os.environ[_OWN])
    folder = place / "stack"
    with (place / "lock").open("w") as lock:  # the second to ask waits for the first
        fcntl.flock(lock, fcntl.LOCK_EX)
        if Folder(folder).is_in_use():
            return attached(folder)
        return take_up(folder)
