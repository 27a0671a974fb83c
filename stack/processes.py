"""Starts programs so that none outlives us, whatever happens.

Three ties, all of the Linux kernel (prctl(2)):
- each child is killed when the thread that started it ends (PR_SET_PDEATHSIG);
- what a dead child leaves behind (an ffmpeg, PostgreSQL's own processes) becomes ours (PR_SET_CHILD_SUBREAPER),
  and `end_orphans` kills it;
- the same holds one level up: `stack/launcher.py` is the parent of the supervisor and inherits what that leaves.
"""

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import psutil

from kit.sockets import HANDED_ON

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG, _PR_SET_NAME, _PR_SET_CHILD_SUBREAPER = 1, 15, 36  # linux/prctl.h


_adopting = 0  # the process that asked for orphans; a child of fork(2) does not inherit that
_started: "list[Child]" = []  # what `spawn` started and nobody has buried yet


@dataclass(frozen=True)
class Account:
    """An account of the machine that a program runs under."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Command:
    """A program to start: its arguments and the whole environment."""

    arguments: Sequence[str | Path]
    environment: Mapping[str, str] = field(default_factory=dict)
    account: Account | None = None  # None: our own
    nursery: Path | None = None  # where to have it forked from, see stack/nursery.py
    # Sockets of ours that it answers on: a variable of its environment, which will name it, and its descriptor.
    sockets: Sequence[tuple[str, int]] = ()


class Child:
    """A process that we are the parent of, by its pid."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.code: int | None = None  # once it is buried; negative for a signal

    def poll(self) -> int | None:
        """The exit code if it has ended, without waiting."""
        return self._bury(os.WNOHANG)

    def wait(self) -> int:
        """The exit code, once it has ended."""
        while (code := self._bury(0)) is None:
            pass
        return code

    def _bury(self, options: int) -> int | None:
        if self.code is None:
            pid, status = os.waitpid(self.pid, options)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once, unless it has ended."""
        self.send_signal(signal.SIGKILL)


def own_environment() -> dict[str, str]:
    """This process's environment without any setting of Cellcast: a child gets exactly what it is given."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CELLCAST_")}


def die_with_parent(parent: int, by: int = signal.SIGKILL) -> None:
    """Have the kernel send this process a signal when `parent` ends. Call it in a fresh child."""
    _libc.prctl(_PR_SET_PDEATHSIG, by)
    if os.getppid() != parent:  # it ended before the tie was made
        os._exit(1)


def dying_with_us() -> Callable[[], None]:
    """What to run between fork and exec, after the change of account, which would undo the tie."""
    parent = os.getpid()
    return lambda: die_with_parent(parent)


def spawn(command: Command, log: Path, stdin: Path | None = None, stdout: Path | None = None) -> Child:
    """Start a program in a session of its own. What it says is appended to `log`, or its stdout to another file.

    Call it from a thread that lives as long as the program shall. Raises OSError when it cannot be started.
    """
    who = command.account
    read = Path(stdin or os.devnull)
    with read.open("rb") as given, appending(log) as said, appending(stdout or log) as told:
        process = subprocess.Popen(
            [str(part) for part in command.arguments],
            env={**command.environment, **handed_on(command.sockets)},
            pass_fds=[number for _, number in command.sockets],
            cwd="/",
            stdin=given,
            stdout=told,
            stderr=said,
            start_new_session=True,
            preexec_fn=dying_with_us(),  # noqa: PLW1509 - takes no lock, so threads cannot block it
            user=who.uid if who else None,
            group=who.gid if who else None,
            extra_groups=[] if who else None,
        )
    process.returncode = 0  # from here on it is ours to bury, not Popen's
    return register(Child(process.pid))


def handed_on(sockets: Iterable[tuple[str, int]]) -> dict[str, str]:
    """The variables that name descriptors of sockets that listen already (kit/sockets.py)."""
    named: dict[str, list[str]] = {}
    for name, number in sockets:
        named.setdefault(name, []).append(f"{HANDED_ON}{number}")
    return {name: ",".join(some) for name, some in named.items()}


def register(child: Child) -> Child:
    """Remember a child of ours, so that it does not pass for an orphan."""
    _started[:] = [one for one in _started if one.code is None] + [child]
    return child


def appending(file: Path) -> BinaryIO:
    """A file for appending that only its owner may read."""
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb")


def name_process(name: str) -> None:
    """Give this process the name that ps and top show (15 characters of it)."""
    _libc.prctl(_PR_SET_NAME, name.encode()[:15])


def adopt_orphans() -> None:
    """From now on this process is the parent of whatever its children leave behind."""
    global _adopting  # noqa: PLW0603 - a property of the process, as the kernel's is
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)
    _adopting = os.getpid()


def end_orphans() -> int:
    """Kill and bury what dead children left to us, and what that leaves; how many there were.

    Helpers that run in our own session (initdb, psql) are no orphans, and what `spawn` started is none either. Does
    nothing in a process that did not ask for orphans: there, a child that we do not know is somebody else's.
    """
    all_ended = 0
    while _adopting == os.getpid() and (ended := _end_adopted()):
        all_ended += ended
    return all_ended


def _end_adopted() -> int:
    """One round of it."""
    ours, known, ended = os.getsid(0), {one.pid for one in _started}, 0
    for child in psutil.Process().children():
        try:
            if child.pid in known or os.getsid(child.pid) == ours:
                continue
            os.kill(child.pid, signal.SIGKILL)
            os.waitpid(child.pid, 0)
        except (ProcessLookupError, ChildProcessError):  # it went by itself
            continue
        ended += 1
    return ended
