"""Starts Cellcast's own processes quickly: what they import is imported once, and each is a fork of that.

A dozen Python processes that each import SQLAlchemy, Quart and boto3 keep two cores busy for fifteen seconds; a fork
of one that has them is there at once. `python -m stack.nursery SOCKET SUPERVISOR_PID` answers `spawn_in`: it forks
twice and lets go, so that the new process is a child of the supervisor like any other (which adopts orphans), runs
the command line in a fresh session with the environment it was given, and ends as `cellcast` would have.
Nothing depends on it: without a nursery the same command is started as a program.
"""

import errno
import gc
import importlib
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from stack.files import short_socket_name
from stack.processes import Child, Command, appending, die_with_parent, handed_on, name_process, register, spawn

# What the cells' and the router's processes import beside their own code.
_LIBRARIES = (
    "sqlalchemy.ext.asyncio",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "asyncpg",
    "alembic.command",
    "redis.asyncio",
    "taskiq_redis",
    "boto3",
    "botocore.session",
    "quart",
    "quart_schema",
    "hypercorn.typing",
    "httptools",
    "pydantic_settings",
    "email_validator",
    "structlog",
    "prometheus_client",
    "limits.aio.storage",
    "limits.aio.strategies",
    "babel.support",
    "babel.dates",
    "argon2",
    "cryptography.hazmat.primitives.ciphers.aead",
    "imageio_ffmpeg",
    "rfc8785",
    "aiohttp",
    "kit.cli",
)
_ANSWER_S = 10.0
_LONGEST = 1 << 18  # bytes of a request: an environment
_MOST_SOCKETS = 8


def spawn_in(nursery: Path, command: Command, log: Path, stdin: Path | None, stdout: Path | None) -> Child:
    """Start a command of `cellcast` as a fork of the nursery; as a program of its own where there is none.

    The caller is the supervisor, whose pid the nursery was given. Raises OSError when it cannot be started.
    """
    asked = {
        "arguments": [str(part) for part in command.arguments],
        "environment": dict(command.environment),
        "log": str(log),
        "stdin": str(stdin or os.devnull),
        "stdout": str(stdout or log),
        "sockets": [name for name, _ in command.sockets],
    }
    with short_socket_name(nursery) as name, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
        line.settimeout(_ANSWER_S)
        try:
            line.connect(name)
        except OSError:
            return spawn(command, log, stdin, stdout)
        socket.send_fds(line, [json.dumps(asked).encode()], [number for _, number in command.sockets])
        if not (pid := line.recv(64)):
            raise ChildProcessError(errno.ECHILD, "the nursery did not start it")
        return register(Child(int(pid)))


def main() -> None:
    """Import, say that it is ready, and fork for whoever asks, until the supervisor ends."""
    path, supervisor = Path(sys.argv[1]), int(sys.argv[2])
    for name in _LIBRARIES:
        with suppress(ImportError):  # one that is not there is not needed
            importlib.import_module(name)
    # A fork of a process with threads may hold their locks for ever.
    assert threading.active_count() == 1, threading.enumerate()
    gc.collect()
    gc.freeze()  # so that collections in the forks do not copy the shared pages
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        with short_socket_name(path) as name:
            door.bind(name)
        door.listen(64)
        print('{"event": "ready"}', flush=True)
        born = _fork_until_born(door, supervisor)
    born()  # with the door closed


def _fork_until_born(door: socket.socket, supervisor: int) -> Callable[[], object]:
    """Serve; this returns only in a new process, with what it is to run."""
    while True:
        line, _ = door.accept()
        with line:
            said, sockets, *_ = socket.recv_fds(line, _LONGEST, _MOST_SOCKETS)
            asked = json.loads(said)
            asked["environment"] |= handed_on(zip(asked["sockets"], sockets, strict=True))
            reading, writing = os.pipe()
            between = os.fork()
            if between == 0:
                _let_go(writing)
                os.close(reading)
                os.close(writing)
                return lambda: _live(asked, supervisor)
            for one in (writing, *sockets):
                os.close(one)
            os.waitpid(between, 0)  # from here on the new process is the supervisor's
            with os.fdopen(reading, "rb") as told, suppress(OSError):
                line.sendall(told.read())


def _let_go(writing: int) -> None:
    """Fork again and end, naming the new process to the nursery; this returns in the new process."""
    child = os.fork()
    if child:
        os.write(writing, str(child).encode())
        os._exit(0)


def _live(asked: dict[str, Any], supervisor: int) -> None:  # JSON of `spawn_in`
    """Become what was asked for."""
    os.setsid()
    while os.getppid() not in (supervisor, 1):  # the one between us is just ending
        time.sleep(0.001)
    die_with_parent(supervisor)
    with Path(asked["stdin"]).open("rb") as given, appending(Path(asked["stdout"])) as told:
        os.dup2(given.fileno(), 0)
        os.dup2(told.fileno(), 1)
    with appending(Path(asked["log"])) as said:
        os.dup2(said.fileno(), 2)
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv = asked["arguments"]
    name_process(Path(asked["log"]).stem)  # the process, such as eu-1-web
    from kit.cli import main as cellcast

    cellcast()


if __name__ == "__main__":
    main()
