"""Shows what the processes wrote to their logs, and goes on as they write."""

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.text import Text

from stack.errors import StackError
from stack.folder import Folder

_LOOK_S = 0.2
_LINE_BYTES = 400  # a guess of a line's length, to find the last ones without reading the whole file
_COLOURS = ("cyan", "magenta", "green", "yellow", "blue")


def show(folder: Folder, names: Sequence[str], lines: int, *, follow: bool, as_json: bool) -> None:
    """Print the last lines of each log, then what comes, until Ctrl-C. Raises StackError for an unknown name."""
    there = sorted(file.stem for file in folder.logs.glob("*.log"))
    if unknown := [name for name in names if name not in there]:
        raise StackError(f"there is no log of {unknown[0]}: there are {', '.join(there) or 'none'}")
    printer = _Printer(list(names) or there, as_json=as_json)
    followed = [_Log(folder.log(name), lines) for name in printer.names]
    with suppress(KeyboardInterrupt):
        while True:
            for log in followed:
                for line in log.read():
                    printer.print(log.path.stem, line)
            if not follow:
                return
            time.sleep(_LOOK_S)


class _Log:
    """A log file, read from its last `lines` lines on."""

    def __init__(self, path: Path, lines: int) -> None:
        self.path = path
        self._at = max(0, path.stat().st_size - lines * _LINE_BYTES)
        self._last: int | None = lines

    def read(self) -> list[str]:
        """The whole lines that were written since the last call."""
        with self.path.open("rb") as file:
            file.seek(self._at)
            content = file.read()
        whole = content[: content.rfind(b"\n") + 1]
        self._at += len(whole)
        lines = whole.decode(errors="replace").splitlines()
        if self._last is not None:
            lines = lines[max(0, len(lines) - self._last) :]
            self._last = None
        return lines


class _Printer:
    def __init__(self, names: list[str], *, as_json: bool) -> None:
        self.names = names
        self._console = Console(highlight=False, soft_wrap=True)
        self._as_json = as_json

    def print(self, name: str, line: str) -> None:
        """A line with the name of who wrote it, in a colour of its own where colours are seen."""
        if self._as_json:
            print(json.dumps({"name": name, "line": line}), flush=True)
            return
        colour = _COLOURS[self.names.index(name) % len(_COLOURS)]
        width = max(len(one) for one in self.names)
        self._console.print(Text.assemble((f"{name:<{width}} ", colour), line))
