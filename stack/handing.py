"""What one process of a service hands on to the next, so that both can be there at once: sockets, and what it keeps."""

import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from contracts import feed_store
from kit.sockets import listening
from stack.processes import Command
from stack.waiting import Check, over_http

_STATES = "*.mdb"  # of feeds, contracts/feed_disk.py


@dataclass(frozen=True)
class Handing:
    """How a process of a service comes to stand beside another. The rest names variables of its environment.

    `listens` name its addresses; at the first people come. A process that is to take another's place is asked at a port
    of its own whether it is `ready`, before it lets them in (kit/serve.py). `keeps` names the folder with its feed,
    which one process writes.
    """

    listens: tuple[str, ...]
    ready: Callable[[int], Check]
    keeps: str = ""


def of_web(prefix: str, host: str, *, keeps: bool = False) -> Handing:
    """That of a process which answers people at `host`, whose settings begin with `prefix`; `keeps`: it has a feed."""
    listens = (f"{prefix}BIND", f"{prefix}METRICS_BIND")
    return Handing(listens, partial(over_http, path="/readyz", host=host), f"{prefix}STATE_DIR" if keeps else "")


class Estate:
    """What the processes of one service share, and the two places that they take in turns."""

    def __init__(self, handing: Handing) -> None:
        self._handing = handing
        self._sockets: dict[str, socket.socket] = {}
        self._place: int | None = None  # of the process that counts, once there was one

    def for_one(self, command: Command) -> Command:
        """A command as it is when nothing stands beside it. Raises OSError when it cannot listen."""
        if self._place is None:
            self._place = max((0, 1), key=lambda place: _written(self._folder(command, place)))
        return self._in_place(command, self._place)

    def for_next(self, command: Command, own: socket.socket) -> Command:
        """The same for who is to take the place of the one that runs, and is asked at `own`.

        It begins with a copy of what that one keeps. Raises OSError, StoreBroken.
        """
        here, there = self._folder(command, self._place or 0), self._folder(command, self._next)
        if here != there:
            _copy(here, there)
        made = self._in_place(command, self._next)
        return replace(made, sockets=((self._handing.listens[0], own.fileno()), *made.sockets))

    def hand_on(self) -> None:
        """From now on it is the other that counts."""
        self._place = self._next

    def give_up(self, command: Command) -> None:
        """Who was to take the place did not, and has ended: what it kept grows old, and is nobody's to begin with."""
        here, there = self._folder(command, self._place or 0), self._folder(command, self._next)
        if here != there:
            _clear(there)

    def close(self) -> None:
        """Nobody answers: whoever asks is to hear that at once."""
        for one in self._sockets.values():
            one.close()
        self._sockets.clear()

    @property
    def _next(self) -> int:
        return 1 - (self._place or 0)

    def _in_place(self, command: Command, place: int) -> Command:
        for name in self._handing.listens:
            if name not in self._sockets and (address := command.environment.get(name)):
                self._sockets[name] = listening(address)
        keeps = {self._handing.keeps: str(self._folder(command, place))} if self._handing.keeps else {}
        sockets = tuple((name, one.fileno()) for name, one in self._sockets.items())
        return replace(command, environment={**command.environment, **keeps}, sockets=sockets)

    def _folder(self, command: Command, place: int) -> Path:
        folder = Path(command.environment.get(self._handing.keeps, ""))
        return folder / "beside" if place and self._handing.keeps else folder


def _written(folder: Path) -> float:
    """When what is kept there was last changed, as a time stamp."""
    return max((one.stat().st_mtime for one in folder.glob(_STATES)), default=0.0)


def _copy(here: Path, there: Path) -> None:
    there.mkdir(exist_ok=True)
    _clear(there)
    for state in here.glob(_STATES):
        feed_store.copy_file(state, there / state.name)


def _clear(folder: Path) -> None:
    for old in folder.glob(f"{_STATES}*"):  # with LMDB's lock
        old.unlink()
