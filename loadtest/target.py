"""What load is sent to: the facts of a running deployment, from its stack.json or a file of the same form."""

import os
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel

VARIABLE = "CELLCAST_STACK"


class _Login(BaseModel):
    email: str
    password: str


class _Cell(BaseModel):
    region: str
    url: str


class _Provisioning(BaseModel):
    url: str


class _Router(BaseModel):
    url: str


class _Process(BaseModel):
    name: str
    pid: int | None = None


class Workspace(BaseModel):
    """A workspace that may be loaded: its admin, an agent, and a token of its API."""

    key: str
    region: str
    cell: str
    admin: _Login
    agent: _Login
    api_token: str


class Target(BaseModel):
    """The front door, the cells, and the workspaces that may be loaded."""

    router: _Router
    cells: dict[str, _Cell]
    provisioning: dict[str, _Provisioning] = {}
    workspaces: list[Workspace]
    processes: list[_Process] = []

    def cell_of(self, workspace: Workspace) -> str:
        """Where the workspace's cell answers."""
        return self.cells[workspace.cell].url

    def hosts(self) -> set[str]:
        """Host and port of everything here that is a process of ours, not a bucket."""
        cells, provisioning = self.cells.values(), self.provisioning.values()
        urls = [self.router.url, *(one.url for one in cells), *(one.url for one in provisioning)]
        return {urlsplit(url).netloc for url in urls}

    def pids(self) -> dict[str, int]:
        """The processes of a deployment on this machine, by name."""
        return {one.name: one.pid for one in self.processes if one.pid is not None}


def read(path: Path) -> Target:
    """Read a target. Raises OSError when there is none, ValueError when it is not one."""
    return Target.model_validate_json(path.read_bytes())


@cache
def current() -> Target:
    """The target that CELLCAST_STACK names, read once."""
    return read(Path(os.environ[VARIABLE]))
