"""Starts programs so that none outlives us, and ends a program with everything that it started.

Each child is the leader of a session of its own, and the kernel kills it when the thread that started it ends
(PR_SET_PDEATHSIG, prctl(2)). What the child starts stays in its session, by which `end_session` finds it.
"""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(frozen=True)
class Account:
    """An account of the machine that a program runs under."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Command:
    """A program to start: its arguments, the whole environment, and what it needs beside."""

    arguments: Sequence[str | Path]
    environment: Mapping[str, str] = field(default_factory=dict)
    account: Account | None = None  # None: our own
    folder: Path | None = None  # the working folder; None: the root folder


def own_environment() -> dict[str, str]:
    """This process's environment without any setting of Cellcast: a child gets exactly what it is given."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CELLCAST_")}


def spawn(command: Command, log: Path, stdin: Path | None = None) -> subprocess.Popen[bytes]:
    """Start a program whose output is appended to `log`. Call it from a thread that lives as long as it shall.

    Raises OSError when there is no such program or the account may not run it.
    """
    started_by = os.getpid()

    def die_with_us() -> None:  # runs between fork and exec, after the change of account, which clears the flag
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != started_by:  # we ended before the flag was set
            os._exit(1)

    account = command.account
    with Path(stdin or os.devnull).open("rb") as given, _appending(log) as output:
        return subprocess.Popen(
            [str(part) for part in command.arguments],
            env=dict(command.environment),
            cwd=command.folder or "/",
            stdin=given,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_us,  # noqa: PLW1509 - spawn is called in processes without threads
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )


def _appending(log: Path):  # type: ignore[no-untyped-def]
    return os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "wb")


def members(session: int) -> list[int]:
    """The ids of the processes that live in a session, zombies left out."""
    return [process for process, its_session in _living() if its_session == session]


def _living() -> Iterator[tuple[int, int]]:
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                text = Path(entry.path, "stat").read_text(encoding="utf-8", errors="replace")
            except OSError:  # it ended meanwhile
                continue
            state, _, _, session = text.rpartition(")")[2].split()[:4]
            if state not in "ZX":
                yield int(entry.name), int(session)


def end_session(session: int, within_s: float = 3.0) -> bool:
    """Kill every process of a session; False when one still lives after `within_s` seconds."""
    deadline = time.monotonic() + within_s
    while alive := members(session):
        for process in alive:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
