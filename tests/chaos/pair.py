"""Two cells, one to be hurt and one to be watched: lines and disks of the first can be made bad."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from kit.ports import free_port
from stack import detached, postgres, redis
from stack.folder import Folder
from stack.state import State
from tests.chaos.disk import Disk, NoMount
from tests.chaos.proxy import Proxy
from tests.deployment import UP_WITHIN_S, Deployment, take_up
from tests.waiting import eventually

HURT, OTHER = "us-1", "eu-1"
PATIENCE = {"JOB_LEASE_S": "6", "FOLLOW_EVERY_S": "2"}
SERVERS = ("postgres", "redis", "s3")
DISKS_MIB = {"postgres": 512, "redis": 64, "s3": 256, "scratch": 64}


@dataclass(frozen=True)
class Pair:
    """The running stack. Lines lead to servers of the hurt cell, and to its web process; disks are theirs."""

    deployment: Deployment
    lines: dict[str, Proxy]
    disks: dict[str, Disk]
    no_disks: str = ""  # why there are none


@asynccontextmanager
async def taken_up() -> AsyncIterator[Pair]:
    """Both cells, gone afterwards."""
    path = Path(tempfile.mkdtemp(prefix="cellcast-"))
    folder = Folder(path)
    folder.make()
    state = State.new(folder.state, [OTHER, HURT])
    behind = free_port()  # where the hurt cell's web process answers: its address is the line's
    lines = {name: Proxy(_port_of(folder, name)) for name in SERVERS} | {"web": Proxy(lambda: behind)}
    disks: dict[str, Disk] = {}
    try:
        no_disks = _mount(folder, state, disks)
        settings = {HURT: await _detours(state, lines) | PATIENCE, f"{HURT}-web": {"BIND": f"127.0.0.1:{behind}"}}
        state.save()
        words = [f"--set={where}:{name}={value}" for where, some in settings.items() for name, value in some.items()]
        rising = asyncio.create_task(asyncio.to_thread(take_up, path, "--cells", f"{OTHER},{HURT}", *words))
        await eventually(lambda: rising.done() or folder.log("stack").exists(), UP_WITHIN_S)
        if not rising.done():  # ports are settled when the first process starts
            await lines["web"].open(_port_of(folder, "web")())
        yield Pair(await rising, lines, disks, no_disks)
    finally:
        await asyncio.to_thread(detached.down, folder)
        for line in lines.values():
            await line.close()
        for disk in disks.values():
            disk.unmount()
        folder.reset()
        shutil.rmtree(path)


def _port_of(folder: Folder, name: str) -> Callable[[], int]:
    def port() -> int:
        state = State.load(folder.state)
        assert state is not None
        return state.ports[f"{HURT}-{name}"]

    return port


async def _detours(state: State, lines: dict[str, Proxy]) -> dict[str, str]:
    """The hurt cell's settings, by which its processes reach their servers through lines of ours."""
    at = {name: await lines[name].open() for name in SERVERS}
    password = state.secret(f"{HURT}-{postgres.APP}")
    return {
        "DATABASE_URL": postgres.address(at["postgres"], postgres.DATABASE, postgres.APP, password),
        "REDIS_URL": redis.address(at["redis"], state.secret(f"{HURT}-redis")),
        "S3_ENDPOINT": f"http://127.0.0.1:{at['s3']}",
    }


def _mount(folder: Folder, state: State, disks: dict[str, Disk]) -> str:
    """Small disks for the hurt cell; why there are none, where this machine does not let us."""
    at = {name: folder.of_part(HURT) / name for name in DISKS_MIB}
    at["postgres"] = folder.of_account(HURT, "postgres", state.id)
    try:
        for name, mib in DISKS_MIB.items():
            disks[name] = Disk(at[name], mib)
    except NoMount as reason:
        return str(reason)
    return ""
